//! These cases add layers and read the plan.

use charmwright_pebble::{ErrorKind, Layer, LayerMode, Override, Service};

use super::pebble::{Pebble, add, assert_refused, sleeper};
use super::raw::{get, post};

fn layer(name: &str, service: Service) -> Layer {
    Layer::new().service(name, service)
}

fn body(label: &str, yaml: &str) -> String {
    serde_json::json!({"action": "add", "label": label, "format": "yaml", "layer": yaml})
        .to_string()
}

pub(crate) async fn are_added_and_combined(pebble: &impl Pebble) {
    let client = pebble.client();
    assert!(client.plan().await.unwrap().services().is_empty());
    client.add_layer("a", &layer("web", sleeper().env("A", "1")), LayerMode::New).await.unwrap();
    let more = Service::new().override_mode(Override::Merge).env("B", "2").after(["db"]);
    client.add_layer("a", &layer("web", more.clone()), LayerMode::Combine).await.unwrap();
    let plan = client.plan().await.unwrap();
    let web = &plan.services()["web"];
    assert_eq!((&*web.get_environment()["A"], &*web.get_environment()["B"]), ("1", "2"));
    // Trap: a merge appends to lists, so a layer that is combined twice has its items twice.
    client.add_layer("a", &layer("web", more), LayerMode::Combine).await.unwrap();
    assert_eq!(client.plan().await.unwrap().services()["web"].get_after(), ["db", "db"]);
    let other = sleeper().override_mode(Override::Replace);
    client.add_layer("b", &layer("web", other), LayerMode::Combine).await.unwrap();
    assert!(client.plan().await.unwrap().services()["web"].get_environment().is_empty());
}

pub(crate) async fn that_exist_or_are_wrong_are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper())]).await;
    assert_refused(
        client.add_layer("base", &layer("b", sleeper()), LayerMode::New).await,
        400,
        "layer \"base\" already exists",
    );
    let lone = layer("x", sleeper().requires(["nobody"]));
    assert_refused(client.add_layer("x", &lone, LayerMode::New).await, 400, "nobody");
    let loops =
        Layer::new().service("l1", sleeper().after(["l2"])).service("l2", sleeper().after(["l1"]));
    assert_refused(client.add_layer("loop", &loops, LayerMode::New).await, 400, "loop");
    for (label, yaml) in [
        ("", "summary: x"),
        ("y", "services: ["),
        ("y", "services: {w: {command: c}}"),
        ("y", "services: {w: {override: sideways, command: c}}"),
        ("y", "services: {w: {override: replace}}"),
        ("y", "services: {w: {override: replace, command: c, newer: 1}}"),
        ("y", "checks: {c: {override: replace}}"),
    ] {
        let answer = post(pebble, "/v1/layers", &body(label, yaml));
        assert_eq!(answer.status, 400, "{label} {yaml}");
        assert!(!answer.error_message().is_empty());
    }
    for broken in [
        r#"{"action":"drop","label":"y","format":"yaml","layer":""}"#,
        r#"{"action":"add","label":"y","format":"toml","layer":""}"#,
    ] {
        assert_eq!(post(pebble, "/v1/layers", broken).status, 400, "{broken}");
    }
    // A daemon ends when it runs such a command, so the client does not send the layer.
    let empty = layer("e", Service::new().command("  # nothing"));
    assert_eq!(
        *client.add_layer("e", &empty, LayerMode::New).await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    assert_eq!(get(pebble, "/v1/plan").status, 400, "the format has to be named");
    assert_eq!(get(pebble, "/v1/plan?format=json").status, 400);
    let plan = client.plan().await.unwrap();
    assert_eq!(plan.services().keys().collect::<Vec<_>>(), ["web"], "nothing of all that came in");
}

pub(crate) async fn are_forgotten_by_a_restart(pebble: &impl Pebble) {
    add(&pebble.client(), [("web", sleeper())]).await;
    pebble.restart();
    // This needs a new client, since the one that has added the layer would restore it.
    assert!(pebble.client().plan().await.unwrap().services().is_empty());
}

pub(crate) async fn of_a_folder_go_between_others(pebble: &impl Pebble) {
    let client = pebble.client();
    let named = |value: &str| layer("web", sleeper().env("FROM", value));
    client.add_layer("dir/a", &named("a"), LayerMode::New).await.unwrap();
    client.add_layer("top", &named("top"), LayerMode::New).await.unwrap();
    client.add_layer("dir/b", &named("b"), LayerMode::New).await.unwrap();
    let plan = client.plan().await.unwrap();
    // Since 1.17 a layer whose label has a folder goes after the last layer of that folder. Before,
    // it went after all others.
    let wins = if pebble.has("1.17") { "top" } else { "b" };
    assert_eq!(plan.services()["web"].get_environment()["FROM"], wins);
    if pebble.has("1.17") {
        let answer = post(pebble, "/v1/layers", &body("dir/c", "summary: x"));
        assert_eq!(answer.status, 500, "without 'inner'");
        assert!(answer.error_message().contains("inner"), "{}", answer.error_message());
    }
}
