//! Tests of a unit's pod on Kubernetes: it is refreshed, lost or ended.

use super::super::CharmMeta;
use super::{Fixture, HookExit, Next};

#[test]
fn a_refresh_on_kubernetes_is_a_new_pod() {
    let mut fixture = Fixture::started();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    fixture.run_all();
    fixture.unit.set_config("port", "1").unwrap();
    fixture.unit.end_pod();
    fixture.unit.pebble_down("side").unwrap();
    assert!(!fixture.unit.is_settled(fixture.now));
    assert_eq!(fixture.run_all(), ["stop"], "what else is queued waits for the next pod");
    assert!(matches!(fixture.unit.next(fixture.now), Next::PodEnded));
    assert!(!fixture.unit.is_settled(fixture.now));
    fixture.unit.pod_started();
    fixture.unit.pebble_seen("web", "b2").unwrap();
    fixture.unit.set_leader(false);
    fixture.unit.set_leader(true);
    assert_eq!(
        fixture.run_all(),
        ["upgrade-charm", "config-changed", "start", "leader-elected", "web-pebble-ready"]
    );
    assert!(!fixture.unit.is_settled(fixture.now), "the other container is not polled yet");
}

#[test]
fn a_lost_pod_runs_upgrade_charm_too() {
    let mut fixture = Fixture::started();
    fixture.unit.update_status();
    fixture.begin();
    fixture.finish(HookExit::Signal(9));
    fixture.unit.pod_started();
    assert_eq!(fixture.run_all(), ["update-status", "upgrade-charm", "config-changed", "start"]);

    // A unit that has not started yet goes on with the hook that was due.
    let mut fixture = Fixture::new();
    fixture.unit.pod_started();
    assert_eq!(fixture.run_all(), ["install", "leader-elected", "config-changed", "start"]);
    let mut fixture = Fixture::new();
    fixture.succeed();
    fixture.unit.end_pod();
    assert!(matches!(fixture.unit.next(fixture.now), Next::PodEnded), "no start, no stop");
    fixture.unit.pod_started();
    assert_eq!(fixture.run_all(), ["leader-elected", "upgrade-charm", "config-changed", "start"]);
}

#[test]
fn a_pod_ends_whatever_its_hooks_do() {
    // A unit in error runs stop, and its error ends.
    let mut fixture = Fixture::started();
    fixture.unit.set_config("port", "1").unwrap();
    assert_eq!(fixture.fail(), "config-changed");
    fixture.unit.end_pod();
    assert_eq!(fixture.run_all(), ["stop"]);
    fixture.unit.pod_started();
    assert_eq!(fixture.run_all(), ["upgrade-charm", "config-changed", "start"]);
    // A stop that fails or is killed does not run again before the pod ends.
    for (exit, first) in [(HookExit::Code(1), "stop"), (HookExit::Signal(15), "upgrade-charm")] {
        let mut fixture = Fixture::started();
        fixture.unit.end_pod();
        assert_eq!(fixture.run(exit), "stop");
        assert!(matches!(fixture.unit.next(fixture.now), Next::PodEnded));
        fixture.unit.pod_started();
        fixture.advance(5);
        let ran = fixture.run_all();
        assert_eq!(ran.first().map(String::as_str), Some(first), "{ran:?}");
        assert_eq!(ran.get(ran.len() - 3..).unwrap(), ["upgrade-charm", "config-changed", "start"]);
    }
    // An action still runs, and the new pod has the declarations of the refreshed charm.
    let mut fixture = Fixture::started();
    fixture.unit.end_pod();
    fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!(fixture.run_all(), ["restart", "stop"]);
    let charm = CharmMeta::parse(
        "name: web\nsummary: s\ndescription: d\ncontainers: {new: {}}",
        None,
        None,
    )
    .unwrap();
    fixture.unit.refresh(charm);
    fixture.unit.pod_started();
    fixture.unit.pebble_seen("new", "b1").unwrap();
    assert_eq!(fixture.run_all(), ["upgrade-charm", "config-changed", "start", "new-pebble-ready"]);
}

#[test]
fn a_leaving_unit_does_not_repeat_a_failed_workload_hook() {
    for exit in [HookExit::Code(1), HookExit::Signal(9)] {
        let mut fixture = Fixture::started();
        let mut ran = Vec::new();
        let mut boot = 0;
        // Every poll and every notice comes again before the next hook ends.
        let mut busy = |fixture: &mut Fixture| {
            for container in ["web", "side"] {
                boot += 1;
                fixture.unit.pebble_seen(container, &boot.to_string()).unwrap();
                fixture.unit.check_failed(container, "up").unwrap();
            }
        };
        busy(&mut fixture);
        fixture.unit.remove_unit();
        while let Next::Run(run) = fixture.unit.next(fixture.now) {
            busy(&mut fixture);
            let name = run.name();
            fixture.finish(if name.contains("pebble") { exit.clone() } else { HookExit::Code(0) });
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
        assert!(matches!(fixture.unit.next(fixture.now), Next::Gone));
    }
}
