//! What runs when: order, retries, what is kept and what is dropped.

use std::time::Duration;

use super::super::{CharmMeta, Ending, ErrorKind, HookKind, NoticeInfo, Resolve, Stream};
use super::{Bench, HookExit, Next};

#[test]
fn a_unit_starts_up_in_jujus_order() {
    let mut bench = Bench::new();
    assert_eq!(bench.drain(), ["install", "leader-elected", "config-changed", "start"]);
    assert!(matches!(bench.unit.next(bench.now), Next::At(_)), "update-status comes later");
    assert_eq!(bench.unit.report().status, "unknown", "the charm never set one");

    let mut bench = Bench::with(|settings| settings.leader(false));
    assert_eq!(bench.drain(), ["install", "leader-settings-changed", "config-changed", "start"]);

    let version = "4.0.15".parse().unwrap();
    let mut bench = Bench::with(|settings| settings.leader(false).juju_version(version));
    assert_eq!(bench.drain(), ["install", "config-changed", "start"]);
}

#[test]
fn pebble_may_be_ready_any_time_after_install() {
    let mut bench = Bench::new();
    bench.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(
        bench.drain(),
        ["install", "leader-elected", "web-pebble-ready", "config-changed", "start"]
    );

    let mut bench = Bench::new();
    for _ in 0..2 {
        bench.ok();
    }
    assert_eq!(bench.begin().name(), "config-changed");
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.end(HookExit::Code(0));
    assert_eq!(
        bench.drain(),
        ["start", "web-pebble-ready"],
        "nothing comes between the first config-changed and start"
    );
}

#[test]
fn the_agent_sets_statuses_of_its_own() {
    let mut bench = Bench::new();
    assert_eq!(bench.unit.report().agent_status, "allocating");
    bench.begin();
    let report = bench.unit.report();
    assert_eq!(
        (report.status.as_str(), report.message.as_str()),
        ("maintenance", "installing charm software")
    );
    assert_eq!(
        (report.agent_status.as_str(), report.agent_message.as_str()),
        ("executing", "running install hook")
    );
    bench.get(&["status-set", "active"]);
    bench.end(HookExit::Code(0));
    assert_eq!(bench.unit.report().agent_status, "idle");
    bench.drain();
    assert_eq!(bench.unit.report().status, "active", "start leaves the charm's own status");

    bench.unit.update_status();
    assert_eq!(bench.begin().name(), "update-status");
    assert_eq!(bench.unit.report().agent_status, "idle", "update-status is not shown");
    bench.end(HookExit::Code(0));

    bench.unit.request_stop();
    assert_eq!(bench.begin().name(), "stop");
    assert_eq!(bench.unit.report().message, "stopping charm software");
    bench.end(HookExit::Code(0));
    assert_eq!(bench.begin().name(), "remove");
    assert_eq!(bench.unit.report().message, "cleaning up prior to charm deletion");
    bench.end(HookExit::Code(0));
    assert_eq!(bench.unit.report().status, "terminated");
    assert!(matches!(bench.unit.next(bench.now), Next::Gone));
    assert!(bench.unit.is_settled(bench.now));
}

#[test]
fn a_unit_that_was_never_installed_just_goes() {
    let mut bench = Bench::new();
    bench.unit.request_stop();
    assert!(matches!(bench.unit.next(bench.now), Next::Gone));
}

#[test]
fn config_changed_runs_on_changed_config_only() {
    let mut bench = Bench::started();
    bench.unit.set_config("port", "1000000").unwrap();
    assert_eq!(bench.drain(), [""; 0], "the default, set by hand, changes nothing");
    bench.unit.set_config("port", "9191").unwrap();
    assert_eq!(bench.drain(), ["config-changed"]);
    bench.unit.reset_config("port").unwrap();
    bench.unit.set_config("port", "9191").unwrap();
    assert_eq!(bench.drain(), [""; 0]);

    bench.unit.set_config("name", "x").unwrap();
    assert_eq!(bench.begin().name(), "config-changed");
    bench.unit.set_config("name", "y").unwrap();
    bench.end(HookExit::Code(0));
    assert_eq!(bench.drain(), ["config-changed"], "a change during the hook is the next one's");

    assert_eq!(bench.unit.set_config("nope", "1").unwrap_err().kind(), ErrorKind::Config);
    let error = bench.unit.set_config("port", "x").unwrap_err().to_string();
    assert_eq!(error, "cannot set option port: expected int");
}

#[test]
fn an_upgrade_is_followed_by_config_changed() {
    let mut bench = Bench::started();
    bench.unit.upgrade();
    assert_eq!(bench.drain(), ["upgrade-charm", "config-changed"]);
    let meta = CharmMeta::parse(
        "name: web\nsummary: s\ndescription: d\ncontainers: {new: {}}",
        Some("options: {port: {type: string}}"),
        None,
    )
    .unwrap();
    bench.unit.set_config("port", "1").unwrap();
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.unit.upgrade_to(meta);
    assert_eq!(bench.drain(), ["upgrade-charm", "config-changed"]);
    assert!(bench.unit.config().is_empty(), "a value of another type is gone");
    assert_eq!(bench.unit.pebble_seen("web", "b1").unwrap_err().kind(), ErrorKind::Container);
    bench.unit.pebble_seen("new", "b1").unwrap();
    assert_eq!(bench.drain(), ["new-pebble-ready"]);
}

#[test]
fn leadership_comes_and_goes() {
    let mut bench = Bench::started();
    bench.unit.set_leader(false);
    assert_eq!(bench.drain(), [""; 0]);
    bench.unit.set_leader(true);
    bench.unit.set_leader(false);
    assert_eq!(bench.drain(), [""; 0], "lost while queued");
    bench.unit.set_leader(true);
    assert_eq!(bench.fail(), "leader-elected");
    bench.unit.set_leader(false);
    assert!(
        matches!(bench.unit.next(bench.now), Next::At(_)),
        "lost while failed: the error goes with it"
    );
    assert_ne!(bench.unit.report().status, "error");
}

#[test]
fn update_status_waits_for_its_interval_and_for_all_else() {
    let mut bench = Bench::started();
    let Next::At(due) = bench.unit.next(bench.now) else { panic!("no time") };
    assert_eq!(due, bench.now + Duration::from_secs(300));
    assert!(matches!(bench.unit.pebble_down("web").and(bench.unit.pebble_down("side")), Ok(())));
    assert!(bench.unit.is_settled(bench.now));
    bench.wait(300);
    assert!(!bench.unit.is_settled(bench.now));
    bench.unit.set_config("port", "1").unwrap();
    assert_eq!(bench.drain(), ["config-changed", "update-status"]);

    let mut bench = Bench::with(|settings| settings.update_status_interval(None));
    bench.drain();
    assert!(matches!(bench.unit.next(bench.now), Next::Idle));
    bench.unit.update_status();
    assert_eq!(bench.drain(), ["update-status"]);
}

#[test]
fn a_failed_hook_runs_again_after_growing_waits() {
    let mut bench = Bench::new();
    for (failures, seconds) in [5, 10, 20, 40, 80, 160, 300, 300].into_iter().enumerate() {
        let run = bench.begin();
        assert_eq!((run.name().as_str(), run.attempt() as usize), ("install", failures + 1));
        let finished = bench.end(HookExit::Code(1));
        assert!(!finished.committed());
        let Ending::Failed { cause, failures: counted, retry_in } = finished.ending() else {
            panic!("{finished:?}")
        };
        assert_eq!(
            (cause.as_str(), *counted as usize, *retry_in),
            ("exit status 1", failures + 1, Some(Duration::from_secs(seconds)))
        );
        assert!(matches!(
            bench.unit.next(bench.now),
            Next::At(when) if when == bench.now + Duration::from_secs(seconds)
        ));
        let report = bench.unit.report();
        assert_eq!(
            (report.status.as_str(), report.message.as_str()),
            ("error", "hook failed: \"install\"")
        );
        // As `juju status` has it: the error stands in the unit's column, the agent only waits.
        assert_eq!(report.agent_status, "idle");
        assert!(!bench.unit.is_settled(bench.now));
        bench.wait(seconds);
    }
    assert_eq!(bench.ok(), "install");
    assert_ne!(bench.unit.report().status, "error");
    bench.fail();
    assert_eq!(
        bench.unit.report().failed_hook.unwrap().failures,
        1,
        "a success starts the count over"
    );
}

#[test]
fn the_waits_can_be_divided_or_left_out() {
    let mut bench = Bench::with(|settings| settings.speed(10));
    bench.fail();
    assert!(matches!(
        bench.unit.next(bench.now),
        Next::At(when) if when == bench.now + Duration::from_millis(500)
    ));
    let mut bench = Bench::with(|settings| settings.automatic_retry(false));
    bench.fail();
    bench.wait(1_000_000);
    assert!(matches!(bench.unit.next(bench.now), Next::Idle));
    bench.unit.resolved(Resolve::Retry).unwrap();
    assert_eq!(bench.ok(), "install");
}

#[test]
fn resolved_retries_at_once_and_starts_the_waits_over() {
    let mut bench = Bench::new();
    for seconds in [5, 10, 20] {
        bench.fail();
        bench.wait(seconds);
    }
    bench.fail();
    bench.unit.resolved(Resolve::Retry).unwrap();
    assert!(!bench.unit.is_settled(bench.now));
    bench.begin();
    assert_eq!(
        bench.unit.resolved(Resolve::NoRetry).unwrap_err().kind(),
        ErrorKind::State,
        "it runs right now"
    );
    let finished = bench.end(HookExit::Code(2));
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
    let mut bench = Bench::new();
    assert_eq!(bench.unit.resolved(Resolve::NoRetry).unwrap_err().kind(), ErrorKind::State);
    for _ in 0..2 {
        bench.ok();
    }
    bench.begin();
    bench.get(&["state-set", "a=b"]);
    bench.end(HookExit::Code(1));
    bench.unit.resolved(Resolve::NoRetry).unwrap();
    assert_eq!(bench.drain(), ["start"], "config-changed counts as done");
    assert!(bench.unit.state().is_empty());
    assert!(matches!(bench.unit.next(bench.now), Next::At(_)));
}

#[test]
fn nothing_else_runs_in_error_but_actions() {
    let mut bench = Bench::started();
    bench.unit.set_config("port", "1").unwrap();
    bench.fail();
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.unit.check_failed("web", "up").unwrap();
    bench.unit.update_status();
    bench.unit.upgrade();
    bench.unit.request_stop();
    let id = bench.unit.run_action("restart", &[]).unwrap();
    assert_eq!(bench.begin().name(), "restart");
    assert_eq!(bench.unit.running_action(), Some(&id));
    bench.end(HookExit::Code(1));
    assert!(
        matches!(bench.unit.next(bench.now), Next::At(_)),
        "an action's failure leaves the hook's retry as it was"
    );
    assert_eq!(bench.unit.report().message, "hook failed: \"config-changed\"");
    bench.wait(5);
    assert_eq!(
        bench.drain(),
        ["config-changed", "web-pebble-ready", "web-pebble-check-failed", "stop", "remove"],
        "a unit that goes away has no upgrade and no update-status"
    );
}

#[test]
fn a_killed_hook_runs_again_at_once_and_its_writes_are_dropped() {
    let mut bench = Bench::new();
    for signal in [15, 9] {
        bench.begin();
        bench.get(&["state-set", "a=b"]);
        bench.get(&["open-port", "80"]);
        bench.get(&["status-set", "active", "kept"]);
        let finished = bench.end(HookExit::Signal(signal));
        assert!(finished.requeued() && finished.error().is_none());
        assert!(bench.unit.state().is_empty() && bench.unit.report().ports.is_empty());
        assert_eq!(bench.unit.report().message, "kept");
        assert!(!bench.unit.is_settled(bench.now));
    }
    let finished = {
        bench.begin();
        bench.end(HookExit::Signal(11))
    };
    assert_eq!(finished.error(), Some("signal: segmentation fault"), "another signal is a failure");
    bench.wait(5);
    bench.begin();
    assert!(bench.end(HookExit::Signal(9)).requeued());
    let run = bench.begin();
    assert_eq!(
        (run.name().as_str(), run.attempt()),
        ("install", 2),
        "a retry that is killed is still the failed hook"
    );
    bench.end(HookExit::Code(0));
    assert_eq!(bench.ok(), "leader-elected");
}

#[test]
fn a_failed_workload_hook_shows_no_error() {
    let mut bench = Bench::started();
    bench.unit.pebble_down("side").unwrap();
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.begin();
    bench.get(&["state-set", "a=b"]);
    bench.unit.pebble_seen("web", "b1").unwrap();
    let finished = bench.end(HookExit::Code(1));
    assert!(matches!(finished.ending(), Ending::Dropped { .. }));
    assert_eq!(
        (finished.error(), finished.replay_notices(), finished.committed()),
        (Some("exit status 1"), None, false)
    );
    assert!(bench.unit.state().is_empty());
    assert_ne!(bench.unit.report().status, "error");
    assert_eq!(bench.drain(), [""; 0], "dropped");
    assert!(!bench.unit.is_settled(bench.now), "it is still owed");
    bench.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(bench.drain(), ["web-pebble-ready"], "the next poll brings it back");
    bench.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(bench.drain(), [""; 0]);
    assert!(bench.unit.is_settled(bench.now));

    bench.unit.check_failed("web", "up").unwrap();
    bench.begin();
    let finished = bench.end(HookExit::Code(1));
    assert_eq!(
        (finished.name(), finished.replay_notices()),
        ("web-pebble-check-failed", Some("web"))
    );
    assert_eq!(bench.drain(), [""; 0]);
}

#[test]
fn every_start_of_pebble_is_an_event() {
    let mut bench = Bench::started();
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.unit.pebble_seen("side", "b1").unwrap();
    bench.unit.pebble_seen("web", "b2").unwrap();
    assert_eq!(
        bench.drain(),
        ["web-pebble-ready", "side-pebble-ready"],
        "what repeats while it waits is one"
    );
    bench.unit.pebble_down("web").unwrap();
    assert_eq!(bench.drain(), [""; 0]);
    assert!(bench.unit.is_settled(bench.now));
    bench.unit.pebble_poll_due("web").unwrap();
    assert!(!bench.unit.is_settled(bench.now), "a poll is owed");
    bench.unit.pebble_seen("web", "b3").unwrap();
    let run = bench.begin();
    assert_eq!(
        run.kind(),
        &HookKind::PebbleReady { container: "web".into(), boot_id: "b3".into() }
    );
    // Another start, seen while the hook for the last one runs: a later poll finds it.
    bench.unit.pebble_seen("web", "b4").unwrap();
    bench.end(HookExit::Code(0));
    assert_eq!(bench.drain(), [""; 0]);
    bench.unit.pebble_seen("web", "b4").unwrap();
    assert_eq!(bench.drain(), ["web-pebble-ready"]);
}

#[test]
fn notices_and_checks_run_one_by_one_and_merge_while_they_wait() {
    let mut bench = Bench::started();
    let notice = |key: &str| NoticeInfo { id: "7".into(), kind: "custom".into(), key: key.into() };
    bench.unit.custom_notice("web", notice("a.b/c")).unwrap();
    bench.unit.check_failed("web", "up").unwrap();
    bench.unit.check_failed("web", "up").unwrap();
    bench.unit.custom_notice("web", notice("a.b/c")).unwrap();
    bench.unit.check_recovered("web", "up").unwrap();
    bench.unit.check_failed("side", "up").unwrap();
    assert_eq!(
        bench.drain(),
        [
            "web-pebble-custom-notice",
            "web-pebble-check-failed",
            "web-pebble-check-recovered",
            "side-pebble-check-failed"
        ]
    );
    assert_eq!(bench.unit.check_failed("nope", "up").unwrap_err().kind(), ErrorKind::Container);
}

#[test]
fn a_restarted_agent_starts_the_charm_again() {
    let mut bench = Bench::started();
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.drain();
    bench.unit.agent_restarted();
    bench.unit.pebble_seen("web", "b1").unwrap();
    assert_eq!(bench.drain(), ["start", "web-pebble-ready"]);

    // A reboot that a hook asked for comes after a good end, and is that.
    bench.unit.update_status();
    bench.begin();
    bench.get(&["juju-reboot"]);
    bench.end(HookExit::Code(0));
    assert_eq!(bench.drain(), ["start"]);
}

#[test]
fn a_charm_without_the_hook_is_done_with_it() {
    let mut bench = Bench::new();
    bench.begin();
    let finished = bench.end(HookExit::Missing);
    assert_eq!(finished.ending(), &Ending::Skipped);
    bench.begin();
    let finished = bench.end(HookExit::NotStarted("permission denied".into()));
    assert_eq!(finished.error(), Some("permission denied"));
    assert_eq!(bench.unit.report().message, "hook failed: \"leader-elected\"");
}

#[test]
fn one_hook_at_a_time() {
    let mut bench = Bench::new();
    bench.begin();
    assert!(matches!(bench.unit.next(bench.now), Next::Busy));
    assert!(!bench.unit.is_settled(bench.now));
    bench.end(HookExit::Code(0));
    let error = bench.unit.finish(&HookExit::Code(0), bench.now, b"", b"").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
}

#[test]
fn what_was_logged_as_it_came_is_not_logged_again() {
    let mut bench = Bench::new();
    bench.unit.hook_printed(Stream::Stderr, "no hook runs");
    bench.begin();
    bench.unit.hook_printed(Stream::Stdout, "out");
    bench.unit.hook_printed(Stream::Stderr, "err");
    bench.unit.finish(&HookExit::Code(0), bench.now, b"out\n", b"err\n").unwrap();
    let lines: Vec<&str> = bench.unit.log(0).map(|line| line.message.as_str()).collect();
    assert_eq!(lines, ["out", "err"]);
}

#[test]
fn what_a_hook_prints_is_logged() {
    let mut bench = Bench::new();
    bench.begin();
    bench.unit.finish(&HookExit::Code(3), bench.now, b"out\n", b"e1\ne2\n").unwrap();
    let lines: Vec<String> = bench
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
