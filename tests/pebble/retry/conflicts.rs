//! In these tests another change works on the same service. The client waits for its end and then
//! does what is still to be done.

use std::path::Path;
use std::thread;
use std::time::Duration;

use charmwright_pebble::{
    ChangeStatus, Check, Client, ErrorKind, Layer, LayerMode, Service, ServiceAction, Startup,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;
use charmwright_tests::wait::until;

use super::{side_by_side, start_held};

/// Returns a service that adds a line to the file of starts and ignores SIGTERM, so that a stop
/// takes the whole `kill_delay`. It writes its line only after its trap is set.
fn stubborn(value: &str, kill_delay: Duration) -> Service {
    let script =
        r#"trap "" TERM; echo "$PPID $NAME" >> $PEBBLE/../starts; while :; do sleep 0.05; done"#;
    Service::new()
        .command(format!("/bin/sh -c '{script}'"))
        .env("NAME", value)
        .kill_delay(kill_delay)
}

/// Adds a layer with this service as `web`.
async fn add(client: &Client, service: Service) {
    let layer = Layer::new().service("web", service);
    client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
}

/// Returns a client that shares nothing with the fixture's. It stands for another hook or for a
/// user who runs `pebble`.
fn another_client(fixture: &Fixture) -> Client {
    fixture.daemon.client()
}

/// Waits until the service is being stopped: it was started and is no longer active.
async fn wait_until_ending(fixture: &Fixture) {
    until("the service ends", async || {
        let services = another_client(fixture).services(["web"]).await.unwrap();
        services.iter().any(|info| !info.is_active() && info.current_since().is_some())
    })
    .await;
}

/// The kill delay of a service whose stop is to last long enough for another request.
const SLOW: Duration = Duration::from_secs(2);

/// The period of a check, which also limits each run. A shorter one could fail a run on a busy
/// machine.
const CHECK_PERIOD: Duration = Duration::from_millis(500);

/// The first hook is killed while its replan waits, and Juju runs it again.
#[test]
fn a_replan_beside_a_replan_that_a_killed_hook_has_left_starts_the_service_once() {
    let cases = vec![(Startup::Enabled, 1), (Startup::Disabled, 1), (Startup::Enabled, 2)];
    side_by_side(cases, async |(startup, hooks)| {
        let Some(fixture) = start_held("killed_hook", DaemonOptions::new()) else {
            return;
        };
        add(&fixture.client, stubborn("a", SLOW).startup(startup.clone())).await;
        fixture.client.start(["web"]).await.unwrap();
        for _ in 0..hooks {
            let first = another_client(&fixture);
            add(&first, stubborn("b", SLOW).startup(startup.clone())).await;
            let replan = first.replan();
            // The future is dropped while it waits, which leaves the change to Pebble as a killed
            // hook does.
            tokio::select! {
                _ = replan => panic!("the service ended at once"),
                () = wait_until_ending(&fixture) => {}
            }
        }
        let again = another_client(&fixture);
        add(&again, stubborn("b", SLOW).startup(startup.clone())).await;
        let change = again.replan().await.unwrap();
        assert_eq!(*change.status(), ChangeStatus::Done);
        assert!(again.services(["web"]).await.unwrap()[0].is_active(), "{startup:?}");
        assert_eq!(fixture.started(), ["a", "b"], "{startup:?}");
        assert_eq!(again.budget().retries(), 0, "Pebble has answered all the time");
    });
}

/// The action of the other client.
#[derive(Debug, Clone, Copy)]
enum Other {
    Stop,
    Restart,
}

/// The action of the client under test.
#[derive(Debug, Clone, Copy)]
enum Action {
    Start,
    Restart,
    Replan,
}

#[test]
fn what_another_party_is_at_work_on_is_waited_for_and_done() {
    let mut cases = Vec::new();
    for other in [Other::Stop, Other::Restart] {
        for action in [Action::Start, Action::Restart, Action::Replan] {
            cases.push((other, action));
        }
    }
    side_by_side(cases, async |(other, action)| {
        let what = format!("{action:?} beside {other:?}");
        let Some(fixture) = start_held("another_party", DaemonOptions::new()) else {
            return;
        };
        add(&fixture.client, stubborn("a", SLOW).startup(Startup::Enabled)).await;
        fixture.client.start(["web"]).await.unwrap();
        let party = another_client(&fixture);
        let other_call = async {
            match other {
                Other::Stop => party.stop(["web"]).await,
                Other::Restart => party.restart(["web"]).await,
            }
        };
        let under_test = async {
            wait_until_ending(&fixture).await;
            match action {
                Action::Start => fixture.client.start(["web"]).await,
                Action::Restart => fixture.client.restart(["web"]).await,
                Action::Replan => fixture.client.replan().await,
            }
        };
        let (other_result, result) = tokio::join!(other_call, under_test);
        other_result.unwrap_or_else(|error| panic!("{what}: {error}"));
        result.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(fixture.client.services(["web"]).await.unwrap()[0].is_active(), "{what}");
        assert_eq!(fixture.started(), ["a", "a"], "{what}");
    });
}

#[tokio::test]
async fn a_stop_beside_a_stop_ends_with_the_process() {
    let Some(fixture) = start_held("stop_beside_stop", DaemonOptions::new()) else {
        return;
    };
    add(&fixture.client, stubborn("a", SLOW)).await;
    fixture.client.start(["web"]).await.unwrap();
    let party = another_client(&fixture);
    let under_test = async {
        wait_until_ending(&fixture).await;
        // The change of this stop is done at once, although the process still runs.
        fixture.client.stop(["web"]).await.unwrap();
        let in_progress = fixture.client.changes(&Default::default()).await.unwrap();
        assert_eq!(in_progress, [], "the other stop is not over");
    };
    let (other_result, ()) = tokio::join!(party.stop(["web"]), under_test);
    other_result.unwrap();
}

/// Pebble restarts a service for a failed check outside of any change, so the client cannot wait
/// for a change.
#[test]
fn a_service_that_a_check_restarts_is_waited_for() {
    side_by_side(vec![Action::Start, Action::Restart, Action::Replan], async |action| {
        let Some(fixture) = start_held("check_restarts", DaemonOptions::new()) else {
            return;
        };
        let failing = format!("test ! -e {}", fixture.daemon.folder().join("fail").display());
        let check =
            Check::exec(format!("/bin/sh -c '{failing}'")).period(CHECK_PERIOD).threshold(1);
        let service = stubborn("a", SLOW)
            .startup(Startup::Enabled)
            .on_check_failure("up", ServiceAction::Restart);
        let layer = Layer::new().service("web", service).check("up", check);
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        fixture.client.start(["web"]).await.unwrap();
        touch(&fixture.daemon.folder().join("fail"));
        wait_until_ending(&fixture).await;
        std::fs::remove_file(fixture.daemon.folder().join("fail")).unwrap();
        let result = match action {
            Action::Start => fixture.client.start(["web"]).await,
            Action::Restart => fixture.client.restart(["web"]).await,
            Action::Replan => fixture.client.replan().await,
        };
        result.unwrap_or_else(|error| panic!("{action:?}: {error}"));
        assert!(fixture.client.services(["web"]).await.unwrap()[0].is_active(), "{action:?}");
        assert_eq!(fixture.started(), ["a", "a"], "{action:?}");
    });
}

/// Makes an empty file.
fn touch(path: &Path) {
    std::fs::write(path, "").unwrap();
}

#[tokio::test]
async fn what_is_at_work_is_named_at_the_change_deadline() {
    let Some(fixture) = start_held("conflict_deadline", DaemonOptions::new()) else {
        return;
    };
    add(&fixture.client, stubborn("a", Duration::from_secs(600))).await;
    fixture.client.start(["web"]).await.unwrap();
    let party = another_client(&fixture);
    let hurried = fixture.client.clone().with_change_deadline(Duration::from_secs(1));
    let under_test = async {
        wait_until_ending(&fixture).await;
        hurried.start(["web"]).await.unwrap_err()
    };
    let error = tokio::select! {
        _ = party.stop(["web"]) => panic!("the service ended at once"),
        error = under_test => error,
    };
    assert_eq!(*error.kind(), ErrorKind::ChangeRunning, "{error}");
    let text = error.to_string();
    assert!(text.contains("(Stop service \"web\") is still running after "), "{text}");
}

/// Pebble gets SIGTERM, waits for its slow service, ends, and is started again.
#[test]
fn an_orderly_stop_with_a_slow_service_is_waited_for() {
    side_by_side(vec![Action::Start, Action::Restart, Action::Replan], async |action| {
        let Some(fixture) = start_held("orderly_stop", DaemonOptions::new()) else {
            return;
        };
        add(&fixture.client, stubborn("a", SLOW).startup(Startup::Enabled)).await;
        fixture.client.start(["web"]).await.unwrap();
        let daemon = std::sync::Arc::clone(&fixture.daemon);
        let first = daemon.pid().unwrap().to_string();
        let stopper = thread::spawn(move || {
            daemon.stop().unwrap();
            daemon.start_again().unwrap();
        });
        wait_until_ending(&fixture).await;
        let result = match action {
            Action::Start => fixture.client.start(["web"]).await,
            Action::Restart => fixture.client.restart(["web"]).await,
            Action::Replan => fixture.client.replan().await,
        };
        stopper.join().unwrap();
        result.unwrap_or_else(|error| panic!("{action:?}: {error}"));
        assert!(fixture.client.services(["web"]).await.unwrap()[0].is_active(), "{action:?}");
        let second = fixture.daemon.pid().unwrap().to_string();
        let expected = [(first, "a".to_owned()), (second, "a".to_owned())];
        assert_eq!(fixture.started_by_daemon(), expected, "{action:?}");
    });
}

/// The other client's start fails while the client under test waits for another service.
#[tokio::test]
async fn a_start_that_had_joined_one_that_failed_meanwhile_fails_too() {
    let Some(fixture) = start_held("joined_a_failing_start", DaemonOptions::new()) else {
        return;
    };
    let ends = fixture.daemon.folder().join("ends");
    let script = format!("while ! test -e {}; do sleep 0.02; done; exit 3", ends.display());
    let web =
        Service::new().command(format!("/bin/sh -c '{script}'")).on_failure(ServiceAction::Ignore);
    let db = fixture.service("db").after(["web"]);
    let layer = Layer::new().service("web", web).service("db", db);
    fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    let party = another_client(&fixture);
    let under_test = async {
        until("the other start has begun", async || {
            another_client(&fixture).services(["web"]).await.unwrap()[0].is_active()
        })
        .await;
        fixture.client.start(["web", "db"]).await
    };
    let failing = async {
        until("the start has come to its second service", async || fixture.started() == ["db"])
            .await;
        touch(&ends);
    };
    let (other_result, result, ()) = tokio::join!(party.start(["web"]), under_test, failing);
    other_result.unwrap_err();
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("exited quickly with code 3"), "{error}");
}

/// Pebble calls an aborted change `Done` if its stop was done, although its start was not.
#[tokio::test]
async fn a_restart_that_is_aborted_between_its_tasks_has_failed() {
    let Some(fixture) = start_held("aborted_restart", DaemonOptions::new()) else {
        return;
    };
    add(&fixture.client, stubborn("a", SLOW)).await;
    fixture.client.start(["web"]).await.unwrap();
    let party = another_client(&fixture);
    let abort = async {
        wait_until_ending(&fixture).await;
        let changes = party.changes(&Default::default()).await.unwrap();
        party.abort_change(changes[0].id()).await.unwrap();
    };
    let (result, ()) = tokio::join!(fixture.client.restart(["web"]), abort);
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("was aborted"), "{error}");
    assert_eq!(fixture.started(), ["a"], "nor is it started again");
}

/// Pebble refuses replans while the service ends. Each refused one leaves the start to be done, and
/// only one may be made.
#[tokio::test]
async fn a_replan_that_is_refused_many_times_leaves_one_start() {
    let Some(fixture) = start_held("refused_replans", DaemonOptions::new()) else {
        return;
    };
    let fail = fixture.daemon.folder().join("fail");
    let check = Check::exec(format!("/bin/sh -c 'test ! -e {}'", fail.display()))
        .period(CHECK_PERIOD)
        .threshold(1);
    let service = stubborn("a", 2 * SLOW)
        .startup(Startup::Enabled)
        .on_check_failure("up", ServiceAction::Restart);
    let layer = Layer::new().service("web", service).check("up", check);
    fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    fixture.client.start(["web"]).await.unwrap();
    touch(&fail);
    wait_until_ending(&fixture).await;
    std::fs::remove_file(&fail).unwrap();
    fixture.client.replan().await.unwrap();
    assert_eq!(fixture.started(), ["a", "a"]);
    assert!(fixture.changes_of_kind("replan").await.len() > 2);
    assert_eq!(fixture.changes_of_kind("start").await.len(), 2, "that of before, and one");
}

/// Only a replan stops a disabled service to start it again. So the failed start of one by another
/// client is no failure of this replan.
#[tokio::test]
async fn a_replan_is_not_about_the_start_of_a_disabled_service_by_another_party() {
    let Some(fixture) = start_held("another_starts_a_job", DaemonOptions::new()) else {
        return;
    };
    let job =
        Service::new().command("/bin/sh -c 'sleep 0.8; exit 3'").on_failure(ServiceAction::Ignore);
    let web = fixture.service("a").startup(Startup::Enabled);
    let layer = Layer::new().service("job", job).service("web", web);
    fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    fixture.client.replan().await.unwrap();
    let party = another_client(&fixture);
    let under_test = async {
        until("the other start has begun", async || {
            another_client(&fixture).services(["job"]).await.unwrap()[0].is_active()
        })
        .await;
        fixture.client.replan().await
    };
    let (other_result, result) = tokio::join!(party.start(["job"]), under_test);
    other_result.unwrap_err();
    result.unwrap();
}
