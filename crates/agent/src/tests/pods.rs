//! The pod of a unit on Kubernetes: a refresh, a loss and an end.

use super::super::CharmMeta;
use super::{Bench, HookExit, Next};

#[test]
fn a_refresh_on_kubernetes_is_a_new_pod() {
    let mut bench = Bench::started();
    bench.unit.pebble_seen("web", "b1").unwrap();
    bench.drain();
    bench.unit.set_config("port", "1").unwrap();
    bench.unit.end_pod();
    bench.unit.pebble_down("side").unwrap();
    assert!(!bench.unit.is_settled(bench.now));
    assert_eq!(bench.drain(), ["stop"], "what else is queued waits for the next pod");
    assert!(matches!(bench.unit.next(bench.now), Next::PodEnded));
    assert!(!bench.unit.is_settled(bench.now));
    bench.unit.pod_started(None);
    bench.unit.pebble_seen("web", "b2").unwrap();
    bench.unit.set_leader(false);
    bench.unit.set_leader(true);
    assert_eq!(
        bench.drain(),
        ["upgrade-charm", "config-changed", "start", "leader-elected", "web-pebble-ready"]
    );
    assert!(!bench.unit.is_settled(bench.now), "the other container is not polled yet");
}

#[test]
fn a_pod_that_is_lost_runs_upgrade_charm_too() {
    let mut bench = Bench::started();
    bench.unit.update_status();
    bench.begin();
    bench.end(HookExit::Signal(9));
    bench.unit.pod_started(None);
    assert_eq!(bench.drain(), ["update-status", "upgrade-charm", "config-changed", "start"]);

    // Before its first start a unit begins where it was.
    let mut bench = Bench::new();
    bench.unit.pod_started(None);
    assert_eq!(bench.drain(), ["install", "leader-elected", "config-changed", "start"]);
    let mut bench = Bench::new();
    bench.ok();
    bench.unit.end_pod();
    assert!(matches!(bench.unit.next(bench.now), Next::PodEnded), "no start, no stop");
    bench.unit.pod_started(None);
    assert_eq!(bench.drain(), ["leader-elected", "upgrade-charm", "config-changed", "start"]);
}

#[test]
fn a_pod_ends_whatever_its_hooks_do() {
    // A unit in error runs stop and forgets what had failed.
    let mut bench = Bench::started();
    bench.unit.set_config("port", "1").unwrap();
    assert_eq!(bench.fail(), "config-changed");
    bench.unit.end_pod();
    assert_eq!(bench.drain(), ["stop"]);
    bench.unit.pod_started(None);
    assert_eq!(bench.drain(), ["upgrade-charm", "config-changed", "start"]);
    // A stop that fails, or is killed, is not run again before the end.
    for (exit, first) in [(HookExit::Code(1), "stop"), (HookExit::Signal(15), "upgrade-charm")] {
        let mut bench = Bench::started();
        bench.unit.end_pod();
        assert_eq!(bench.run(exit), "stop");
        assert!(matches!(bench.unit.next(bench.now), Next::PodEnded));
        bench.unit.pod_started(None);
        bench.wait(5);
        let ran = bench.drain();
        assert_eq!(ran.first().map(String::as_str), Some(first), "{ran:?}");
        assert_eq!(ran.get(ran.len() - 3..).unwrap(), ["upgrade-charm", "config-changed", "start"]);
    }
    // An action is still run, and a refreshed charm's declaration is the new pod's.
    let mut bench = Bench::started();
    bench.unit.end_pod();
    bench.unit.run_action("restart", &[]).unwrap();
    assert_eq!(bench.drain(), ["restart", "stop"]);
    let charm = CharmMeta::parse(
        "name: web\nsummary: s\ndescription: d\ncontainers: {new: {}}",
        None,
        None,
    )
    .unwrap();
    bench.unit.pod_started(Some(charm));
    bench.unit.pebble_seen("new", "b1").unwrap();
    assert_eq!(bench.drain(), ["upgrade-charm", "config-changed", "start", "new-pebble-ready"]);
}

#[test]
fn a_unit_that_goes_away_does_not_wait_for_a_workload_hook_that_fails() {
    for exit in [HookExit::Code(1), HookExit::Signal(9)] {
        let mut bench = Bench::started();
        let mut ran = Vec::new();
        let mut boot = 0;
        // Every poll and every notice comes again, faster than the hooks end.
        let mut busy = |bench: &mut Bench| {
            for container in ["web", "side"] {
                boot += 1;
                bench.unit.pebble_seen(container, &boot.to_string()).unwrap();
                bench.unit.check_failed(container, "up").unwrap();
            }
        };
        busy(&mut bench);
        bench.unit.request_stop();
        while let Next::Run(run) = bench.unit.next(bench.now) {
            busy(&mut bench);
            let name = run.name();
            bench.end(if name.contains("pebble") { exit.clone() } else { HookExit::Code(0) });
            ran.push(name);
            assert!(ran.len() < 10, "{ran:?}");
        }
        assert_eq!(
            ran,
            [
                "web-pebble-ready",
                "web-pebble-check-failed",
                "side-pebble-ready",
                "side-pebble-check-failed",
                "stop",
                "remove"
            ]
        );
        assert!(matches!(bench.unit.next(bench.now), Next::Gone));
    }
}
