//! Another change is at work on the same service: its end is waited for, and then the rest is done.

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

/// Adds a line to the file of starts, and ends only when it is killed. Its line comes when it has
/// stopped listening to SIGTERM.
fn stubborn(value: &str, kill_delay: Duration) -> Service {
    let script =
        r#"trap "" TERM; echo "$PPID $NAME" >> $PEBBLE/../starts; while :; do sleep 0.05; done"#;
    Service::new()
        .command(format!("/bin/sh -c '{script}'"))
        .env("NAME", value)
        .kill_delay(kill_delay)
}

async fn add(client: &Client, service: Service) {
    let layer = Layer::new().service("web", service);
    client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
}

/// A client of the same daemon for another party: another hook, or `pebble` on a command line.
fn another(fixture: &Fixture) -> Client {
    fixture.daemon.client()
}

/// Waits until a change that stops the service is at work, and the service ends.
async fn wait_until_ending(fixture: &Fixture) {
    until("the service ends", async || {
        let services = another(fixture).services(["web"]).await.unwrap();
        services.iter().any(|info| !info.is_active() && info.current_since().is_some())
    })
    .await;
}

const SLOW: Duration = Duration::from_secs(2);

/// A check may take as long as its period, and one that a busy machine makes late has failed.
const CHECK_PERIOD: Duration = Duration::from_millis(500);

/// The hook is killed while its replan waits, and Juju runs it again.
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
            let first = another(&fixture);
            add(&first, stubborn("b", SLOW).startup(startup.clone())).await;
            let replan = first.replan();
            // Dropped while it waits, as a killed hook is.
            tokio::select! {
                _ = replan => panic!("the service ended at once"),
                () = wait_until_ending(&fixture) => {}
            }
        }
        let again = another(&fixture);
        add(&again, stubborn("b", SLOW).startup(startup.clone())).await;
        let change = again.replan().await.unwrap();
        assert_eq!(*change.status(), ChangeStatus::Done);
        assert!(again.services(["web"]).await.unwrap()[0].is_active(), "{startup:?}");
        assert_eq!(fixture.started(), ["a", "b"], "{startup:?}");
        assert_eq!(again.budget().retries(), 0, "Pebble has answered all the time");
    });
}

#[derive(Debug, Clone, Copy)]
enum Other {
    Stop,
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum Ours {
    Start,
    Restart,
    Replan,
}

#[test]
fn what_another_party_is_at_work_on_is_waited_for_and_done() {
    let mut cases = Vec::new();
    for other in [Other::Stop, Other::Restart] {
        for ours in [Ours::Start, Ours::Restart, Ours::Replan] {
            cases.push((other, ours));
        }
    }
    side_by_side(cases, async |(other, ours)| {
        let what = format!("{ours:?} beside {other:?}");
        let Some(fixture) = start_held("another_party", DaemonOptions::new()) else {
            return;
        };
        add(&fixture.client, stubborn("a", SLOW).startup(Startup::Enabled)).await;
        fixture.client.start(["web"]).await.unwrap();
        let party = another(&fixture);
        let theirs = async {
            match other {
                Other::Stop => party.stop(["web"]).await,
                Other::Restart => party.restart(["web"]).await,
            }
        };
        let mine = async {
            wait_until_ending(&fixture).await;
            match ours {
                Ours::Start => fixture.client.start(["web"]).await,
                Ours::Restart => fixture.client.restart(["web"]).await,
                Ours::Replan => fixture.client.replan().await,
            }
        };
        let (theirs, mine) = tokio::join!(theirs, mine);
        theirs.unwrap_or_else(|error| panic!("{what}: {error}"));
        mine.unwrap_or_else(|error| panic!("{what}: {error}"));
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
    let party = another(&fixture);
    let mine = async {
        wait_until_ending(&fixture).await;
        // Pebble says at once that it is done.
        fixture.client.stop(["web"]).await.unwrap();
        let in_progress = fixture.client.changes(&Default::default()).await.unwrap();
        assert_eq!(in_progress, [], "the other stop is not over");
    };
    let (theirs, ()) = tokio::join!(party.stop(["web"]), mine);
    theirs.unwrap();
}

/// A restart by a check of the service's own is in no change.
#[test]
fn a_service_that_a_check_restarts_is_waited_for() {
    side_by_side(vec![Ours::Start, Ours::Restart, Ours::Replan], async |ours| {
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
        let result = match ours {
            Ours::Start => fixture.client.start(["web"]).await,
            Ours::Restart => fixture.client.restart(["web"]).await,
            Ours::Replan => fixture.client.replan().await,
        };
        result.unwrap_or_else(|error| panic!("{ours:?}: {error}"));
        assert!(fixture.client.services(["web"]).await.unwrap()[0].is_active(), "{ours:?}");
        assert_eq!(fixture.started(), ["a", "a"], "{ours:?}");
    });
}

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
    let party = another(&fixture);
    let hurried = fixture.client.clone().with_change_deadline(Duration::from_secs(1));
    let mine = async {
        wait_until_ending(&fixture).await;
        hurried.start(["web"]).await.unwrap_err()
    };
    let error = tokio::select! {
        _ = party.stop(["web"]) => panic!("the service ended at once"),
        error = mine => error,
    };
    assert_eq!(*error.kind(), ErrorKind::ChangeRunning, "{error}");
    let text = error.to_string();
    assert!(text.contains("(Stop service \"web\") is still running after "), "{text}");
}

/// Pebble is told to stop, waits for a slow service, and comes back.
#[test]
fn an_orderly_stop_with_a_slow_service_is_waited_for() {
    side_by_side(vec![Ours::Start, Ours::Restart, Ours::Replan], async |ours| {
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
        let result = match ours {
            Ours::Start => fixture.client.start(["web"]).await,
            Ours::Restart => fixture.client.restart(["web"]).await,
            Ours::Replan => fixture.client.replan().await,
        };
        stopper.join().unwrap();
        result.unwrap_or_else(|error| panic!("{ours:?}: {error}"));
        assert!(fixture.client.services(["web"]).await.unwrap()[0].is_active(), "{ours:?}");
        let second = fixture.daemon.pid().unwrap().to_string();
        let expected = [(first, "a".to_owned()), (second, "a".to_owned())];
        assert_eq!(fixture.started_by_daemon(), expected, "{ours:?}");
    });
}

/// The other start fails while ours goes on with another service.
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
    let party = another(&fixture);
    let mine = async {
        until("their start has begun", async || {
            another(&fixture).services(["web"]).await.unwrap()[0].is_active()
        })
        .await;
        fixture.client.start(["web", "db"]).await
    };
    let failing = async {
        until("ours has come to its second service", async || fixture.started() == ["db"]).await;
        touch(&ends);
    };
    let (theirs, mine, ()) = tokio::join!(party.start(["web"]), mine, failing);
    theirs.unwrap_err();
    let error = mine.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("exited quickly with code 3"), "{error}");
}

/// Pebble calls a change `Done` whose stop was done when it was aborted, though its start was not.
#[tokio::test]
async fn a_restart_that_is_aborted_between_its_tasks_has_failed() {
    let Some(fixture) = start_held("aborted_restart", DaemonOptions::new()) else {
        return;
    };
    add(&fixture.client, stubborn("a", SLOW)).await;
    fixture.client.start(["web"]).await.unwrap();
    let party = another(&fixture);
    let abort = async {
        wait_until_ending(&fixture).await;
        let changes = party.changes(&Default::default()).await.unwrap();
        party.abort_change(changes[0].id()).await.unwrap();
    };
    let (mine, ()) = tokio::join!(fixture.client.restart(["web"]), abort);
    let error = mine.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("was aborted"), "{error}");
    assert_eq!(fixture.started(), ["a"], "nor is it started again");
}

/// Each refused replan leaves the same start to be done.
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

/// Only another replan may have stopped a disabled service to start it again.
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
    let party = another(&fixture);
    let mine = async {
        until("their start has begun", async || {
            another(&fixture).services(["job"]).await.unwrap()[0].is_active()
        })
        .await;
        fixture.client.replan().await
    };
    let (theirs, mine) = tokio::join!(party.start(["job"]), mine);
    theirs.unwrap_err();
    mine.unwrap();
}
