//! Tests of the tools that the framework calls in hooks. Each has a table of arguments with the
//! output and the exit code.

use super::{Fixture, HookExit, text};

#[test]
fn config_get_prints_in_every_format() {
    let mut fixture = Fixture::in_hook();
    for (line, out) in [
        (&["config-get", "port"][..], "1e+06\n"),
        (&["config-get", "port", "--format", "yaml"], "1e+06\n"),
        (&["config-get", "--format=json", "port"], "1000000\n"),
        (&["config-get", "tls"], "True\n"),
        (&["config-get", "tls", "--format=yaml"], "true\n"),
        (&["config-get", "name"], ""),
        (&["config-get", "name", "--format=json"], "\"\"\n"),
        (&["config-get", "unset"], ""),
        (&["config-get", "unset", "--format=json"], "null\n"),
        (&["config-get", "nowhere"], ""),
        (
            &["config-get", "--format=json"],
            "{\"name\":\"\",\"port\":1000000,\"ratio\":0.5,\"tls\":true}\n",
        ),
        (
            &["config-get", "-a", "--format=json"],
            "{\"name\":\"\",\"port\":1000000,\"ratio\":0.5,\"tls\":true,\"unset\":null}\n",
        ),
        (&["config-get"], "name: \"\"\nport: 1e+06\nratio: 0.5\ntls: true\n"),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    assert_eq!(
        fixture.tool_error(&["config-get", "--all", "x"]),
        (2, "cannot use argument --all together with key \"x\"".into())
    );
    assert_eq!(
        fixture.tool_error(&["config-get", "a", "b"]),
        (2, "unrecognized args: [\"b\"]".into())
    );
    assert_eq!(
        fixture.tool_error(&["config-get", "--format", "xml"]),
        (2, "invalid value \"xml\" for option --format: unknown format \"xml\"".into())
    );
}

#[test]
fn config_is_read_once_in_a_hook() {
    let mut fixture = Fixture::in_hook();
    fixture.unit.set_config("port", "80").unwrap();
    assert_eq!(fixture.tool_stdout(&["config-get", "port"]), "80\n");
    fixture.unit.set_config("port", "81").unwrap();
    assert_eq!(fixture.tool_stdout(&["config-get", "port"]), "80\n");
    fixture.finish(HookExit::Code(0));
    fixture.begin();
    assert_eq!(fixture.tool_stdout(&["config-get", "port"]), "81\n");
}

#[test]
fn is_leader_caches_no_but_not_yes() {
    let mut fixture = Fixture::in_hook();
    assert_eq!(fixture.tool_stdout(&["is-leader"]), "True\n");
    assert_eq!(fixture.tool_stdout(&["is-leader", "--format=json"]), "true\n");
    fixture.unit.set_leader(false);
    assert_eq!(fixture.tool_stdout(&["is-leader", "--format=yaml"]), "false\n");
    fixture.unit.set_leader(true);
    assert_eq!(fixture.tool_stdout(&["is-leader"]), "False\n");
    assert_eq!(fixture.tool_error(&["is-leader", "x"]).0, 2);
}

#[test]
fn status_set_takes_effect_at_once_and_status_get_is_cached() {
    let mut fixture = Fixture::in_hook();
    assert_eq!(fixture.tool_stdout(&["status-get"]), "maintenance\n");
    assert_eq!(fixture.tool_stdout(&["status-set", "active", "all --well"]), "");
    assert_eq!(fixture.unit.report().message, "all --well");
    assert_eq!(
        fixture.tool_stdout(&["status-get", "--format=json"]),
        "{\"status\":\"maintenance\"}\n"
    );
    assert_eq!(
        fixture.tool_stdout(&[
            "status-get",
            "--include-data",
            "--format=json",
            "--application=false"
        ]),
        "{\"message\":\"installing charm \
         software\",\"status\":\"maintenance\",\"status-data\":{}}\n"
    );
    fixture.finish(HookExit::Code(1));
    assert_eq!(fixture.unit.record().status.status, "active", "a failed hook's status stays");
    fixture.advance(5);
    fixture.begin();
    assert_eq!(
        fixture.tool_stdout(&["status-get", "--include-data"]),
        "message: all --well\nstatus: active\nstatus-data: {}\n"
    );
    assert_eq!(
        fixture.tool_stdout(&["status-set", "--application=False", "blocked", "--", "-x"]),
        ""
    );
    assert_eq!(fixture.unit.report().message, "-x");
    assert_eq!(fixture.tool_stdout(&["status-set", "waiting"]), "");
    assert_eq!(fixture.unit.report().message, "", "no message clears it");
}

#[test]
fn status_set_refuses_what_juju_refuses() {
    let mut fixture = Fixture::in_hook();
    for (line, code, error) in [
        (&["status-set"][..], 2, "invalid args, require <status> [message]"),
        (
            &["status-set", "error"],
            2,
            "invalid status \"error\", expected one of [maintenance blocked waiting active]",
        ),
        (
            &["status-set", "unknown", "x"],
            2,
            "invalid status \"unknown\", expected one of [maintenance blocked waiting active]",
        ),
        (&["status-set", "active", "a", "b"], 2, "unrecognized args: [\"b\"]"),
        (&["status-set", "active", "-foo"], 2, "option provided but not defined: -f"),
        (
            &["status-set", "--format=json", "active"],
            2,
            "option provided but not defined: --format",
        ),
        (
            &["status-set", "--application=x", "active"],
            2,
            "invalid value \"x\" for option --application: strconv.ParseBool: parsing \"x\": \
             invalid syntax",
        ),
    ] {
        assert_eq!(fixture.tool_error(line), (code, error.into()), "{line:?}");
    }
}

#[test]
fn only_the_leader_sets_the_application_status() {
    let mut fixture = Fixture::in_hook();
    assert_eq!(
        fixture.tool_stdout(&["status-get", "--application", "--include-data", "--format=json"]),
        "{\"application-status\":{\"message\":\"installing charm software\",\
         \"status\":\"maintenance\",\"status-data\":{},\
         \"units\":{\"web/0\":{\"message\":\"installing charm software\",\
         \"status\":\"maintenance\",\"status-data\":{}}}}}\n"
    );
    assert_eq!(fixture.tool_stdout(&["status-set", "--application", "active", "yes"]), "");
    assert_eq!(fixture.unit.report().application_message, "yes");
    fixture.unit.set_leader(false);
    let no = (1, "this unit is not the leader".into());
    assert_eq!(fixture.tool_error(&["status-set", "--application", "active"]), no);
    let no = (1, "finding application status: this unit is not the leader".into());
    assert_eq!(fixture.tool_error(&["status-get", "--application"]), no);
}

#[test]
fn any_unit_sets_the_version() {
    let mut fixture = Fixture::in_hook();
    fixture.unit.set_leader(false);
    assert_eq!(fixture.tool_stdout(&["application-version-set", "--", "-1.2"]), "");
    assert_eq!(fixture.unit.report().version, "-1.2");
    assert_eq!(
        fixture.tool_error(&["application-version-set"]),
        (2, "no version specified".into())
    );
}

#[test]
fn pending_state_is_visible_at_once_and_committed_at_the_end() {
    let mut fixture = Fixture::in_hook();
    for (line, out) in [
        (&["state-get"][..], "{}\n"),
        (&["state-get", "--format=yaml"], "{}\n"),
        (&["state-get", "--format=json"], "null\n"),
        (&["state-get", "k"], ""),
        (&["state-get", "k", "--format=json"], "\"\"\n"),
        (&["state-set", " a = 1 ", "empty="], ""),
        (&["state-get", "a"], "1\n"),
        (&["state-get", "a", "--format=yaml"], "\"1\"\n"),
        (&["state-get", "-", "--format=json"], "{\"a\":\"1\",\"empty\":\"\"}\n"),
        (&["state-delete", "a"], ""),
        (&["state-delete", "nowhere"], ""),
        (&["state-delete"], ""),
        (&["state-get", "--format=json"], "{\"empty\":\"\"}\n"),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    assert_eq!(fixture.tool_error(&["state-get", "--strict", "a"]), (1, "\"a\" not found".into()));
    assert!(fixture.unit.state().is_empty());
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.unit.state().get("empty").map(String::as_str), Some(""));
    assert_eq!(fixture.unit.state().len(), 1);
}

#[test]
fn state_set_reads_yaml_from_standard_input_or_a_file() {
    let mut fixture = Fixture::in_hook();
    let answer = fixture.tool_with_stdin(
        &["state-set", "--file", "-", "b=argument"],
        "{\"a\": \"x\\ty\", \"b\": \"file\"}",
    );
    assert_eq!((answer.code, text(&answer.stdout)), (0, String::new()));
    assert_eq!(
        fixture.tool_stdout(&["state-get", "--format=json"]),
        "{\"a\":\"x\\ty\",\"b\":\"argument\"}\n"
    );
    // A scalar becomes the text of its source.
    let _ = fixture.tool_with_stdin(
        &["state-set", "--file=-"],
        "n: 5\nt: true\nz: null\ns: ' x '\nd: 2020-01-01\n",
    );
    assert_eq!(
        fixture.tool_stdout(&["state-get", "--format=json"]),
        "{\"a\":\"x\\ty\",\"b\":\"argument\",\"d\":\"2020-01-01\",\"n\":\"5\",\"s\":\" x \
         \",\"t\":\"true\",\"z\":\"\"}\n"
    );
    for bad in ["a: [1]", "- a", "a: {b: c}", "a: 'x", "\u{1}"] {
        let answer = fixture.tool_with_stdin(&["state-set", "--file", "-"], bad);
        assert_eq!(answer.code, 1, "{bad:?}");
        assert!(text(&answer.stderr).starts_with("ERROR "));
    }
    assert_eq!(fixture.tool_with_stdin(&["state-set", "--file", "-"], "").code, 0);

    let mut request = fixture.request(&["state-set", "--file", "sub/x.yaml"]);
    assert_eq!(fixture.needed_file(&request).to_str(), Some("/cwd/sub/x.yaml"));
    request.files.insert("/cwd/sub/x.yaml".into(), Err("no such file or directory".into()));
    assert_eq!(
        text(&fixture.answer(&request).stderr),
        "ERROR open /cwd/sub/x.yaml: no such file or directory\n"
    );
    request.files.insert("/cwd/sub/x.yaml".into(), Ok(b"f: 1".to_vec()));
    assert_eq!(fixture.answer(&request).code, 0);
    assert_eq!(fixture.tool_stdout(&["state-get", "f"]), "1\n");
}

#[test]
fn state_has_limits() {
    let mut fixture = Fixture::in_hook();
    assert_eq!(
        fixture.tool_error(&["state-set", "x"]),
        (2, "expected \"key=value\", got \"x\"".into())
    );
    assert_eq!(
        fixture.tool_error(&["state-set", "x=1", "x=2"]),
        (2, "key \"x\" specified more than once".into())
    );
    let largest = format!("{}={}", "k".repeat(256), "v".repeat(65_536));
    assert_eq!(fixture.tool(&["state-set", &largest]).code, 0);
    for n in 0..32 {
        let pair = format!("k{n}={}", "v".repeat(65_536));
        assert_eq!(
            fixture.tool(&["state-set", &pair]).code,
            0,
            "the whole is only weighed at the end"
        );
    }
    let finished = fixture.finish(HookExit::Code(0));
    assert!(finished.error().unwrap().contains("2097152"), "{finished:?}");
    assert!(!finished.committed());
    assert!(fixture.unit.state().is_empty());
    assert_eq!(fixture.unit.report().message, "hook failed: \"install\"");
}

#[test]
fn pending_ports_are_visible_at_once_and_committed_at_the_end() {
    let mut fixture = Fixture::in_hook();
    for line in [
        &["open-port", "80"][..],
        &["open-port", "80/TCP"],
        &["open-port", "53/udp", "--endpoints", "web,site"],
        &["open-port", "icmp"],
    ] {
        assert_eq!(fixture.tool_stdout(line), "");
    }
    assert_eq!(
        fixture.tool_stdout(&["opened-ports", "--format=json"]),
        "[\"icmp\",\"80/tcp\",\"53/udp\"]\n"
    );
    assert_eq!(fixture.tool_stdout(&["opened-ports"]), "icmp\n80/tcp\n53/udp\n");
    assert_eq!(
        fixture.tool_stdout(&["opened-ports", "--endpoints"]),
        "icmp (*)\n80/tcp (*)\n53/udp (site, web)\n"
    );
    assert_eq!(fixture.tool_stdout(&["close-port", "icmp"]), "");
    assert!(fixture.unit.report().ports.is_empty());
    fixture.finish(HookExit::Code(0));
    assert_eq!(fixture.unit.report().ports, ["80/tcp", "53/udp"]);

    fixture.begin();
    fixture.tool_stdout(&["close-port", "80"]);
    fixture.finish(HookExit::Code(1));
    assert_eq!(fixture.unit.report().ports, ["80/tcp", "53/udp"], "a failed hook closes nothing");
}

#[test]
fn ports_are_refused_as_juju_refuses_them() {
    let mut fixture = Fixture::in_hook();
    for (line, code, part) in [
        (&["open-port"][..], 2, "no port or range specified"),
        (&["open-port", "x"], 2, "invalid port \"x\": "),
        (&["open-port", "80", "81"], 2, "unrecognized args: [\"81\"]"),
        (&["close-port", "80/x"], 2, "invalid protocol"),
        (
            &["open-port", "80-90"],
            1,
            "port ranges are not supported for k8s applications, please specify a single port",
        ),
    ] {
        let (got, error) = fixture.tool_error(line);
        assert!(got == code && error.contains(part), "{line:?}: {got} {error}");
    }
}

#[test]
fn juju_2_does_not_show_pending_ports() {
    let mut fixture = Fixture::with_version("2.9.52");
    fixture.begin();
    fixture.tool_stdout(&["open-port", "80"]);
    assert_eq!(fixture.tool_stdout(&["opened-ports", "--format=json"]), "[]\n");
    fixture.finish(HookExit::Code(0));
    fixture.begin();
    assert_eq!(fixture.tool_stdout(&["opened-ports"]), "80/tcp\n");
}

#[test]
fn juju_log_writes_at_once() {
    let mut fixture = Fixture::in_hook();
    let start = fixture.unit.log_position();
    for line in [
        &["juju-log", "a", "b"][..],
        &["juju-log", "-l", "warn", "w"],
        &["juju-log", "--log-level=CRITICAL", "--", "-c"],
        &["juju-log", "--debug", "d"],
        &["juju-log", "-lERROR", "e"],
        &["juju-log", "-l", "loud", "x"],
    ] {
        assert_eq!(fixture.tool_stdout(line), "", "{line:?}");
    }
    assert_eq!(
        fixture.log_lines(start),
        [
            ("INFO", "a b"),
            ("WARNING", "w"),
            ("CRITICAL", "-c"),
            ("DEBUG", "d"),
            ("ERROR", "e"),
            ("WARNING", "Specified log level of \"loud\" is not valid"),
            ("INFO", "x"),
        ]
    );
    assert_eq!(fixture.unit.log(start).next().unwrap().logger, "unit.web/0.juju-log");
    assert_eq!(fixture.tool_error(&["juju-log"]).0, 2);
}
