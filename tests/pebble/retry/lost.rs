//! These tests lose replies on the way to the client, and requests on the way to Pebble.

use std::sync::{Arc, Mutex};

use charmwright_pebble::{
    ChangeStatus, ErrorKind, FailedAttempt, Layer, LayerMode, Override, RetryObserver, Service,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::AWAY;

use super::{side_by_side, start_held};

/// An observer that records the failed attempts.
#[derive(Default)]
struct Recorder(Mutex<Vec<FailedAttempt>>);

impl RetryObserver for Recorder {
    fn attempt_failed(&self, failure: &FailedAttempt) {
        self.0.lock().unwrap().push(failure.clone());
    }
}

/// Returns the faults that lose a reply after the daemon has handled the request: all of it, or
/// what comes after 12 bytes (in the status line) or after 150.
fn losses() -> [Fault; 3] {
    [Fault::DropReply, Fault::CutReplyAfter(12), Fault::CutReplyAfter(150)]
}

#[test]
fn a_lost_reply_never_doubles_an_action() {
    let mut cases = Vec::new();
    for kind in ["replan", "start", "restart"] {
        for hidden in [0, 1] {
            cases.extend(losses().map(|fault| (kind, hidden, fault)));
        }
    }
    side_by_side(cases, lose_the_reply);
}

/// Loses the reply to one action. The changes are hidden from as many lists as `hidden` says, as if
/// the daemon had recorded the change late.
async fn lose_the_reply((kind, hidden, fault): (&'static str, u32, Fault)) {
    let what = format!("{kind}, listed late {hidden} times, {fault:?}");
    let Some(fixture) = start_held("a_lost_reply_never_doubles_an_action", DaemonOptions::new())
    else {
        return;
    };
    if kind == "start" {
        let layer = fixture.layer("one");
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    } else {
        fixture.start_service("one").await;
    }
    if kind == "replan" {
        let layer = fixture.layer("two");
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    }
    fixture.proxy.forget();
    fixture.proxy.add(Rule::new("POST", "/v1/services", fault));
    if hidden > 0 {
        fixture.proxy.add(Rule::hide_changes(hidden));
    }
    let (result, expected): (_, &[&str]) = match kind {
        "replan" => (fixture.client.replan().await, &["one", "two"]),
        "start" => (fixture.client.start(["web"]).await, &["one"]),
        _ => (fixture.client.restart(["web"]).await, &["one", "one"]),
    };
    let change = result.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((change.kind(), change.status()), (kind, &ChangeStatus::Done), "{what}");
    assert_eq!(fixture.posts("/v1/services"), 1, "{what}");
    assert_eq!(fixture.started(), expected, "{what}");
    assert_eq!(fixture.changes_of_kind(kind).await.len(), 1, "{what}");
}

#[tokio::test]
async fn an_action_that_never_arrived_is_sent_again_and_happens_once() {
    let Some(fixture) = start_held("an_action_that_never_arrived", DaemonOptions::new()) else {
        return;
    };
    fixture.start_service("one").await;
    fixture.proxy.add(Rule::new("POST", "/v1/services", Fault::CutRequestBefore));
    fixture.client.restart(["web"]).await.unwrap();
    assert_eq!(fixture.started(), ["one", "one"]);
    assert_eq!(fixture.posts("/v1/services"), 2);
    assert!(fixture.proxy.count("GET", "/v1/changes?") >= 2, "looked for before it was sent again");
    assert_eq!(fixture.changes_of_kind("restart").await.len(), 1);
}

#[tokio::test]
async fn a_daemon_that_only_refuses_is_not_taken_for_a_new_one() {
    let Some(fixture) = start_held("a_daemon_that_only_refuses", DaemonOptions::new()) else {
        return;
    };
    fixture.start_service("one").await;
    let recorder = Arc::new(Recorder::default());
    let client = fixture.client.clone().with_observer(recorder.clone());
    fixture.proxy.add(Rule::new("POST", "/v1/services", Fault::DropReply));
    fixture.proxy.add(Rule::new("GET", "/v1/", Fault::Refuse(AWAY)));
    client.restart(["web"]).await.unwrap();
    assert_eq!(fixture.started(), ["one", "one"], "restarted once");
    assert_eq!((fixture.posts("/v1/services"), fixture.posts("/v1/layers")), (1, 0));
    let failures = recorder.0.lock().unwrap();
    assert!(failures.len() >= 3, "{failures:?}");
    assert!(failures.iter().all(
        |failure| failure.operation() == "restart service \"web\"" && failure.delay().is_some()
    ));
    assert_eq!(failures[0].attempt(), 1);
    assert!(failures.iter().any(|failure| failure.cause() == "connection refused"), "{failures:?}");
}

#[tokio::test]
async fn a_lost_wait_is_asked_again() {
    let Some(fixture) = start_held("a_lost_wait_is_asked_again", DaemonOptions::new()) else {
        return;
    };
    fixture.client.add_layer("web", &fixture.layer("one"), LayerMode::Combine).await.unwrap();
    fixture.proxy.add(Rule::new("GET", "/v1/changes/", Fault::DropReply).times(3));
    fixture.proxy.add(Rule::new(
        "GET",
        "/v1/changes/1/wait",
        Fault::Reply {
            status: 504,
            body: concat!(
                r#"{"type":"error","status-code":504,"#,
                r#""result":{"message":"timed out waiting for change"}}"#
            )
            .into(),
        },
    ));
    fixture.client.replan().await.unwrap();
    // The service is not enabled, so the replan has not started it.
    assert_eq!(fixture.posts("/v1/services"), 1);
    fixture.client.start(["web"]).await.unwrap();
    assert_eq!(fixture.started(), ["one"]);
}

#[tokio::test]
async fn a_layer_whose_reply_was_lost_is_combined_once() {
    for fault in losses() {
        let Some(fixture) = start_held("a_layer_whose_reply_was_lost", DaemonOptions::new()) else {
            return;
        };
        let base = Layer::new()
            .service("db", fixture.service("db"))
            .service("web", fixture.service("one"));
        fixture.client.add_layer("base", &base, LayerMode::New).await.unwrap();
        fixture.proxy.forget();
        fixture.proxy.add(Rule::new("POST", "/v1/layers", fault.clone()));
        // Pebble appends to lists when it combines, so `after` shows a layer that came twice.
        let more = Layer::new()
            .service("web", Service::new().override_mode(Override::Merge).after(["db"]));
        fixture.client.add_layer("base", &more, LayerMode::Combine).await.unwrap();
        assert_eq!(fixture.posts("/v1/layers"), 1, "{fault:?}");
        let plan = fixture.client.plan().await.unwrap();
        assert_eq!(plan.services()["web"].get_after(), ["db"], "{fault:?}");
        assert_eq!(plan.services()["web"].get_environment()["NAME"], "one");

        // A layer with a new label is sent again. That the label exists then shows that the first
        // request was handled.
        fixture.proxy.forget();
        fixture.proxy.add(Rule::new("POST", "/v1/layers", fault.clone()));
        fixture.client.add_layer("new", &fixture.layer("two"), LayerMode::New).await.unwrap();
        assert_eq!(
            fixture.client.plan().await.unwrap().services()["web"].get_environment()["NAME"],
            "two"
        );

        // A request that never arrived is sent again, too.
        fixture.proxy.forget();
        fixture.proxy.add(Rule::new("POST", "/v1/layers", Fault::CutRequestBefore));
        fixture
            .client
            .add_layer("base", &fixture.layer("three"), LayerMode::Combine)
            .await
            .unwrap();
        assert_eq!(fixture.posts("/v1/layers"), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn an_abort_whose_reply_was_lost_is_explained_by_itself() {
    let Some(fixture) = start_held("an_abort_whose_reply_was_lost", DaemonOptions::new()) else {
        return;
    };
    fixture.start_service("one").await;
    let done = fixture.changes_of_kind("start").await.remove(0);
    // If no reply was lost, a change that has ended already is a refusal.
    let error = fixture.client.abort_change(done.id()).await.unwrap_err();
    assert_eq!((error.kind(), fixture.posts("/v1/changes/")), (&ErrorKind::Api { status: 400 }, 1));
    fixture.proxy.add(Rule::new("POST", "/v1/changes/", Fault::DropReply));
    let change = fixture.client.abort_change(done.id()).await.unwrap();
    assert_eq!(change.id(), done.id());
}
