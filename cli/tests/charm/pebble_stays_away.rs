//! Pebble is gone for good while the unit is in operation: the hook fails within its time limit,
//! and the unit recovers when Pebble is back.

use std::time::Duration;

use crate::printed_output::HookLine;
use crate::support::{DevRun, Setup, Workload, free_port};

/// The waits between the three attempts, 200 ms and 400 ms, and the time that an operator's policy
/// may take on top.
const BOUND: Duration = Duration::from_millis(600 + 15_000);

/// Starts a unit that was active on the old port, and whose config-changed to the new port has
/// found no Pebble and failed.
fn run_with_failed_hook(setup: Setup, old: u16, new: u16) -> DevRun {
    let mut dev = setup.retry_attempts(3).start();
    dev.wait_until_settled("active");
    dev.input.kill_pebble();
    let before = dev.line_count();
    dev.send(&format!("config port={new}"));
    let hook = dev.hook("config-changed");
    assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 1", 1));
    assert!((Duration::from_millis(600)..BOUND).contains(&hook.took), "{hook:?}");
    // The hook had asked for the new port before it failed, and nothing of that was committed.
    assert!(
        hook.tools.contains("open-port") && hook.tools.contains("close-port"),
        "{}",
        hook.tools
    );
    dev.send("wait-for error 10s");
    assert_in_error(&mut dev, old);
    let printed = dev.lines_since(before).join("\n");
    for part in [
        "WARNING cannot add layer \"workload\" in container \"workload\": connection refused; \
         attempt 1 of 3, next in 200 ms",
        "ERROR \"config-changed\" failed: cannot add layer \"workload\" in container \
         \"workload\": no answer from Pebble at ",
        " after 3 attempts in ",
        "(connection refused); is the container running?",
        "failed (exit status 1): what it asked for is dropped; runs again in ",
    ] {
        assert!(printed.contains(part), "{part}{}", dev.describe());
    }
    dev
}

fn assert_in_error(dev: &mut DevRun, port: u16) {
    let table = dev.table();
    assert_eq!(table.status(), ("error", "hook failed: \"config-changed\""));
    assert_eq!((table.agent, table.ports), ("idle".to_owned(), format!("{port}/tcp")));
    assert!(table.deferred.is_empty(), "{:?}", table.deferred);
}

fn assert_active_on(dev: &mut DevRun, port: u16) {
    let table = dev.wait_until_settled("active");
    assert_eq!(
        (table.status(), table.ports.as_str()),
        (("active", ""), format!("{port}/tcp").as_str())
    );
    assert!(table.deferred.is_empty(), "{:?}", table.deferred);
    assert!(Workload::at(port).is_some());
}

/// Returns the first hook after that position that succeeded.
fn first_success(dev: &DevRun, position: usize) -> HookLine {
    let hooks = dev.hooks_since(position);
    hooks.into_iter().find(|hook| hook.exit == "exit 0").unwrap()
}

#[test]
fn the_automatic_retry_recovers() {
    let (old, new) = (free_port(), free_port());
    let Some(setup) = Setup::any_workload("recovers by the automatic retry", old) else {
        return;
    };
    let mut dev = run_with_failed_hook(setup, old, new);
    // Pebble is still away: each failure is the same, and the unit does not change.
    let again = dev.hook("config-changed");
    assert_eq!((again.exit.as_str(), again.attempt), ("exit 1", 2));
    assert_in_error(&mut dev, old);
    let before = dev.line_count();
    dev.send("pebble start");
    assert_active_on(&mut dev, new);
    // No other hook of the unit runs before the failed one has succeeded.
    let hook = first_success(&dev, before);
    assert_eq!(hook.name, "config-changed", "{}", dev.describe());
    assert!(hook.attempt >= 3, "{hook:?}");
    dev.quit();
}

#[test]
fn resolved_recovers() {
    let (old, new) = (free_port(), free_port());
    let Some(setup) = Setup::any_workload("recovers by resolved", old) else {
        return;
    };
    let mut dev = run_with_failed_hook(setup.in_real_time(), old, new);
    // This is the second failure, after which the automatic retry comes in 10 s.
    let again = dev.hook("config-changed");
    assert_eq!((again.exit.as_str(), again.attempt), ("exit 1", 2));
    let wait = dev.line("runs again in");
    assert!(wait.ends_with("runs again in 10.0 s"), "{wait}");
    let before = dev.line_count();
    dev.input.start_pebble();
    let resolved_at = std::time::Instant::now();
    dev.send("resolved");
    let hook = dev.hook("config-changed");
    assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 0", 3), "{}", dev.describe());
    assert!(
        resolved_at.elapsed() < Duration::from_secs(8),
        "that was the automatic retry{}",
        dev.describe()
    );
    assert_active_on(&mut dev, new);
    assert_eq!(first_success(&dev, before).name, "config-changed");
    dev.quit();
}

#[test]
fn resolved_without_retry_skips_the_hook() {
    let (old, new) = (free_port(), free_port());
    let Some(setup) = Setup::any_workload("skips by resolved --no-retry", old) else {
        return;
    };
    let mut dev = run_with_failed_hook(setup.in_real_time(), old, new);
    let before = dev.line_count();
    dev.send("resolved --no-retry\nupdate-status");
    assert_eq!(dev.hook("update-status").exit, "exit 0");
    let table = dev.wait_until_settled("waiting");
    assert_eq!(table.status(), ("waiting", "waiting for Pebble in \"workload\""));
    assert_eq!((table.agent, table.ports), ("idle".to_owned(), format!("{old}/tcp")));
    let names: Vec<_> = dev.hooks_since(before).into_iter().map(|hook| hook.name).collect();
    assert_eq!(names, ["update-status"], "{}", dev.describe());
    dev.send("resolved");
    // There is nothing to resolve any more. In a script that is a mistake, so this run ends with 1
    // and says so.
    dev.line("cannot resolve");
}
