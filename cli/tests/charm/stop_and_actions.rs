//! Two things must not wait for a Pebble that is away: the end of the unit, and an action.

use std::time::Duration;

use crate::printed_output::HookLine;
use crate::support::{Setup, free_port};

/// The time that a hook may take on a busy machine if it waits for nothing.
const HOOK_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn stop_and_remove_end_at_once_without_pebble() {
    let Some(setup) = Setup::any_workload("stop without Pebble", free_port()) else {
        return;
    };
    let mut dev = setup.start();
    dev.wait_until_settled("active");
    dev.input.kill_pebble();
    assert_ended_at_once(&dev.quit());
}

/// Checks that stop and remove succeeded without a single wait for Pebble.
fn assert_ended_at_once(printed: &[String]) {
    let hooks: Vec<_> = printed.iter().filter_map(|line| HookLine::read(line)).collect();
    let names: Vec<_> = hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["stop", "remove"]);
    let quick = |hook: &HookLine| hook.exit == "exit 0" && hook.took < HOOK_LIMIT;
    assert!(hooks.iter().all(quick), "{hooks:?}");
    // A call that is retried prints its first wait.
    assert!(!printed.join("\n").contains("next in"), "{printed:?}");
}

#[test]
fn what_stop_asks_of_pebble_is_asked_once() {
    let Some(setup) = Setup::restart_on_check("stop asks once") else {
        return;
    };
    let mut dev = setup.start();
    dev.wait_until_settled("active");
    dev.input.kill_pebble();
    let printed = dev.quit();
    assert_ended_at_once(&printed);
    let printed = printed.join("\n");
    let why = "WARNING \"stop\" is done all the same: cannot stop service \"workload\" in \
               container \"workload\": no answer from Pebble at ";
    assert!(printed.contains(why), "{printed}");
}

#[test]
fn stop_and_remove_end_at_once_before_pebble_ever_came() {
    let Some(setup) = Setup::any_workload("stop before Pebble", free_port()) else {
        return;
    };
    let mut dev = setup.arg("--no-pebble").start();
    dev.hook("install");
    dev.hook("start");
    assert_ended_at_once(&dev.quit_without_pebble());
}

#[test]
fn an_actions_error_is_its_failure_message() {
    let port = free_port();
    let Some(setup) = Setup::any_workload("restart without Pebble", port) else {
        return;
    };
    let mut dev = setup.retry_attempts(2).start();
    dev.wait_until_settled("active");
    dev.send("run restart");
    let hook = dev.hook("restart");
    assert_eq!(hook.exit, "exit 0");
    assert_eq!(dev.line("action 1: ").trim(), "action 1: completed");
    dev.line("result: the workload was restarted");

    dev.input.kill_pebble();
    dev.send("run restart");
    let hook = dev.hook("restart");
    assert_eq!(hook.exit, "exit 0");
    assert!(hook.tools.contains("action-fail"), "{}", hook.tools);
    let failure = dev.line("action 2: ");
    for part in [
        "action 2: failed: cannot restart service \"workload\" in container \"workload\": no \
         answer from Pebble at ",
        " after 2 attempts in ",
        "(connection refused); is the container running?",
    ] {
        assert!(failure.contains(part), "{failure}");
    }
    let table = dev.table();
    assert_eq!(table.agent, "idle");
    assert_eq!(table.status(), ("active", ""));
    // An action collects no status. The next hook does.
    dev.send("update-status");
    assert_eq!(
        dev.wait_until_settled("waiting").status(),
        ("waiting", "waiting for Pebble in \"workload\"")
    );
    dev.quit();
}
