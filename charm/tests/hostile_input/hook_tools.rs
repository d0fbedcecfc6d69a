//! These tests replace hook tools by such as are missing, fail, are slow, or print garbage.

use crate::unit::Unit;

/// The hook tools that an install calls before it sends a request to Pebble, and the one that sets
/// the status at its end.
const NEEDED: [&str; 4] = ["state-get", "config-get", "opened-ports", "status-set"];

/// Makes a unit that runs install and fails as soon as it needs its Pebble.
fn install() -> Unit {
    let mut unit = Unit::new();
    unit.set("JUJU_DISPATCH_PATH", "hooks/install");
    // The port is there for `opened-ports` to be called.
    unit.file("config", r#"{"command": "sleep 600", "port": 80, "pebble-retry-attempts": 1}"#);
    // A socket path through a file is final, so no test waits for a Pebble to appear.
    unit.file("containers", "not a folder: nobody waits for what is here");
    unit
}

#[test]
fn a_tool_that_is_not_there_is_named() {
    for tool in ["config-get", "opened-ports"] {
        let unit = install();
        unit.remove_tool(tool);
        unit.run().assert_ended(1, &[tool, "PATH", "charmwright dev"]);
    }
    let mut unit = install();
    unit.set("PATH", "/no/such/folder");
    unit.run().assert_ended(1, &["cannot ", "config-get", "PATH"]);
    unit.unset("PATH");
    unit.run().assert_ended(1, &["cannot ", "config-get", "PATH"]);
}

#[test]
fn a_tool_that_refuses_is_named_with_its_code_and_its_words() {
    for tool in ["state-get", "config-get", "opened-ports"] {
        for code in [1, 2] {
            let unit = install();
            unit.tool(tool, &format!("echo 'ERROR the moon is full' >&2; exit {code}"));
            unit.run().assert_ended(1, &[tool, &format!("code {code}"), "ERROR the moon is full"]);
        }
    }
    let unit = Unit::new();
    unit.tool("status-set", "echo 'ERROR no' >&2; exit 1");
    unit.run()
        .assert_ended(1, &["cannot set the unit's status", "status-set", "code 1", "ERROR no"]);
    let unit = Unit::new();
    unit.tool("status-set", "kill -9 $$");
    unit.run().assert_ended(1, &["status-set", "signal 9"]);
}

#[test]
fn a_log_that_cannot_be_written_fails_no_hook() {
    for answer in ["exit 1", "exit 2", "kill -9 $$"] {
        let unit = install();
        unit.tool("juju-log", answer);
        unit.tool("config-get", "exit 1");
        // The charm writes to stderr what it could not log.
        unit.run().assert_ended(1, &["config-get exited with code 1"]);
        let unit = Unit::new();
        unit.tool("juju-log", answer);
        unit.run().assert_ended(0, &[]);
    }
}

#[test]
fn a_slow_tool_is_waited_for() {
    let unit = Unit::new();
    for tool in ["state-get", "config-get", "status-set"] {
        unit.tool(tool, "sleep 0.5; [ $1 = active ] || cat \"$UNIT/config\"");
    }
    unit.tool("state-get", "sleep 0.5; echo '{}'");
    let ran = unit.run();
    ran.assert_ended(0, &[]);
    assert_eq!(ran.statuses().len(), 1);
}

#[test]
fn what_is_no_answer_is_told_without_repeating_it() {
    for tool in NEEDED.iter().filter(|tool| **tool != "status-set") {
        for answer in [
            "echo hunter2",
            "echo '{\"hunter2\": '",
            "echo '\"hunter2\"'",
            "echo 7",
            "printf '\\377\\376hunter2'",
            "printf '{\"hunter2\": \"\\377\"}'",
            // 20 MiB are far more than the charm reads of an answer.
            "head -c 20971520 /dev/zero",
            "yes '{' | head -c 20971520",
            // A recursive parser would overflow its stack on this JSON.
            "yes '[' | tr -d '\\n' | head -c 1000000",
        ] {
            let unit = install();
            unit.tool(tool, answer);
            let ran = unit.run();
            ran.assert_ended(1, &["cannot ", tool]);
            assert!(
                !ran.output.contains("hunter2") && ran.output.len() < 2000,
                "{answer}: {ran:?}"
            );
            assert!(!ran.has_called("state-set"), "{answer}: {ran:?}");
        }
    }
    // The charm does not read the output of this tool.
    let unit = Unit::new();
    unit.tool("status-set", "yes | head -c 1000000");
    unit.run().assert_ended(0, &[]);
}
