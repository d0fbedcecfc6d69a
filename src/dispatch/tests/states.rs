//! Tests how a hook loads the unit's state, and what happens to a hook that cannot write it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::fakes::{HookResult, Unit};
use super::probe::{Collected, Step};
use super::queue::{Arrival, Queue};
use super::store::Store;
use super::stored::framework::FRAMEWORK_KEY;
use crate::Event;
use crate::juju::Status;

const CONFIG_CHANGED: &str = "hooks/config-changed";
const UPDATE_STATUS: &str = "hooks/update-status";
const READY: &str = "hooks/web-pebble-ready";

const STATE_TOOLS: [&str; 3] = ["state-get", "state-set", "state-delete"];

fn named(hook: &str) -> Event {
    Event::unknown(hook, [])
}

fn times(ran: &HookResult, tool: &str) -> usize {
    ran.tools.iter().filter(|called| **called == tool).count()
}

#[test]
fn a_workload_hook_writes_its_state_once_more() {
    let unit = Unit::new().on("web-pebble-ready", Step::Defer("later"));
    unit.break_once("state-set");
    let ran = unit.run(READY);
    assert_eq!((ran.code, times(&ran, "state-set")), (0, 2), "{ran:?}");
    assert_eq!(ran.statuses, ["waiting: later"]);
    assert_eq!(unit.stored(), ["web-pebble-ready"]);
}

#[test]
fn a_workload_hook_that_cannot_write_its_state_is_blocked_and_fails() {
    for (step, collected) in [
        (Step::Defer("later"), Collected::Nothing),
        (Step::Own("cannot do it"), Collected::Nothing),
        (Step::Panic, Collected::Fail),
        (Step::Defer("later"), Collected::Panic),
        (Step::SetState(100), Collected::Nothing),
    ] {
        let unit = Unit::new().on("web-pebble-ready", step).collecting(collected);
        unit.break_tool("state-set");
        let ran = unit.run(READY);
        assert_eq!((ran.code, times(&ran, "state-set")), (1, 2), "{ran:?}");
        let last = ran.statuses.last().unwrap();
        assert!(
            last.starts_with(
                "blocked: cannot store the unit's state: state-set exited with code 1"
            ),
            "{ran:?}"
        );
        assert!(unit.state().is_empty());
    }
    // Setting the status fails as well.
    let unit = Unit::new().on("web-pebble-ready", Step::Defer("later"));
    unit.break_tool("state-set");
    unit.break_tool("status-set");
    assert_eq!(unit.run(READY).code, 1);
    // Juju runs an ordinary hook again, and shows that it failed.
    let unit = Unit::new().on("config-changed", Step::Defer("later"));
    unit.break_tool("state-set");
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!((ran.code, times(&ran, "state-set")), (1, 1), "{ran:?}");
}

#[test]
fn a_workload_hook_commits_whatever_else_goes_wrong_after_its_handlers() {
    for (broken, collected) in [
        ("status-set", Collected::Nothing),
        ("config-get", Collected::Nothing),
        ("is-leader", Collected::Application(Status::active())),
        ("juju-log", Collected::Fail),
        ("juju-log", Collected::Panic),
    ] {
        let unit = Unit::new().on("web-pebble-ready", Step::Defer("later")).collecting(collected);
        unit.break_tool(broken);
        let ran = unit.run(READY);
        assert_eq!(ran.code, 0, "{broken}: {ran:?}");
        assert_eq!(unit.stored(), ["web-pebble-ready"], "{broken}");
    }
}

#[test]
fn a_workload_hook_that_cannot_read_the_state_fails_too() {
    let unit = Unit::new().on("web-pebble-ready", Step::Defer("later"));
    unit.break_tool("state-get");
    let ran = unit.run(READY);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.statuses[0].starts_with("blocked: cannot read the unit's stored state"), "{ran:?}");
}

#[test]
fn a_full_queue_and_faults_wedge_no_unit() {
    // The container is in setup, as after upgrade-charm.
    let mut unit = Unit::new();
    let names: Vec<&'static str> = (0..Queue::CAPACITY)
        .map(|number| &*Box::leak(format!("hook-{number}").into_boxed_str()))
        .collect();
    // The reason has the largest size, and twice that in JSON.
    let reason: &'static str = Box::leak("\"".repeat(512).into_boxed_str());
    unit.edit(|framework| {
        for name in &names {
            let status = Status::waiting(reason);
            framework.queue.store(&named(name), &status, Arrival::FromJuju, 1).unwrap();
        }
    });
    unit.steps.extend(names.iter().map(|name| (*name, Step::Defer(reason))));
    let hooks = [
        "install",
        "start",
        "leader-elected",
        "update-status",
        "upgrade-charm",
        "one",
        "two",
        "three",
    ];
    unit.verdict = Some(crate::Verdict::Block("wrong ".repeat(100)));
    for hook in hooks {
        unit.steps.insert(hook, Step::Own("cannot do it"));
        let ran = unit.run(&format!("hooks/{hook}"));
        assert_eq!(ran.code, 0, "{hook}: {ran:?}");
        assert_eq!(unit.stored(), names);
    }
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(unit.framework().faults.messages().count(), 0);
    assert_eq!(unit.stored(), names);
    // In the end the stored events are done.
    unit.steps.clear();
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(
        (ran.code, &ran.statuses[..]),
        (0, &["waiting: waiting for Pebble in \"web\"".to_owned()][..]),
        "{ran:?}"
    );
    assert!(unit.stored().is_empty());
}

#[test]
fn a_state_that_is_only_out_of_reach_is_not_replaced_by_a_file() {
    for (missing, version) in [
        (&["state-get"][..], None),
        (&["state-get"], Some("2.7.8")),
        (&["state-get", "state-set"], Some("2.7.8")),
        (&["state-get"], Some("3.6.28")),
        (&STATE_TOOLS, Some("3.6.28")),
        (&STATE_TOOLS, Some("2.8.0")),
        (&STATE_TOOLS, Some("4.1-beta2")),
    ] {
        for hook in [CONFIG_CHANGED, READY] {
            let mut unit = Unit::new()
                .on("config-changed", Step::Defer("later"))
                .on("web-pebble-ready", Step::Defer("later"));
            unit.remove_tools(missing);
            unit.variables =
                version.map(|version| ("JUJU_VERSION", version.to_owned())).into_iter().collect();
            let ran = unit.run(hook);
            assert_eq!((ran.code, ran.seen.len()), (1, 0), "{missing:?} {version:?}: {ran:?}");
            assert!(!unit.folder.path().join(Store::FILE_NAME).exists());
            let (_, told) = ran.log.last().unwrap();
            assert!(
                told.contains("mend the tools state-get, state-set and state-delete on PATH"),
                "{told}"
            );
        }
    }
    let mut unit = Unit::new().on("config-changed", Step::Defer("later"));
    unit.remove_tools(&STATE_TOOLS);
    unit.variables = vec![("JUJU_VERSION", "2.7.8".to_owned())];
    assert_eq!(unit.run(CONFIG_CHANGED).code, 0);
    assert!(unit.folder.path().join(Store::FILE_NAME).exists());
}

#[test]
fn a_file_that_is_left_beside_a_working_state_is_said_and_left_alone() {
    let unit = Unit::in_operation();
    let path = unit.folder.path().join(Store::FILE_NAME);
    std::fs::write(&path, "{}").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains(Store::FILE_NAME) && ran.err.contains("is not read"), "{}", ran.err);
    assert!(path.exists());
}

#[test]
fn too_large_a_state_fails_the_hook_before_it_is_lost() {
    let unit = Unit::in_operation().on("config-changed", Step::SetState(61_440));
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(ran.code, 1);
    assert!(ran.log.last().unwrap().1.contains("61440 is the limit"), "{ran:?}");
}

#[test]
fn a_state_that_cannot_be_read_is_an_error_and_left_alone() {
    for hook in [UPDATE_STATUS, "hooks/web-pebble-ready", "actions/act"] {
        let unit = Unit::in_operation();
        let foreign =
            BTreeMap::from([(FRAMEWORK_KEY.to_owned(), "{\"version\":7,\"data\":{}}".to_owned())]);
        unit.store(&foreign);
        let ran = unit.run(hook);
        assert!(ran.seen.is_empty(), "{ran:?}");
        assert_eq!(unit.state(), foreign);
        match hook {
            UPDATE_STATUS => assert_eq!(ran.code, 1),
            "actions/act" => assert!(ran.failure.unwrap().contains("its version is 7")),
            _ => {
                assert_eq!(ran.code, 1);
                assert!(
                    ran.statuses[0].starts_with("blocked: cannot read the unit's state"),
                    "{ran:?}"
                );
            }
        }
    }
}

#[test]
fn a_failing_state_get_is_an_error() {
    let unit = Unit::in_operation();
    unit.break_tool("state-get");
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!((ran.code, ran.seen.len()), (1, 0));
    assert!(!ran.tools.contains(&"state-set"));
}

#[test]
fn without_state_get_the_state_is_a_file() {
    let unit = Unit::new().on("config-changed", Step::Defer("later"));
    unit.remove_tools(&STATE_TOOLS);
    assert_eq!(unit.run(CONFIG_CHANGED).code, 0);
    let path = unit.folder.path().join(Store::FILE_NAME);
    assert!(std::fs::read_to_string(&path).unwrap().contains("config-changed"));
    assert_eq!(unit.run(UPDATE_STATUS).seen, ["config-changed", "update-status", "collect-status"]);
    std::fs::write(&path, "not JSON").unwrap();
    assert_eq!(unit.run(UPDATE_STATUS).code, 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "not JSON");
}

#[test]
fn a_workload_hook_commits_even_when_its_status_cannot_be_collected() {
    let unit = Unit::new().on("web-pebble-ready", Step::Defer("later"));
    unit.break_tool("config-get");
    let ran = unit.run("hooks/web-pebble-ready");
    assert_eq!(ran.code, 0);
    assert!(
        ran.statuses[0].starts_with("blocked: cannot read the application's config"),
        "{ran:?}"
    );
    assert_eq!(unit.stored(), ["web-pebble-ready"]);
    assert_eq!(unit.framework().phase(&"web".parse().unwrap()), crate::Phase::Operation);
}
