//! A stored state that this charm did not write: an error that says so, and nothing is written over it.

use std::fs;

use crate::unit::Unit;

fn quoted(document: &str) -> String {
    serde_json::json!({"charmwright": document}).to_string()
}

#[test]
fn a_newer_or_broken_document_is_refused_and_left_as_it_is() {
    for (document, told) in [
        (r#"{"version":2,"data":{}}"#, "its version is 2"),
        (
            r#"{"version":1,"data":{"moons":3}}"#,
            "cannot read the unit's state \"charmwright\"",
        ),
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
            ran.ends(1, &[told, "left as it is"]);
            assert!(!ran.called("state-set") && ran.statuses().is_empty(), "{ran:?}");
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
    assert!(!ran.called("state-set"), "{ran:?}");
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
        // Beyond what a state can be.
        format!("{{\"charm\": \"{}\"}}", "x".repeat(2 << 20)),
    ] {
        let mut unit = Unit::new();
        unit.remove_tool("state-get");
        unit.remove_tool("state-set");
        unit.set("JUJU_CHARM_DIR", unit.path(""));
        unit.set("JUJU_DISPATCH_PATH", "hooks/start");
        unit.file(".charmwright-state.json", &content);
        unit.run().ends(1, &["cannot read the unit's state", "left as it is"]);
        assert_eq!(
            fs::read_to_string(unit.path(".charmwright-state.json")).unwrap(),
            content
        );
    }
    let mut unit = Unit::new();
    unit.remove_tool("state-get");
    unit.set("JUJU_CHARM_DIR", unit.path(""));
    unit.set("JUJU_DISPATCH_PATH", "hooks/start");
    unit.run().ends(0, &[]);
    let written = fs::read_to_string(unit.path(".charmwright-state.json")).unwrap();
    assert!(written.contains("started"), "{written}");
}
