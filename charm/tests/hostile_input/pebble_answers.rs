//! These tests let replies come from Pebble's socket that Pebble would not send, and break them
//! off.

use std::fs;
use std::time::Duration;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::{Fault, FaultProxy, Rule};

use crate::unit::{Ran, Unit};

/// The status of a unit whose Pebble answers and has none of the charm's layers.
const NO_LAYER_YET: &str =
    "waiting -- waiting for the workload's layer: Pebble does not have it yet";

/// Returns a reply with status 200. `head` holds its headers, separated by line ends.
fn http(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes(), body].concat()
}

/// Starts a daemon, a unit in operation, and a proxy that is the unit's only way to the daemon.
/// Returns `None` if there is no Pebble.
fn behind_a_proxy(test: &str) -> Option<(Daemon, Unit, FaultProxy)> {
    let daemon = daemon_or_skip(test, DaemonOptions::new())?;
    let unit = Unit::in_operation();
    fs::create_dir_all(unit.path("containers/workload")).unwrap();
    let proxy =
        FaultProxy::start_at(unit.path("containers/workload/pebble.socket"), daemon.socket())
            .unwrap();
    Some((daemon, unit, proxy))
}

/// Runs update-status while the proxy injects this fault into every request.
fn update_status(proxy: &FaultProxy, unit: &Unit, fault: Fault) -> Ran {
    proxy.clear();
    proxy.add(Rule::any(fault).always());
    unit.run()
}

#[test]
fn an_answer_that_is_not_pebbles_is_an_error_that_names_the_container() {
    let Some((_daemon, unit, proxy)) =
        behind_a_proxy("an_answer_that_is_not_pebbles_is_an_error_that_names_the_container")
    else {
        return;
    };
    let body = br#"{"type":"sync","status-code":200,"status":"OK","result":[]}"#;
    let json = "content-type: application/json";
    let endless = vec![b'x'; 40 << 20];
    for (what, answer) in [
        ("no HTTP", b"220 mail.example.com ESMTP\r\n".to_vec()),
        ("bytes", vec![0xff; 1000]),
        ("endless status line", [b"HTTP/1.1 200 ", endless.as_slice()].concat()),
        ("endless header", [b"HTTP/1.1 200 OK\r\nx: ", endless.as_slice()].concat()),
        (
            "endless headers",
            [b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(1 << 20)].concat(),
        ),
        ("endless body", http(json, &endless)),
        (
            "a length beyond all measure",
            http(&format!("{json}\r\ncontent-length: 99999999999999"), body),
        ),
        ("a length that is none", http(&format!("{json}\r\ncontent-length: many"), body)),
        ("HTML", http("content-type: text/html\r\ncontent-length: 13", b"<html></html>")),
        ("no JSON", http(&format!("{json}\r\ncontent-length: 7"), b"garbage")),
        ("JSON of another shape", http(&format!("{json}\r\ncontent-length: 4"), b"[42]")),
        ("an unknown type", http(&format!("{json}\r\ncontent-length: 16"), br#"{"type":"magic"}"#)),
        ("deep JSON", http(json, &b"[".repeat(1 << 20))),
        ("not UTF-8", http(&format!("{json}\r\ncontent-length: 14"), b"{\"type\":\"\xff\xfe\"} ")),
    ] {
        let ran = update_status(&proxy, &unit, Fault::Garbage(answer));
        println!("--- {what}");
        ran.assert_ended(1, &["cannot ", "container \"workload\"", "is not Pebble"]);
        assert!(ran.statuses().is_empty(), "{what}: {ran:#?}");
        assert!(ran.output.len() < 4000, "{what}: {} bytes", ran.output.len());
    }
    // A body that can be read as Pebble's counts, whatever its content type is.
    for head in ["x: y", "content-type: text/html"] {
        let answer = http(&format!("{head}\r\ncontent-length: {}", body.len()), body);
        let ran = update_status(&proxy, &unit, Fault::Garbage(answer));
        assert_eq!(ran.statuses(), [NO_LAYER_YET], "{head}: {ran:#?}");
    }
}

#[test]
fn an_answer_that_breaks_off_or_never_comes_is_a_pebble_that_is_away() {
    let Some((_daemon, unit, proxy)) =
        behind_a_proxy("an_answer_that_breaks_off_or_never_comes_is_a_pebble_that_is_away")
    else {
        return;
    };
    for fault in [
        Fault::CutRequestBefore,
        Fault::DropReply,
        Fault::CutReplyAfter(1),
        Fault::CutReplyAfter(20),
        Fault::CutReplyAfter(150),
        Fault::Silence,
        Fault::DripFeed(Duration::from_millis(100)),
    ] {
        let what = format!("{fault:?}");
        let ran = update_status(&proxy, &unit, fault);
        println!("--- {what}");
        ran.assert_ended(0, &[]);
        assert_eq!(
            ran.statuses(),
            ["waiting -- waiting for Pebble in \"workload\""],
            "{what}: {ran:#?}"
        );
    }
    // This reply comes slowly too, but before the client's timeout.
    let ran = update_status(&proxy, &unit, Fault::DripFeed(Duration::from_micros(100)));
    ran.assert_ended(0, &[]);
    assert_eq!(ran.statuses(), [NO_LAYER_YET]);
}

#[test]
fn a_bad_answer_at_any_step_of_config_changed_is_told_and_the_next_hook_mends_it() {
    let Some(daemon) = daemon_or_skip(
        "a_bad_answer_at_any_step_of_config_changed_is_told_and_the_next_hook_mends_it",
        DaemonOptions::new(),
    ) else {
        return;
    };
    let mut unit = Unit::in_operation();
    unit.set("JUJU_DISPATCH_PATH", "hooks/config-changed");
    unit.file(
        "config",
        r#"{"command": "sleep 600", "health-check": "exec:true", "pebble-retry-attempts": 1}"#,
    );
    fs::create_dir_all(unit.path("containers/workload")).unwrap();
    let proxy =
        FaultProxy::start_at(unit.path("containers/workload/pebble.socket"), daemon.socket())
            .unwrap();
    let deep = http("content-type: application/json", &b"[".repeat(1 << 20));
    let shape = http(
        "content-type: application/json\r\ncontent-length: 58",
        br#"{"type":"sync","status-code":200,"status":"OK","result":7}"#,
    );
    for (method, path) in [
        ("POST", "/v1/layers"),
        ("POST", "/v1/services"),
        ("GET", "/v1/changes/"),
        ("POST", "/v1/checks/refresh"),
        ("GET", "/v1/services"),
        ("GET", "/v1/checks"),
    ] {
        for fault in [
            Fault::Garbage(b"\xff\r\n\r\n".to_vec()),
            Fault::Garbage(deep.clone()),
            Fault::Garbage(shape.clone()),
            Fault::CutReplyAfter(30),
        ] {
            proxy.clear();
            let rule = proxy.add(Rule::new(method, path, fault.clone()).always());
            let ran = unit.run();
            println!("--- {method} {path} {fault:?}: {:?}\n{}", ran.code, ran.output.trim());
            if proxy.fired(rule) > 0 {
                let waits = ran.code == Some(0)
                    && ran.statuses().iter().any(|status| status.starts_with("waiting"));
                // The client only needs the status of this reply, so its body may hold anything.
                let content_is_read = (method, path) != ("POST", "/v1/layers")
                    || !matches!(&fault, Fault::Garbage(bytes) if *bytes == shape);
                assert!(
                    waits
                        || !content_is_read
                        || ran.code == Some(1) && ran.output.contains("container \"workload\""),
                    "{method} {path} {fault:?}: {ran:#?}"
                );
            }
        }
    }
    proxy.clear();
    let ran = unit.run();
    ran.assert_ended(0, &[]);
    assert_eq!(ran.statuses(), ["active"]);
}
