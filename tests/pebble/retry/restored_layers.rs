//! These tests restart Pebble, which then has lost the layers of the API. The client restores them:
//! what it had combined into one label is added once, also if the request for that fails at first.

use std::sync::Arc;
use std::time::Duration;

use charmwright_pebble::{Check, Layer, LayerMode, LogTarget, LogTargetType, Override, Service};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::{COUNTED, Fixture};

use super::{side_by_side, start_held};

/// Returns three layers to combine into one label, each with one more item of a list. The first one
/// merges too, so the result depends on the layers below.
fn contents() -> Vec<Layer> {
    ["dep1", "dep2", "dep3"]
        .into_iter()
        .map(|dependency| {
            let merge = Service::new().override_mode(Override::Merge);
            let web = merge.command(COUNTED).env("NAME", dependency).after([dependency]);
            Layer::new().service("web", web)
        })
        .collect()
}

/// Combines these layers into one label.
async fn add(fixture: &Fixture, label: &str, contents: Vec<Layer>) {
    for layer in contents {
        fixture.client.add_layer(label, &layer, LayerMode::Combine).await.unwrap();
    }
}

#[test]
fn lists_are_not_appended_twice_when_restoring_breaks_off() {
    let in_file = "services: {web: {override: replace, command: sleep 600, summary: of the image}}";
    let mut cases = Vec::new();
    for fault in [Fault::DropReply, Fault::CutRequestBefore, Fault::CutReplyAfter(20)] {
        for nth in [1, 2, 3] {
            for file in ["nothing", "another label", "the same label"] {
                cases.push((fault.clone(), nth, file));
            }
        }
    }
    side_by_side(cases, async |(fault, nth, file)| {
        let what = format!("{fault:?} at restoring request {nth}, a layer file has {file}");
        let options = DaemonOptions::new();
        let options = match file {
            "another label" => options.layer("image", in_file),
            "the same label" => options.layer("web", in_file),
            _ => options,
        };
        let Some(fixture) = start_held("restoring_breaks_off", options) else {
            return;
        };
        add(&fixture, "web", contents()).await;
        fixture.replace_daemon();
        fixture.proxy.add(Rule::new("POST", "/v1/layers", fault).from_nth(nth));
        fixture.client.start(["web"]).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let plan = fixture.client.plan().await.unwrap();
        assert_eq!(plan.services()["web"].get_after(), ["dep1", "dep2", "dep3"], "{what}");
        assert_eq!(fixture.started(), ["dep3"], "{what}");
    });
}

/// A layer above hides the restored one, so the plan does not show whether it has arrived.
#[test]
fn a_hidden_layer_is_restored_once() {
    side_by_side(vec![false, true], async |same_label_in_file| {
        let options = DaemonOptions::new();
        let in_file = "services: {db: {override: replace, command: sleep 600}}";
        let options = if same_label_in_file { options.layer("web", in_file) } else { options };
        let Some(fixture) = start_held("restored_hidden", options) else {
            return;
        };
        let mut contents = contents();
        let seen = Service::new().override_mode(Override::Merge).after(["seen"]).command("sleep 6");
        contents.push(Layer::new().service("beside", seen));
        add(&fixture, "web", contents).await;
        let over = Service::new().command(COUNTED).env("NAME", "over");
        add(&fixture, "over", vec![Layer::new().service("web", over)]).await;
        fixture.replace_daemon();
        fixture.proxy.add(Rule::new("POST", "/v1/layers", Fault::DropReply));
        fixture.client.start(["web"]).await.unwrap();
        let plan = fixture.client.plan().await.unwrap();
        assert_eq!(plan.services()["beside"].get_after(), ["seen"]);
        assert_eq!(plan.services()["web"].get_after(), [""; 0]);
        assert_eq!(fixture.started(), ["over"]);
    });
}

/// The plan has changed since the layer was sent, but another client has changed it.
#[tokio::test]
async fn a_layer_that_never_arrived_is_sent_again_beside_a_layer_of_another_client() {
    let Some(fixture) = start_held("restored_beside_another", DaemonOptions::new()) else {
        return;
    };
    add(&fixture, "web", contents()).await;
    fixture.replace_daemon();
    fixture.proxy.add(Rule::new("POST", "/v1/layers", Fault::CutRequestBefore));
    let daemon = Arc::clone(&fixture.daemon);
    let add_from_another_client = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let layer = Layer::new().service("other", Service::new().command("sleep 600"));
        let client = daemon.client();
        let added = client.add_layer("other", &layer, LayerMode::New);
        runtime.block_on(added).unwrap();
    };
    let fault = Fault::before(move |_| add_from_another_client());
    fixture.proxy.add(Rule::new("GET", "/v1/plan", fault).from_nth(2));
    fixture.client.start(["web"]).await.unwrap();
    let plan = fixture.client.plan().await.unwrap();
    assert!(plan.services().contains_key("other"));
    assert_eq!(plan.services()["web"].get_after(), ["dep1", "dep2", "dep3"]);
}

/// The client combines the layers of a label by itself to restore them in one request. Its result
/// must be that of Pebble.
#[tokio::test]
async fn contents_are_combined_as_pebble_combines_them() {
    let Some(fixture) = start_held("combined", DaemonOptions::new()) else {
        return;
    };
    let merge = || Service::new().override_mode(Override::Merge);
    let check = |check: Check| check.override_mode(Override::Merge);
    let target = |names: &[&str]| {
        LogTarget::new(LogTargetType::Loki, "http://localhost:1/")
            .override_mode(Override::Merge)
            .services(names.iter().copied())
    };
    let contents = [
        Layer::new()
            .service("web", Service::new().command("web").env("A", "1").env("B", "1").after(["x"]))
            .service("db", merge().command("db").requires(["web"]).summary("of one"))
            .check(
                "up",
                Check::http("http://localhost/").threshold(7).period(Duration::from_secs(3600)),
            )
            .log_target("logs", target(&["web"]).label("a", "1")),
        Layer::new()
            .service("web", merge().env("B", "").env("C", "3").after(["x", "y"]))
            .service("db", Service::new().command("other"))
            .check("up", check(Check::http("http://localhost/two").threshold(7)))
            .log_target("logs", target(&["db", "-web"]).label("b", "2")),
        Layer::new()
            .summary("three")
            .service("web", merge().user_id(0).working_dir("/").before(["z"]))
            .service("db", merge().requires(["web"]).env("D", "4")),
    ];
    add(&fixture, "all", contents.to_vec()).await;
    let by_pebble = fixture.client.plan().await.unwrap();
    fixture.replace_daemon();
    fixture.client.start(["db"]).await.unwrap_err();
    assert_eq!(fixture.client.plan().await.unwrap(), by_pebble);
    assert_eq!(fixture.posts("/v1/layers"), 1);
}
