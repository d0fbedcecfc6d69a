//! These cases list services and run the five actions on them.

use charmwright_pebble::{
    ChangeStatus, Client, ErrorKind, Layer, LayerMode, Service, ServiceInfo, ServiceStatus, Startup,
};

use super::pebble::{Pebble, add, assert_refused, sleeper, until};
use super::raw::post;

async fn status(client: &Client, name: &str) -> ServiceStatus {
    client.services([name]).await.unwrap()[0].current().clone()
}

pub(crate) async fn are_listed_by_name(pebble: &impl Pebble) {
    let client = pebble.client();
    assert_eq!(client.all_services().await.unwrap(), []);
    let enabled = sleeper().startup(Startup::Enabled);
    add(&client, [("b", sleeper()), ("a", enabled), ("c d,e", sleeper())]).await;
    let all = client.all_services().await.unwrap();
    let names: Vec<&str> = all.iter().map(ServiceInfo::name).collect();
    assert_eq!(names, ["a", "b", "c d,e"]);
    assert_eq!((all[0].startup(), all[1].startup()), (&Startup::Enabled, &Startup::Disabled));
    assert_eq!((all[0].current(), all[0].current_since()), (&ServiceStatus::Inactive, None));
    // Trap: a name that no service has is no error. It is left out.
    assert_eq!(client.services(["nobody", "b"]).await.unwrap(), [all[1].clone()]);
    assert_eq!(client.services(["nobody"]).await.unwrap(), []);
}

pub(crate) async fn start_stop_and_restart(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper())]).await;
    assert_eq!(
        *client.stop(["web"]).await.unwrap().status(),
        ChangeStatus::Done,
        "one that never ran"
    );
    assert_eq!(client.start(["web"]).await.unwrap().kind(), "start");
    let first = client.services(["web"]).await.unwrap().remove(0);
    assert_eq!(*first.current(), ServiceStatus::Active);
    assert!(first.current_since().is_some());
    let again = client.start(["web"]).await.unwrap();
    assert_eq!(*again.status(), ChangeStatus::Done);
    assert_eq!(client.services(["web"]).await.unwrap()[0], first, "it goes on as it was");
    assert_eq!(client.restart(["web"]).await.unwrap().kind(), "restart");
    let second = client.services(["web"]).await.unwrap().remove(0);
    assert!(second.current_since() > first.current_since());
    assert_eq!(client.stop(["web"]).await.unwrap().kind(), "stop");
    assert_eq!(status(&client, "web").await, ServiceStatus::Inactive);
}

pub(crate) async fn that_are_unknown_or_missing_are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper())]).await;
    for result in [
        client.start(["web", "nobody"]).await,
        client.stop(["nobody"]).await,
        client.restart(["nobody"]).await,
    ] {
        assert_refused(result, 400, "service \"nobody\" does not exist");
    }
    assert_eq!(status(&client, "web").await, ServiceStatus::Inactive, "all or none");
    assert_refused(client.autostart().await, 400, "no default services");
    for action in ["start", "stop", "restart"] {
        let body = format!(r#"{{"action":"{action}","services":[]}}"#);
        let answer = post(pebble, "/v1/services", &body);
        let text = if pebble.has("1.19") {
            format!("must specify services for {action} action")
        } else {
            format!("no services to {action} provided")
        };
        assert_eq!((answer.status, answer.error_message()), (400, text));
    }
    for action in ["replan", "autostart"] {
        let answer =
            post(pebble, "/v1/services", &format!(r#"{{"action":"{action}","services":["web"]}}"#));
        assert_eq!(
            (answer.status, answer.error_message()),
            (400, format!("{action} accepts no service names"))
        );
    }
    assert_eq!(*client.start([""; 0]).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
}

pub(crate) async fn that_end_at_once_fail_their_start(pebble: &impl Pebble) {
    let client = pebble.client();
    let quick = Service::new().command("/bin/sh -c 'echo last words; exit 7'");
    add(&client, [("quick", quick), ("none", Service::new().command("/no/such/program"))]).await;
    let error = client.start(["quick"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    let failed = error.failed_services().remove(0);
    assert_eq!((failed.service(), failed.last_output()), ("quick", Some("last words")));
    assert!(failed.cause().contains("exited quickly with code 7"), "{failed:?}");
    // Since 1.17 Pebble starts such a service again after a delay. Before that it left it stopped.
    let expected =
        if pebble.has("1.17") { ServiceStatus::Backoff } else { ServiceStatus::Inactive };
    until(async || status(&client, "quick").await, |status| *status == expected).await;
    let error = client.start(["none"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("no such file"), "{error}");
}

pub(crate) async fn a_start_pulls_in_what_is_required_and_a_stop_what_requires(
    pebble: &impl Pebble,
) {
    let client = pebble.client();
    let web = sleeper().requires(["db"]).after(["db"]);
    add(&client, [("web", web), ("db", sleeper())]).await;
    let started = client.start(["web"]).await.unwrap();
    assert_eq!((started.summary(), started.tasks().len()), ("Start service \"web\" and 1 more", 2));
    assert_eq!(status(&client, "db").await, ServiceStatus::Active);
    client.stop(["db"]).await.unwrap();
    assert_eq!(status(&client, "web").await, ServiceStatus::Inactive);
}

pub(crate) async fn a_replan_restarts_what_has_changed(pebble: &impl Pebble) {
    let client = pebble.client();
    let nothing = client.replan().await.unwrap();
    assert_eq!((nothing.summary(), nothing.tasks().len()), ("Replan - no services", 0));
    let enabled = || sleeper().startup(Startup::Enabled);
    add(&client, [("same", enabled()), ("changed", enabled()), ("off", sleeper())]).await;
    client.replan().await.unwrap();
    let before = client.all_services().await.unwrap();
    assert_eq!(status(&client, "off").await, ServiceStatus::Inactive);
    let change = Layer::new().service("changed", enabled().env("A", "1"));
    client.add_layer("base", &change, LayerMode::Combine).await.unwrap();
    client.replan().await.unwrap();
    let after = client.all_services().await.unwrap();
    let since = |services: &[ServiceInfo], name: &str| {
        services.iter().find(|service| service.name() == name).unwrap().current_since()
    };
    assert_eq!(since(&after, "same"), since(&before, "same"));
    assert!(since(&after, "changed") > since(&before, "changed"));
}

pub(crate) async fn are_started_together_when_enabled(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("on", sleeper().startup(Startup::Enabled)), ("off", sleeper())]).await;
    assert_eq!(client.autostart().await.unwrap().kind(), "autostart");
    assert_eq!(status(&client, "on").await, ServiceStatus::Active);
    assert_eq!(status(&client, "off").await, ServiceStatus::Inactive);
}
