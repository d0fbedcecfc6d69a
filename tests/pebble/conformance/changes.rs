//! These cases list, read, await and abort changes.

use std::time::Duration;

use charmwright_pebble::{ChangeFilter, ChangeId, ChangeSelect, ChangeStatus, ErrorKind, Service};
use charmwright_tests::wait::WAIT_LIMIT;

use super::pebble::{Pebble, add, assert_refused, sleeper, until};
use super::raw::{get, post};

pub(crate) async fn are_listed_by_state_and_service(pebble: &impl Pebble) {
    let client = pebble.client();
    assert_eq!(client.changes(&ChangeFilter::all()).await.unwrap(), []);
    add(&client, [("a", sleeper()), ("b", sleeper())]).await;
    let (a, b) = tokio::join!(client.start(["a"]), client.start(["b"]));
    let ids = |changes: &[charmwright_pebble::Change]| -> Vec<ChangeId> {
        changes.iter().map(|change| change.id().clone()).collect()
    };
    let mut both = ids(&[a.unwrap(), b.unwrap()]);
    both.sort();
    // Pebble lists them in no order; the client sorts them.
    let all = client.changes(&ChangeFilter::all()).await.unwrap();
    assert_eq!(ids(&all), both);
    let ready = client.changes(&ChangeFilter::select(ChangeSelect::Ready)).await.unwrap();
    assert_eq!(ids(&ready), both);
    assert_eq!(client.changes(&ChangeFilter::default()).await.unwrap(), [], "none is in progress");
    let of_b = client.changes(&ChangeFilter::all().service("b")).await.unwrap();
    assert_eq!((of_b.len(), of_b[0].summary()), (1, "Start service \"b\""));
    assert_eq!(client.changes(&ChangeFilter::all().service("c")).await.unwrap(), []);
    let answer = get(pebble, "/v1/changes?select=some");
    assert_eq!(answer.status, 400, "{}", answer.error_message());
}

pub(crate) async fn are_waited_for_and_told_when_they_fail(pebble: &impl Pebble) {
    let client = pebble.client();
    add(
        &client,
        [("good", sleeper()), ("bad", Service::new().command("/bin/sh -c 'echo boom; exit 3'"))],
    )
    .await;
    let good = client.start(["good"]).await.unwrap();
    assert_eq!((good.status(), good.ready(), good.err()), (&ChangeStatus::Done, true, None));
    assert!(good.spawn_time() < good.ready_time());
    let error = client.start(["bad"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    // Trap: the status of a wait is 200 also if the change has failed.
    let id = error.change().unwrap().id().clone();
    let failed = client.wait_change(&id, WAIT_LIMIT).await.unwrap();
    assert_eq!(*failed.status(), ChangeStatus::Error);
    assert!(
        failed.err().unwrap().starts_with("cannot perform the following tasks:\n- "),
        "{failed:?}"
    );
    assert_eq!(failed.service_failures()[0].last_output(), Some("boom"));
    assert_eq!(client.change(&id).await.unwrap(), failed);
}

pub(crate) async fn that_are_unknown_are_404(pebble: &impl Pebble) {
    let client = pebble.client();
    let id: ChangeId = "4711".parse().unwrap();
    let text = "cannot find change with id \"4711\"";
    assert_refused(client.change(&id).await, 404, text);
    assert_refused(client.wait_change(&id, WAIT_LIMIT).await, 404, text);
    assert_refused(client.abort_change(&id).await, 404, text);
    // Pebble looks for the change before it parses the rest of the request.
    assert_eq!(get(pebble, "/v1/changes/4711/wait?timeout=soon").status, 404);
    assert_eq!(post(pebble, "/v1/changes/4711", "{").status, 404);
}

/// Returns a service that ignores SIGTERM, so that its stop takes a while.
fn stubborn() -> Service {
    Service::new()
        .command("/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'")
        .kill_delay(Duration::from_secs(60))
}

pub(crate) async fn are_aborted_once(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper())]).await;
    let started = client.start(["web"]).await.unwrap();
    assert_refused(client.abort_change(started.id()).await, 400, "nothing pending");
    let answer = post(pebble, &format!("/v1/changes/{}", started.id()), r#"{"action":"undo"}"#);
    assert_eq!(answer.status, 400, "{}", answer.error_message());
    client.stop(["web"]).await.unwrap();
    // The start is aborted within the second in which Pebble watches whether the service stays up.
    let (aborted, result) = tokio::join!(
        async {
            let starting = until(
                async || client.changes(&ChangeFilter::default().service("web")).await.unwrap(),
                |changes| changes.iter().any(|change| change.kind() == "start"),
            )
            .await;
            client.abort_change(starting[0].id()).await.unwrap()
        },
        client.start(["web"])
    );
    assert_eq!(aborted.kind(), "start");
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert_eq!(error.change().unwrap().id(), aborted.id());
}

pub(crate) async fn a_wait_ends_at_its_timeout(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", stubborn())]).await;
    client.start(["web"]).await.unwrap();
    let stop = client.clone().with_change_deadline(Duration::from_millis(300));
    let error = stop.stop(["web"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeRunning, "{error}");
    let change = error.change().unwrap();
    let answer = get(pebble, &format!("/v1/changes/{}/wait?timeout=10ms", change.id()));
    assert_eq!(
        (answer.status, answer.error_message().as_str()),
        (504, "timed out waiting for change after 10ms")
    );
    assert_eq!(get(pebble, &format!("/v1/changes/{}/wait?timeout=5", change.id())).status, 400);
    let waited = client.wait_change(change.id(), Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(*waited.kind(), ErrorKind::ChangeRunning, "{waited}");
}
