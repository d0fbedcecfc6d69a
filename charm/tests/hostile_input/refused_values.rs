//! These tests give options values that cannot be used. The charm names the option, and no status,
//! log line, argument or stored document repeats the value, which may be a secret.

use std::fs;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use serde_json::{Value, json};

use crate::unit::{Ran, Unit};

/// The texts to search for. Every refused value here holds one of them.
const PLANTED: [&str; 3] = ["hunter2", "54321", "98765"];

/// Runs config-changed in a unit that reaches this daemon, and returns its result and the state
/// that it has stored.
fn config_changed(daemon: &Daemon, config: &Value) -> (Ran, String) {
    let mut unit = Unit::in_operation();
    unit.set("CHARMWRIGHT_CONTAINERS", daemon.containers().unwrap());
    unit.set("CHARMWRIGHT_LOG", "debug");
    unit.set("JUJU_DISPATCH_PATH", "hooks/config-changed");
    unit.file("config", &config.to_string());
    let ran = unit.run();
    let stored = fs::read_to_string(unit.path("state-set")).unwrap_or_default();
    (ran, stored)
}

#[test]
fn nothing_that_anybody_reads_repeats_a_refused_value() {
    let test = "nothing_that_anybody_reads_repeats_a_refused_value";
    let Some(daemon) = daemon_or_skip(test, DaemonOptions::new().container("workload")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("hunter2");
    fs::write(&plain, "no program").unwrap();
    let plain = plain.to_str().unwrap();
    for (option, value) in [
        ("command", json!("'hunter2")),
        ("command", json!("hunter2 --token 98765")),
        ("command", json!("/hunter2/98765 x")),
        ("command", json!(plain)),
        ("command", json!(["hunter2"])),
        ("command", json!(54321)),
        ("command", json!("'' hunter2")),
        ("environment", json!("hunter2")),
        ("environment", json!("{hunter2: 1, hunter2: 2}")),
        ("environment", json!("{\"TOKEN=hunter2\": 1}")),
        ("environment", json!("{A: {hunter2: 98765}}")),
        ("environment", json!("{A: *hunter2}")),
        ("environment", json!("A: \"hunter2")),
        ("environment", json!(98765)),
        ("working-dir", json!("hunter2")),
        ("working-dir", json!("/hunter2")),
        ("working-dir", json!(plain)),
        ("working-dir", json!(54321)),
        ("working-dir", json!("/hunter2\0")),
        ("user", json!("hunter2")),
        ("user", json!({"hunter2": 1})),
        ("user", json!("hunter2\0")),
        ("group", json!("hunter2")),
        ("port", json!(98765)),
        ("port", json!(-54321)),
        ("port", json!(54321.5)),
        ("port", json!("hunter2")),
        ("health-check", json!("http://user:hunter2@host/?token=98765")),
        ("health-check", json!("hunter2")),
        ("health-check", json!("exec:'hunter2")),
        ("health-check", json!("http:/%hunter2")),
        ("health-check", json!(54321)),
        ("pebble-retry-attempts", json!(54321)),
        ("pebble-retry-attempts", json!("hunter2")),
        ("pebble-retry-step", json!("hunter2")),
        ("pebble-retry-step", json!(98765)),
    ] {
        let mut config = json!({"command": "sleep 600"});
        config[option] = value.clone();
        let (ran, stored) = config_changed(&daemon, &config);
        println!("{option}: {:?}", ran.statuses());
        assert_eq!(ran.code, Some(0), "{option} {value}: {ran:#?}");
        assert!(
            ran.statuses().last().unwrap().contains(&format!("invalid config \"{option}\": "))
                || ran.statuses().last().unwrap().contains(&format!("invalid \"{option}\": ")),
            "{option} {value}: {ran:#?}"
        );
        for planted in PLANTED {
            let all = format!("{} {:?} {stored}", ran.output, ran.calls);
            assert!(!all.contains(planted), "{option} {value}: {all}");
        }
    }
}

#[test]
fn a_failing_health_check_is_told_without_its_url_and_its_program() {
    let test = "a_failing_health_check_is_told_without_its_url_and_its_program";
    let Some(daemon) = daemon_or_skip(test, DaemonOptions::new().container("workload")) else {
        return;
    };
    for check in ["http:/live?token=hunter2", "exec:hunter2 98765", "exec:/hunter2 98765"] {
        let config = json!({"command": "sleep 600", "port": 1, "health-check": check});
        let (ran, stored) = config_changed(&daemon, &config);
        ran.assert_ended(0, &["cannot pass the health check: "]);
        for planted in PLANTED {
            let all = format!("{} {:?} {stored}", ran.output, ran.calls);
            assert!(!all.contains(planted), "{check}: {all}");
        }
    }
}
