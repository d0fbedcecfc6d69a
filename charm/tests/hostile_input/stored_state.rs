//! These tests give the charm a stored state that it did not write. It must report that and must
//! not overwrite the state.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::unit::Unit;

/// Returns the state of a unit, as `state-get` prints it, with this document of the framework.
fn quoted(document: &str) -> String {
    serde_json::json!({"charmwright": document}).to_string()
}

#[test]
fn a_newer_or_broken_document_is_refused_and_left_as_it_is() {
    for (document, cause) in [
        (r#"{"version":2,"data":{}}"#, "its version is 2"),
        (r#"{"version":1,"data":{"moons":3}}"#, "cannot read the unit's state \"charmwright\""),
        (
            r#"{"version":1,"data":{"queue":[{"event":{"event":"full-moon"}}]}}"#,
            "cannot read the unit's state",
        ),
        ("garbage", "cannot read the unit's state \"charmwright\""),
        ("", "cannot read the unit's state \"charmwright\""),
        ("[]", "not a JSON object"),
    ] {
        for hook in ["hooks/install", "hooks/update-status", "hooks/stop"] {
            let mut unit = Unit::new();
            unit.set("JUJU_DISPATCH_PATH", hook);
            unit.file("state", &quoted(document));
            let ran = unit.run();
            ran.assert_ended(1, &[cause, "left as it is"]);
            assert!(!ran.has_called("state-set") && ran.statuses().is_empty(), "{ran:?}");
        }
    }
}

#[test]
fn in_a_workload_hook_the_status_tells_it_since_juju_hides_the_failure() {
    let mut unit = Unit::new();
    unit.set("JUJU_DISPATCH_PATH", "hooks/workload-pebble-ready");
    unit.set("JUJU_WORKLOAD_NAME", "workload");
    unit.file("state", &quoted(r#"{"version":2,"data":{}}"#));
    let ran = unit.run();
    assert_eq!(ran.code, Some(1));
    assert!(!ran.has_called("state-set"), "{ran:?}");
    assert!(
        ran.statuses()
            .iter()
            .any(|status| status.starts_with("blocked") && status.contains("its version is 2")),
        "{ran:?}"
    );
}

#[test]
fn the_local_file_is_refused_and_left_as_it_is_too() {
    for content in [
        quoted(r#"{"version":2,"data":{}}"#),
        "{\"charmwright\":".to_owned(),
        "[1]".to_owned(),
        String::new(),
        // This file is larger than the largest that the charm reads.
        format!("{{\"charm\": \"{}\"}}", "x".repeat(2 << 20)),
    ] {
        let unit = without_state_tools("2.7.8");
        unit.file(FILE, &content);
        unit.run().assert_ended(1, &["cannot read the unit's state", "left as it is"]);
        assert_eq!(fs::read_to_string(unit.path(FILE)).unwrap(), content);
    }
    let unit = without_state_tools("2.7.8");
    unit.run().assert_ended(0, &[]);
    let written = fs::read_to_string(unit.path(FILE)).unwrap();
    assert!(written.contains("started"), "{written}");
}

/// The file that holds the state where Juju has no hook tools for it.
const FILE: &str = ".charmwright-state.json";

/// Makes a unit that runs start under this version of Juju and has no hook tools for its state.
fn without_state_tools(version: &str) -> Unit {
    let mut unit = Unit::new();
    unit.remove_tool("state-get");
    unit.remove_tool("state-set");
    unit.set("JUJU_CHARM_DIR", unit.path(""));
    unit.set("JUJU_DISPATCH_PATH", "hooks/start");
    unit.set("JUJU_VERSION", version);
    unit
}

#[test]
fn tools_that_cannot_be_used_are_an_error_and_no_file_stands_in_for_them() {
    type Break = fn(&mut Unit);
    let breaks: [(&str, Break); 7] = [
        ("missing alone", |unit| unit.remove_tool("state-get")),
        ("missing with the others", |unit| {
            unit.remove_tool("state-get");
            unit.remove_tool("state-set");
        }),
        ("no x bit", |unit| {
            let mode = fs::Permissions::from_mode(0o644);
            fs::set_permissions(unit.path("tools/state-get"), mode).unwrap();
        }),
        ("a folder", |unit| {
            unit.remove_tool("state-get");
            fs::create_dir(unit.path("tools/state-get")).unwrap();
        }),
        ("a loop of links", |unit| {
            unit.remove_tool("state-get");
            symlink("state-get", unit.path("tools/state-get")).unwrap();
        }),
        ("a link that leads nowhere", |unit| {
            unit.remove_tool("state-get");
            symlink("nowhere", unit.path("tools/state-get")).unwrap();
        }),
        ("a folder on PATH that nobody can search", |unit| {
            symlink("searched", unit.path("searched")).unwrap();
            unit.remove_tool("state-get");
            unit.remove_tool("state-set");
            unit.set(
                "PATH",
                format!("{0}/tools:{0}/searched:/usr/bin:/bin", unit.path("").display()),
            );
        }),
    ];
    for (what, break_tools) in breaks {
        for version in ["3.6.28", "2.7.8"] {
            // Juju 2.7 has no such tools, so there this is not a fault.
            if what == "missing with the others" && version == "2.7.8" {
                continue;
            }
            let mut unit = Unit::new();
            unit.set("JUJU_CHARM_DIR", unit.path(""));
            unit.set("JUJU_DISPATCH_PATH", "hooks/start");
            unit.set("JUJU_VERSION", version);
            break_tools(&mut unit);
            println!("--- {what}, {version}");
            unit.run().assert_ended(
                1,
                &["cannot use the unit's state", version, "state-get", "mend the tools"],
            );
            assert!(!unit.path(FILE).exists(), "{what}, {version}");
        }
    }
}

#[test]
fn a_file_that_an_older_juju_left_is_said() {
    let unit = without_state_tools("2.7.8");
    unit.run().assert_ended(0, &[]);
    let mut unit = unit;
    unit.set("JUJU_VERSION", "3.6.28");
    unit.tool("state-get", "echo '{}'");
    unit.tool("state-set", "cat > \"$UNIT/state-set\"");
    let before = fs::read(unit.path(FILE)).unwrap();
    unit.run().assert_ended(0, &[FILE, "is not read"]);
    assert_eq!(fs::read(unit.path(FILE)).unwrap(), before);
}

#[test]
fn a_workload_hook_that_cannot_store_its_event_fails_and_says_so() {
    let mut unit = Unit::new();
    unit.set("JUJU_DISPATCH_PATH", "hooks/workload-pebble-ready");
    unit.set("JUJU_WORKLOAD_NAME", "workload");
    unit.tool("state-set", "echo 'ERROR connection lost' >&2; exit 1");
    let ran = unit.run();
    ran.assert_ended(1, &["cannot store the unit's state", "ERROR connection lost"]);
    assert_eq!(ran.calls.iter().filter(|call| call.starts_with("state-set")).count(), 2);
    assert!(
        ran.statuses().last().unwrap().starts_with("blocked -- cannot store the unit's state"),
        "{ran:?}"
    );

    // The charm tries again, so one failure does no harm.
    unit.tool(
        "state-set",
        "cat > \"$UNIT/state-set\"; [ -e \"$UNIT/tried\" ] && exit 0; touch \"$UNIT/tried\"; exit \
         1",
    );
    unit.run().assert_ended(0, &[]);
    let stored = fs::read_to_string(unit.path("state-set")).unwrap();
    assert!(stored.contains("pebble-ready"), "{stored}");
}
