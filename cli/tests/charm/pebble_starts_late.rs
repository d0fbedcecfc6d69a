//! Pebble has not started yet while the unit is set up.

use std::time::Duration;

use crate::support::{Setup, Workload, free_port};

/// The time that a setup hook may take: the 5 s of the retry policy, and some for processes on a
/// busy machine.
const SETUP_BOUND: Duration = Duration::from_secs(8);

#[test]
fn a_unit_waits_for_pebble_and_needs_no_help_when_it_comes() {
    let port = free_port();
    let Some(setup) = Setup::any_workload("Pebble comes late", port) else {
        return;
    };
    let mut dev = setup.arg("--no-pebble").start();
    let table = dev.wait_until_settled("waiting");
    assert_eq!(table.status(), ("waiting", "waiting for Pebble in \"workload\""));
    assert_eq!(
        table.deferred,
        ["install", "config-changed"]
            .map(|event| (event.to_owned(), "waiting for Pebble in \"workload\"".to_owned()))
    );
    // The changes that the hooks asked for beside Pebble are committed.
    assert_eq!(table.ports, format!("{port}/tcp"));
    let hooks = dev.hooks_since(0);
    let names: Vec<_> = hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["install", "leader-elected", "config-changed", "start"]);
    for hook in &hooks {
        assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 0", 1), "{hook:?}");
        assert!(hook.took < SETUP_BOUND, "{hook:?}");
    }
    // The hook did try: three attempts, 1 s and 2 s apart.
    assert!(hooks[0].took >= Duration::from_secs(3), "{:?}", hooks[0]);
    let printed = dev.lines_since(0).join("\n");
    assert!(
        printed.contains(
            "WARNING cannot add layer \"workload\" in container \"workload\": no such socket; \
             attempt 1 of 3, next in 1 s"
        ),
        "{printed}"
    );
    for event in ["install", "config-changed"] {
        let deferred = format!("            deferred {event}: waiting for Pebble in \"workload\"");
        assert_eq!(printed.matches(&deferred).count(), 1, "{printed}");
    }

    let before = dev.line_count();
    dev.send("pebble start");
    let table = dev.wait_until_settled("active");
    assert_eq!((table.status(), table.deferred.len()), (("active", ""), 0));
    assert!(Workload::at(port).is_some());
    let hooks = dev.hooks_since(before);
    let names: Vec<_> = hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["workload-pebble-ready"]);
    let printed = dev.lines_since(before).join("\n");
    assert!(printed.contains("2 deferred event(s) done, 0 left"), "{printed}");
    dev.quit();
}
