//! These tests run hooks in an environment that Juju would not give them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::unit::Unit;

#[test]
fn no_event_at_all_is_the_usage_text_and_exit_2() {
    let mut unit = Unit::new();
    unit.unset("JUJU_DISPATCH_PATH");
    unit.run().assert_ended(
        2,
        &["cannot tell which event this is", "JUJU_DISPATCH_PATH=hooks/update-status ./dispatch"],
    );
    unit.unset("JUJU_UNIT_NAME");
    let ran = unit.run();
    ran.assert_ended(2, &["any-workload-k8s"]);
    assert!(ran.calls.is_empty());
}

#[test]
fn a_malformed_variable_is_named_and_nothing_is_asked_of_juju() {
    for (name, value) in [
        ("JUJU_DISPATCH_PATH", "hooks/../../etc/passwd"),
        ("JUJU_DISPATCH_PATH", "hooks/a/b"),
        ("JUJU_DISPATCH_PATH", "hooks/.."),
        ("JUJU_DISPATCH_PATH", "hooks/"),
        ("JUJU_DISPATCH_PATH", "/etc/passwd"),
        ("JUJU_DISPATCH_PATH", "update-status"),
        ("JUJU_HOOK_NAME", "../update-status"),
        ("JUJU_UNIT_NAME", ""),
        ("JUJU_UNIT_NAME", "any-workload-k8s"),
        ("JUJU_UNIT_NAME", "any-workload-k8s/-1"),
        ("JUJU_UNIT_NAME", "../0"),
    ] {
        let mut unit = Unit::new();
        unit.set(name, value);
        let ran = unit.run();
        ran.assert_ended(1, &["cannot read the hook's environment", name]);
        assert!(ran.calls.is_empty(), "{ran:?}");
    }
}

#[test]
fn a_malformed_variable_that_only_some_hooks_need_fails_those_and_no_other() {
    for (name, value, path) in [
        ("JUJU_PEBBLE_CHECK_NAME", "up\ndown", "hooks/workload-pebble-check-failed"),
        ("JUJU_NOTICE_ID", "../1", "hooks/workload-pebble-custom-notice"),
        ("JUJU_RELATION_ID", "seven", "hooks/db-relation-changed"),
        ("JUJU_SECRET_REVISION", "last", "hooks/secret-expired"),
        ("JUJU_STORAGE_ID", "data", "hooks/data-storage-attached"),
    ] {
        let mut unit = Unit::new();
        unit.set("JUJU_NOTICE_TYPE", "custom");
        unit.set("JUJU_NOTICE_KEY", "example.com/done");
        unit.set(name, value);
        unit.run().assert_ended(0, &[]);
        unit.set("JUJU_DISPATCH_PATH", path);
        let ran = unit.run();
        ran.assert_ended(1, &["cannot read the hook's environment", name]);
        assert!(ran.calls.is_empty(), "{ran:?}");
    }
    // The charm takes the container from the hook's name. It needs Juju's version only if the hook
    // tools for the state are missing.
    let mut unit = Unit::new();
    unit.set("JUJU_VERSION", "three");
    unit.set("JUJU_WORKLOAD_NAME", "../workload");
    unit.run().assert_ended(0, &[]);
    unit.set("JUJU_DISPATCH_PATH", "hooks/workload-pebble-ready");
    unit.run().assert_ended(0, &[]);
    unit.remove_tool("state-get");
    unit.run().assert_ended(1, &["cannot read the hook's environment", "JUJU_VERSION"]);
    // This charm does not ask for the id of an action, so a malformed one does no harm.
    let mut unit = Unit::new();
    unit.set("JUJU_ACTION_UUID", "one two");
    unit.set("JUJU_DISPATCH_PATH", "actions/restart");
    unit.file("config", "{}");
    let ran = unit.run();
    ran.assert_ended(0, &[]);
    let failed = ran.calls.iter().find(|call| call.starts_with("action-fail -- "));
    assert!(failed.is_some_and(|call| call.contains("\"command\"")), "{ran:?}");
}

#[test]
fn a_variable_that_is_not_utf_8_is_named_unless_it_is_a_path() {
    let garbage = OsStr::from_bytes(b"\xff\xfe");
    for name in ["JUJU_UNIT_NAME", "JUJU_DISPATCH_PATH", "JUJU_HOOK_NAME"] {
        let mut unit = Unit::new();
        unit.set(name, garbage);
        unit.run().assert_ended(1, &[name, "not valid UTF-8"]);
    }
    let mut unit = Unit::new();
    unit.set("JUJU_MODEL_NAME", garbage);
    unit.set("JUJU_NOTICE_KEY", garbage);
    unit.run().assert_ended(0, &[]);
    unit.set("JUJU_DISPATCH_PATH", "hooks/workload-pebble-custom-notice");
    unit.run().assert_ended(1, &["JUJU_NOTICE_KEY", "not valid UTF-8"]);
    // A path need not be UTF-8, and the charm does not read a variable that it does not know.
    let mut unit = Unit::new();
    unit.set("JUJU_CHARM_DIR", garbage);
    unit.set("JUJU_SOMETHING_NEW", garbage);
    unit.run().assert_ended(0, &[]);
}

#[test]
fn a_workload_hook_without_its_variables_or_of_another_container_is_an_event_that_nobody_handles() {
    for path in [
        "hooks/workload-pebble-check-failed",
        "hooks/workload-pebble-custom-notice",
        "hooks/other-pebble-ready",
        "hooks/full-moon",
    ] {
        let mut unit = Unit::new();
        unit.set("JUJU_DISPATCH_PATH", path);
        let ran = unit.run();
        ran.assert_ended(0, &[]);
        assert_eq!(ran.statuses(), ["waiting -- waiting for Pebble in \"workload\""], "{path}");
    }
}

#[test]
fn an_action_that_is_not_declared_fails_with_its_name() {
    let mut unit = Unit::new();
    unit.set("JUJU_DISPATCH_PATH", "actions/self-destruct");
    unit.set("JUJU_ACTION_UUID", "7");
    let ran = unit.run();
    ran.assert_ended(0, &[]);
    let expected = r#"action-fail -- cannot run the action "self-destruct": the charm declares"#;
    assert!(ran.calls.iter().any(|call| call.starts_with(expected)), "{ran:?}");
}

#[test]
fn sockets_that_cannot_be_are_told_with_their_path() {
    // A socket that does not exist is that of a Pebble that has not started: the unit waits for it.
    let unit = Unit::new();
    let ran = unit.run();
    ran.assert_ended(0, &[]);
    assert_eq!(ran.statuses(), ["waiting -- waiting for Pebble in \"workload\""]);

    let mut unit = Unit::in_operation();
    let long = format!("/{}", "long/".repeat(30));
    unit.set("CHARMWRIGHT_CONTAINERS", &long);
    unit.run().assert_ended(1, &["at most 107", &long]);

    let unit = Unit::in_operation();
    unit.file("containers", "a file where a folder should be");
    unit.run().assert_ended(1, &["a file in the place of a folder", "containers"]);
}
