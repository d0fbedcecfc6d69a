//! Tests of the tools of the charm's state and of statuses, and of `juju-log`.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15. A comment such as `R3` names the row
//! of reference `juju-agent-measured.md` 2.1.

use super::{Fixture, text};

#[test]
fn only_the_units_own_status_is_read_once_a_hook() {
    let mut fixture = Fixture::in_hook();
    let application = &["status-get", "--application", "--include-data", "--format=json"][..];
    let shown = |status: &str, message: &str| {
        let one = format!("\"message\":\"{message}\",\"status\":\"{status}\",\"status-data\":{{}}");
        format!("{{\"application-status\":{{{one},\"units\":{{\"web/0\":{{{one}}}}}}}}}\n")
    };
    // R1
    assert_eq!(fixture.tool_stdout(&["status-get"]), "maintenance\n");
    assert_eq!(fixture.tool_stdout(application), shown("maintenance", "installing charm software"));
    fixture.tool_stdout(&["status-set", "active", "a"]);
    assert_eq!(fixture.tool_stdout(application), shown("active", "a"));
    assert_eq!(fixture.tool_stdout(&["status-get"]), "maintenance\n");
    assert_eq!(fixture.tool_stdout(&["status-get", "--application"]), "active\n");
    fixture.tool_stdout(&["status-set", "--application", "blocked", "b"]);
    assert_eq!(fixture.tool_stdout(&["status-get", "--application"]), "blocked\n");
    fixture.tool_stdout(&["status-set", "--application", "waiting", "c"]);
    assert_eq!(fixture.tool_stdout(&["status-get", "--application"]), "waiting\n");

    let mut fixture = Fixture::in_hook();
    fixture.tool_stdout(&["status-get", "--application"]);
    fixture.tool_stdout(&["status-set", "active"]);
    assert_eq!(
        fixture.tool_stdout(&["status-get"]),
        "active\n",
        "the application's form keeps nothing for the unit's"
    );
}

#[test]
fn pairs_are_parsed_as_juju_parses_them() {
    let mut fixture = Fixture::in_hook();
    // R14
    for line in [
        &["state-set", ""][..],
        &["state-set", "a=1", ""],
        &["state-set"],
        &["leader-set", "", "l=1", ""],
    ] {
        assert_eq!(fixture.tool_stdout(line), "", "{line:?}");
    }
    assert_eq!(fixture.tool_stdout(&["state-get", "--format=json"]), "{\"a\":\"1\"}\n");
    // R15
    for (pair, got) in [
        (" =x", "\"=x\""),
        ("\t=1", "\"=1\""),
        ("= a\"b ", "\"=a\"b\""),
        ("=", "\"=\""),
        (" x ", "\" x \""),
        ("\t", "\"\\t\""),
    ] {
        for tool in ["state-set", "leader-set"] {
            assert_eq!(
                fixture.tool_error(&[tool, pair]),
                (2, format!("expected \"key=value\", got {got}")),
                "{pair:?}"
            );
        }
    }
}

#[test]
fn pairs_before_one_that_is_too_long_are_kept() {
    let long_key = format!("{}=1", "k".repeat(257));
    let long_value = format!("big={}", "v".repeat(65_537));
    // R16, R17
    for (version, over) in [("3.6.28", " exceeded"), ("4.0.15", ": quota limit exceeded")] {
        let mut fixture = Fixture::with_version(version);
        fixture.begin();
        assert_eq!(
            fixture.tool_error(&["state-set", &long_key]),
            (1, format!("max allowed key length (256){over}"))
        );
        assert_eq!(
            fixture.tool_error(&["state-set", "ok1=1", &long_value, "zz1=1"]),
            (1, format!("max allowed value length (65536){over}"))
        );
        assert_eq!(fixture.tool_stdout(&["state-get", "--format=json"]), "{\"ok1\":\"1\"}\n");
        let file = format!("c: x\nz: \"{}\"\n", "v".repeat(65_537));
        let answer = fixture.tool_with_stdin(&["state-set", "--file=-"], &file);
        assert_eq!(text(&answer.stderr), format!("ERROR max allowed value length (65536){over}\n"));
        assert_eq!(
            fixture.tool_stdout(&["state-get", "--format=json"]),
            "{\"c\":\"x\",\"ok1\":\"1\"}\n"
        );
    }
}

#[test]
fn an_empty_key_is_no_key() {
    let mut fixture = Fixture::in_hook();
    let _ = fixture.tool_with_stdin(&["state-set", "--file=-"], "\"\": kept\na: b\n");
    // R24
    assert_eq!(fixture.tool_stdout(&["state-delete", ""]), "");
    assert_eq!(fixture.tool_stdout(&["state-delete"]), "");
    assert_eq!(
        fixture.tool_stdout(&["state-get", "", "--format=json"]),
        "{\"\":\"kept\",\"a\":\"b\"}\n"
    );
}

#[test]
fn a_level_may_be_empty_or_unspecified() {
    let mut fixture = Fixture::in_hook();
    let start = fixture.unit.log_position();
    // R31
    for line in [
        &["juju-log", "-l", "", "plain"][..],
        &["juju-log", "-l", "unspecified", "nowhere"],
        &["juju-log", "--log-level=UNSPECIFIED", "--debug", "debug"],
        &["juju-log", "-l", "l\u{200b}", "other"],
        &["juju-log", ""],
    ] {
        assert_eq!(fixture.tool_stdout(line), "", "{line:?}");
    }
    assert_eq!(
        fixture.log_lines(start),
        [
            ("INFO", "plain"),
            ("DEBUG", "debug"),
            ("WARNING", "Specified log level of \"l\\u200b\" is not valid"),
            ("INFO", "other"),
            ("INFO", ""),
        ]
    );
}
