//! Tests of the order of hooks, of retries, and of the writes that are kept or dropped.

use std::time::Duration;

use super::super::{CharmMeta, Ending, ErrorKind, HookKind, NoticeInfo, Resolve, Stream};
use super::{Fixture, HookExit, Next};

#[test]
fn a_unit_starts_up_in_jujus_order() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.run_all(), ["install", "leader-elected", "config-changed", "start"]);
    assert!(matches!(fixture.unit.next(fixture.now), Next::At(_)), "update-status comes later");
    assert_eq!(fixture.unit.report().status, "unknown", "the charm never set one");

    let mut fixture = Fixture::with_deployment(|deployment| deployment.leader(false));
    assert_eq!(
        fixture.run_all(),
        ["install", "leader-settings-changed", "config-changed", "start"]
    );

    let version = "4.0.15".parse().unwrap();
    let mut fixture = Fixture::with(
        |settings| settings.juju_version(version),
        |deployment| deployment.leader(false),
    );
    assert_eq!(fixture.run_all(), ["install", "config-changed", "start"]);
}

#[test]
fn pebble_may_be_ready_any_time_after_install() {
    let mut fixture = Fixture::new();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(
        fixture.run_all(),
        ["install", "leader-elected", "web-pebble-ready", "config-changed", "start"]
    );

    let mut fixture = Fixture::new();
    for _ in 0..2 {
        fixture.succeed();
    }
    assert_eq!(fixture.begin().name(), "config-changed");
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.finish(HookExit::Code(0));
    assert_eq!(
        fixture.run_all(),
        ["start", "web-pebble-ready"],
        "nothing comes between the first config-changed and start"
    );
}

#[test]
fn the_agent_sets_statuses_of_its_own() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.unit.report().agent_status, "allocating");
    fixture.begin();
    let report = fixture.unit.report();
    assert_eq!(
        (report.status.as_str(), report.message.as_str()),
        ("maintenance", "installing charm software")
    );
    assert_eq!(
        (report.agent_status.as_str(), report.agent_message.as_str()),
        ("executing", "running install hook")
    );
    fixture.tool_stdout(&["status-set", "active"]);
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.unit.report().agent_status, "idle");
    fixture.run_all();
    assert_eq!(fixture.unit.report().status, "active", "start leaves the charm's own status");

    fixture.unit.update_status();
    assert_eq!(fixture.begin().name(), "update-status");
    assert_eq!(fixture.unit.report().agent_status, "idle", "update-status is not shown");
    fixture.finish(HookExit::Code(0));

    fixture.unit.remove_unit();
    assert_eq!(fixture.begin().name(), "stop");
    assert_eq!(fixture.unit.report().message, "stopping charm software");
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.begin().name(), "remove");
    assert_eq!(fixture.unit.report().message, "cleaning up prior to charm deletion");
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.unit.report().status, "terminated");
    assert!(matches!(fixture.unit.next(fixture.now), Next::Gone));
    assert!(fixture.unit.is_settled(fixture.now));
}

#[test]
fn a_unit_that_was_never_installed_is_removed_without_a_hook() {
    let mut fixture = Fixture::new();
    fixture.unit.remove_unit();
    assert!(matches!(fixture.unit.next(fixture.now), Next::Gone));
}

#[test]
fn config_changed_runs_on_changed_config_only() {
    let mut fixture = Fixture::started();
    fixture.unit.set_config("port", "1000000").unwrap();
    assert_eq!(fixture.run_all(), [""; 0], "the default, set by hand, changes nothing");
    fixture.unit.set_config("port", "9191").unwrap();
    assert_eq!(fixture.run_all(), ["config-changed"]);
    fixture.unit.reset_config("port").unwrap();
    fixture.unit.set_config("port", "9191").unwrap();
    assert_eq!(fixture.run_all(), [""; 0]);

    fixture.unit.set_config("name", "x").unwrap();
    assert_eq!(fixture.begin().name(), "config-changed");
    fixture.unit.set_config("name", "y").unwrap();
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.run_all(), ["config-changed"], "a change during the hook is the next one's");

    assert_eq!(fixture.unit.set_config("nope", "1").unwrap_err().kind(), ErrorKind::Config);
    let error = fixture.unit.set_config("port", "x").unwrap_err().to_string();
    assert_eq!(error, "cannot set option port: expected int");
}

#[test]
fn an_upgrade_is_followed_by_config_changed() {
    let mut fixture = Fixture::started_on_machine();
    fixture.unit.refresh_to_same();
    assert_eq!(fixture.run_all(), ["upgrade-charm", "config-changed"]);
    let meta = CharmMeta::parse(
        "name: web\nsummary: s\ndescription: d\ncontainers: {new: {}}",
        Some("options: {port: {type: string}}"),
        None,
    )
    .unwrap();
    fixture.unit.set_config("port", "1").unwrap();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.unit.refresh(meta);
    assert_eq!(fixture.run_all(), ["upgrade-charm", "config-changed"]);
    assert!(fixture.unit.config().is_empty(), "a value of another type is gone");
    assert_eq!(fixture.unit.pebble_seen("web", "b1").unwrap_err().kind(), ErrorKind::Container);
    fixture.unit.pebble_seen("new", "b1").unwrap();
    assert_eq!(fixture.run_all(), ["new-pebble-ready"]);
}

#[test]
fn nothing_runs_before_a_queued_hook() {
    // config-changed is queued by upgrade-charm.
    let mut fixture = Fixture::started_on_machine();
    fixture.unit.set_leader(false);
    assert_eq!(fixture.run_all(), ["leader-settings-changed"]);
    fixture.unit.refresh_to_same();
    assert_eq!(fixture.begin().name(), "upgrade-charm");
    fixture.unit.set_leader(true);
    fixture.unit.check_failed("web", "up").unwrap();
    fixture.unit.run_action("restart", &[]).unwrap();
    fixture.finish(HookExit::Code(0));
    assert_eq!(
        fixture.run_all(),
        ["config-changed", "leader-elected", "web-pebble-check-failed", "restart"]
    );

    // A killed hook is queued too, but install only while the unit stays.
    let mut fixture = Fixture::started_on_machine();
    fixture.unit.update_status();
    fixture.run(HookExit::Signal(15));
    fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!(fixture.run_all(), ["update-status", "restart"]);
    let mut fixture = Fixture::new();
    assert_eq!(fixture.run(HookExit::Signal(15)), "install");
    fixture.unit.remove_unit();
    assert!(matches!(fixture.unit.next(fixture.now), Next::Gone));
}

#[test]
fn leadership_is_gained_and_lost() {
    let mut fixture = Fixture::started();
    fixture.unit.set_leader(false);
    assert_eq!(fixture.run_all(), ["leader-settings-changed"], "it follows for the first time");
    fixture.unit.set_leader(true);
    fixture.unit.set_leader(false);
    assert_eq!(fixture.run_all(), [""; 0], "lost while queued");
    fixture.unit.set_leader(true);
    assert_eq!(fixture.fail(), "leader-elected");
    fixture.unit.set_leader(false);
    assert!(
        matches!(fixture.unit.next(fixture.now), Next::At(_)),
        "lost while failed: the error goes with it"
    );
    assert_ne!(fixture.unit.report().status, "error");
}

#[test]
fn update_status_waits_for_its_interval_and_for_all_else() {
    let mut fixture = Fixture::started();
    let Next::At(due) = fixture.unit.next(fixture.now) else { panic!("no time") };
    assert_eq!(due, fixture.now + Duration::from_secs(300));
    assert!(matches!(
        fixture.unit.pebble_down("web").and(fixture.unit.pebble_down("side")),
        Ok(())
    ));
    assert!(fixture.unit.is_settled(fixture.now));
    fixture.advance(300);
    assert!(!fixture.unit.is_settled(fixture.now));
    fixture.unit.set_config("port", "1").unwrap();
    assert_eq!(fixture.run_all(), ["config-changed", "update-status"]);

    let mut fixture = Fixture::with_settings(|settings| settings.update_status_interval(None));
    fixture.run_all();
    assert!(matches!(fixture.unit.next(fixture.now), Next::Idle));
    fixture.unit.update_status();
    assert_eq!(fixture.run_all(), ["update-status"]);
}

#[test]
fn a_failed_hook_runs_again_after_growing_delays() {
    let mut fixture = Fixture::new();
    for (failures, seconds) in [5, 10, 20, 40, 80, 160, 300, 300].into_iter().enumerate() {
        let run = fixture.begin();
        assert_eq!((run.name().as_str(), run.attempt() as usize), ("install", failures + 1));
        let finished = fixture.finish(HookExit::Code(1));
        assert!(!finished.committed());
        let Ending::Failed { cause, failures: counted, retry_in } = finished.ending() else {
            panic!("{finished:?}")
        };
        assert_eq!(
            (cause.as_str(), *counted as usize, *retry_in),
            ("exit status 1", failures + 1, Some(Duration::from_secs(seconds)))
        );
        assert!(matches!(
            fixture.unit.next(fixture.now),
            Next::At(when) if when == fixture.now + Duration::from_secs(seconds)
        ));
        let report = fixture.unit.report();
        assert_eq!(
            (report.status.as_str(), report.message.as_str()),
            ("error", "hook failed: \"install\"")
        );
        // `juju status` shows the error as the unit's status, and the agent as idle.
        assert_eq!(report.agent_status, "idle");
        assert!(!fixture.unit.is_settled(fixture.now));
        fixture.advance(seconds);
    }
    assert_eq!(fixture.succeed(), "install");
    assert_ne!(fixture.unit.report().status, "error");
    fixture.fail();
    assert_eq!(
        fixture.unit.report().failed_hook.unwrap().failures,
        1,
        "a success starts the count over"
    );
}

#[test]
fn the_delays_can_be_divided_or_turned_off() {
    let mut fixture = Fixture::with_settings(|settings| settings.speed(10));
    fixture.fail();
    assert!(matches!(
        fixture.unit.next(fixture.now),
        Next::At(when) if when == fixture.now + Duration::from_millis(500)
    ));
    let mut fixture = Fixture::with_settings(|settings| settings.automatic_retry(false));
    fixture.fail();
    fixture.advance(1_000_000);
    assert!(matches!(fixture.unit.next(fixture.now), Next::Idle));
    fixture.unit.resolved(Resolve::Retry).unwrap();
    assert_eq!(fixture.succeed(), "install");
}

#[test]
fn resolved_retries_at_once_and_resets_the_delays() {
    let mut fixture = Fixture::new();
    for seconds in [5, 10, 20] {
        fixture.fail();
        fixture.advance(seconds);
    }
    fixture.fail();
    fixture.unit.resolved(Resolve::Retry).unwrap();
    assert!(!fixture.unit.is_settled(fixture.now));
    fixture.begin();
    assert_eq!(
        fixture.unit.resolved(Resolve::NoRetry).unwrap_err().kind(),
        ErrorKind::State,
        "it runs right now"
    );
    let finished = fixture.finish(HookExit::Code(2));
    assert!(
        matches!(
            finished.ending(),
            Ending::Failed { retry_in: Some(wait), .. } if *wait == Duration::from_secs(5)
        ),
        "{finished:?}"
    );
}

#[test]
fn resolved_without_retry_counts_the_hook_as_done() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.unit.resolved(Resolve::NoRetry).unwrap_err().kind(), ErrorKind::State);
    for _ in 0..2 {
        fixture.succeed();
    }
    fixture.begin();
    fixture.tool_stdout(&["state-set", "a=b"]);
    fixture.finish(HookExit::Code(1));
    fixture.unit.resolved(Resolve::NoRetry).unwrap();
    assert_eq!(fixture.run_all(), ["start"], "config-changed counts as done");
    assert!(fixture.unit.state().is_empty());
    assert!(matches!(fixture.unit.next(fixture.now), Next::At(_)));
}

#[test]
fn nothing_else_runs_in_error_but_actions() {
    let mut fixture = Fixture::started_on_machine();
    fixture.unit.set_config("port", "1").unwrap();
    fixture.fail();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.unit.check_failed("web", "up").unwrap();
    fixture.unit.update_status();
    fixture.unit.refresh_to_same();
    fixture.unit.remove_unit();
    let id = fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!(fixture.begin().name(), "restart");
    assert_eq!(fixture.unit.running_action(), Some(&id));
    fixture.finish(HookExit::Code(1));
    assert!(
        matches!(fixture.unit.next(fixture.now), Next::At(_)),
        "an action's failure leaves the hook's retry as it was"
    );
    assert_eq!(fixture.unit.report().message, "hook failed: \"config-changed\"");
    fixture.advance(5);
    assert_eq!(
        fixture.run_all(),
        ["config-changed", "web-pebble-ready", "web-pebble-check-failed", "stop", "remove"],
        "a unit that goes away has no upgrade and no update-status"
    );
}

#[test]
fn a_killed_hook_runs_again_at_once_and_its_writes_are_dropped() {
    let mut fixture = Fixture::new();
    for signal in [15, 9] {
        fixture.begin();
        fixture.tool_stdout(&["state-set", "a=b"]);
        fixture.tool_stdout(&["open-port", "80"]);
        fixture.tool_stdout(&["status-set", "active", "kept"]);
        let finished = fixture.finish(HookExit::Signal(signal));
        assert!(finished.requeued() && finished.error().is_none());
        assert!(fixture.unit.state().is_empty() && fixture.unit.report().ports.is_empty());
        assert_eq!(fixture.unit.report().message, "kept");
        assert!(!fixture.unit.is_settled(fixture.now));
    }
    let finished = {
        fixture.begin();
        fixture.finish(HookExit::Signal(11))
    };
    assert_eq!(finished.error(), Some("signal: segmentation fault"), "another signal is a failure");
    fixture.advance(5);
    fixture.begin();
    assert!(fixture.finish(HookExit::Signal(9)).requeued());
    let run = fixture.begin();
    assert_eq!(
        (run.name().as_str(), run.attempt()),
        ("install", 2),
        "a retry that is killed is still the failed hook"
    );
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.succeed(), "leader-elected");
}

#[test]
fn a_failed_workload_hook_shows_no_error() {
    let mut fixture = Fixture::started();
    fixture.unit.pebble_down("side").unwrap();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.begin();
    fixture.tool_stdout(&["state-set", "a=b"]);
    fixture.unit.pebble_seen("web", "b1").unwrap();
    let finished = fixture.finish(HookExit::Code(1));
    assert!(matches!(finished.ending(), Ending::Dropped { .. }));
    assert_eq!(
        (finished.error(), finished.replay_notices(), finished.committed()),
        (Some("exit status 1"), None, false)
    );
    assert!(fixture.unit.state().is_empty());
    assert_ne!(fixture.unit.report().status, "error");
    assert_eq!(fixture.run_all(), [""; 0], "dropped");
    assert!(!fixture.unit.is_settled(fixture.now), "it is still owed");
    fixture.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(fixture.run_all(), ["web-pebble-ready"], "the next poll brings it back");
    fixture.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(fixture.run_all(), [""; 0]);
    assert!(fixture.unit.is_settled(fixture.now));

    fixture.unit.check_failed("web", "up").unwrap();
    fixture.begin();
    let finished = fixture.finish(HookExit::Code(1));
    assert_eq!(
        (finished.name(), finished.replay_notices()),
        ("web-pebble-check-failed", Some("web"))
    );
    assert_eq!(fixture.run_all(), [""; 0]);
}

#[test]
fn every_start_of_pebble_is_an_event() {
    let mut fixture = Fixture::started();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.unit.pebble_seen("side", "b1").unwrap();
    fixture.unit.pebble_seen("web", "b2").unwrap();
    assert_eq!(
        fixture.run_all(),
        ["web-pebble-ready", "side-pebble-ready"],
        "what repeats while it waits is one"
    );
    fixture.unit.pebble_down("web").unwrap();
    assert_eq!(fixture.run_all(), [""; 0]);
    assert!(fixture.unit.is_settled(fixture.now));
    fixture.unit.pebble_poll_due("web").unwrap();
    assert!(!fixture.unit.is_settled(fixture.now), "a poll is owed");
    fixture.unit.pebble_seen("web", "b3").unwrap();
    let run = fixture.begin();
    assert_eq!(
        run.kind(),
        &HookKind::PebbleReady { container: "web".into(), boot_id: "b3".into() }
    );
    // A poll sees another start while the hook of the last one runs: only a later poll queues it.
    fixture.unit.pebble_seen("web", "b4").unwrap();
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.run_all(), [""; 0]);
    fixture.unit.pebble_seen("web", "b4").unwrap();
    assert_eq!(fixture.run_all(), ["web-pebble-ready"]);
}

#[test]
fn notices_and_checks_run_one_by_one_and_merge_while_they_wait() {
    let mut fixture = Fixture::started();
    let notice = |key: &str| NoticeInfo { id: "7".into(), kind: "custom".into(), key: key.into() };
    fixture.unit.custom_notice("web", notice("a.b/c")).unwrap();
    fixture.unit.check_failed("web", "up").unwrap();
    fixture.unit.check_failed("web", "up").unwrap();
    fixture.unit.custom_notice("web", notice("a.b/c")).unwrap();
    fixture.unit.check_recovered("web", "up").unwrap();
    fixture.unit.check_failed("side", "up").unwrap();
    assert_eq!(
        fixture.run_all(),
        [
            "web-pebble-custom-notice",
            "web-pebble-check-failed",
            "web-pebble-check-recovered",
            "side-pebble-check-failed"
        ]
    );
    assert_eq!(fixture.unit.check_failed("nope", "up").unwrap_err().kind(), ErrorKind::Container);
}

#[test]
fn a_restarted_agent_starts_the_charm_again() {
    let mut fixture = Fixture::started();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.run_all();
    fixture.unit.agent_restarted();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(fixture.run_all(), ["start", "web-pebble-ready"]);

    // A requested reboot follows a hook that has succeeded, and restarts the agent.
    fixture.unit.update_status();
    fixture.begin();
    fixture.tool_stdout(&["juju-reboot"]);
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.run_all(), ["start"]);
}

#[test]
fn a_missing_hook_counts_as_done() {
    let mut fixture = Fixture::new();
    fixture.begin();
    let finished = fixture.finish(HookExit::Missing);
    assert_eq!(finished.ending(), &Ending::Skipped);
    fixture.begin();
    let finished = fixture.finish(HookExit::NotStarted("permission denied".into()));
    assert_eq!(finished.error(), Some("permission denied"));
    assert_eq!(fixture.unit.report().message, "hook failed: \"leader-elected\"");
}

#[test]
fn one_hook_at_a_time() {
    let mut fixture = Fixture::new();
    fixture.begin();
    assert!(matches!(fixture.unit.next(fixture.now), Next::Busy));
    assert!(!fixture.unit.is_settled(fixture.now));
    fixture.finish(HookExit::Code(0));
    let error = fixture.unit.finish(&HookExit::Code(0), fixture.now, b"", b"").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
}

#[test]
fn streamed_output_is_not_logged_again() {
    let mut fixture = Fixture::new();
    fixture.unit.hook_printed(Stream::Stderr, "no hook runs");
    fixture.begin();
    fixture.unit.hook_printed(Stream::Stdout, "out");
    fixture.unit.hook_printed(Stream::Stderr, "err");
    fixture.unit.finish(&HookExit::Code(0), fixture.now, b"out\n", b"err\n").unwrap();
    let lines: Vec<&str> = fixture.unit.log(0).map(|line| line.message.as_str()).collect();
    assert_eq!(lines, ["out", "err"]);
}

#[test]
fn the_output_of_a_hook_is_logged() {
    let mut fixture = Fixture::new();
    fixture.begin();
    fixture.unit.finish(&HookExit::Code(3), fixture.now, b"out\n", b"e1\ne2\n").unwrap();
    let lines: Vec<String> = fixture
        .unit
        .log(0)
        .map(|line| format!("{} {} {}", line.level.as_str(), line.logger, line.message))
        .collect();
    assert_eq!(
        lines,
        [
            "DEBUG unit.web/0.install out",
            "WARNING unit.web/0.install e1",
            "WARNING unit.web/0.install e2",
            "ERROR juju.worker.uniter hook \"install\" failed: exit status 3",
        ]
    );
}
