//! Tests of options, files and quoting, which all tools share.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15. A comment such as `R3` names the row
//! of reference `juju-agent-measured.md` 2.1.

use super::{Fixture, text};

#[test]
fn options_are_parsed_as_juju_parses_them() {
    let mut fixture = Fixture::in_hook();
    let unknown = |shown: &str| format!("option provided but not defined: {shown}");
    let no_bool = |value: &str, shown: &str| {
        format!(
            "invalid value {value:?} for option {shown}: strconv.ParseBool: parsing {value:?}: \
             invalid syntax"
        )
    };
    // R32
    for (line, error) in [
        (&["config-get", "--all=maybe"][..], no_bool("maybe", "--all")),
        (&["config-get", "--all="], no_bool("", "--all")),
        (&["config-get", "-a=false"], no_bool("=false", "-a")),
        (&["status-set", "--application=no", "active"], no_bool("no", "--application")),
        (&["config-get", "-ax", "port"], unknown("-x")),
        (&["config-get", "--=x"], "empty option in argument \"--=x\"".to_owned()),
        (&["config-get", "---"], unknown("--")),
        (&["config-get", "---x"], unknown("---x")),
        (&["config-get", "-é"], unknown("--é")),
        (&["config-get", "--b=1"], unknown("-b")),
        (&["is-leader", "--a"], unknown("-a")),
        (&["config-get", "-o"], "option needs an argument: -o".to_owned()),
        (&["config-get", "--o"], "option needs an argument: -o".to_owned()),
    ] {
        assert_eq!(fixture.tool_error(line), (2, error), "{line:?}");
    }
    let all = "{\"name\":\"\",\"port\":1000000,\"ratio\":0.5,\"tls\":true,\"unset\":null}\n";
    for line in [
        &["config-get", "--format=json", "-a"][..],
        &["config-get", "--format=json", "--a"],
        &["config-get", "--format=json", "--a=1"],
        &["config-get", "--format=json", "-ab"],
        &["config-get", "--format=json", "-atrue"],
    ] {
        assert_eq!(fixture.tool_stdout(line), all, "{line:?}");
    }
    for line in [&["config-get", "--help=x"][..], &["config-get", "-hx"], &["config-get", "--h"]] {
        assert!(fixture.tool_stdout(line).starts_with("Usage: config-get "), "{line:?}");
    }
}

#[test]
fn the_deprecated_format_option_warns_without_a_newline() {
    let mut fixture = Fixture::in_hook();
    // R6
    for (line, name) in [
        (&["open-port", "80", "--format", "json"][..], "open-port"),
        (&["close-port", "80", "--format=xml"], "close-port"),
        (&["juju-log", "--format=x", "m"], "juju-log"),
    ] {
        let answer = fixture.tool(line);
        let warning = format!("--format flag deprecated for command \"{name}\"");
        assert_eq!(
            (answer.code, text(&answer.stdout), text(&answer.stderr)),
            (0, String::new(), warning)
        );
    }
    assert_eq!(fixture.tool_stdout(&["open-port", "81", "--format="]), "");
    // An error stands on the same line after the warning. A mistake in the arguments prints no
    // warning.
    let answer = fixture.tool(&["open-port", "80-90", "--format=x"]);
    assert_eq!(
        (answer.code, text(&answer.stderr).as_str()),
        (
            1,
            "--format flag deprecated for command \"open-port\"ERROR port ranges are not supported \
             for k8s applications, please specify a single port\n"
        )
    );
    assert_eq!(
        fixture.tool_error(&["open-port", "80", "81", "--format=x"]),
        (2, "unrecognized args: [\"81\"]".into())
    );
}

#[test]
fn names_are_quoted_as_go_quotes_them() {
    let mut fixture = Fixture::in_hook();
    // R33
    for (name, quoted) in [
        ("\u{200b}", r#""\u200b""#),
        ("\u{e0001}", r#""\U000e0001""#),
        ("a\u{202e}\u{ad}\u{2028}", r#""a\u202e\u00ad\u2028""#),
        ("\u{e000}\u{378}", r#""\ue000\u0378""#),
        ("é😀\u{301}", "\"é😀\u{301}\""),
        ("\t\u{1b}\u{7f}", r#""\t\x1b\x7f""#),
    ] {
        assert_eq!(
            fixture.tool_error(&["is-leader", name]),
            (2, format!("unrecognized args: [{quoted}]"))
        );
        assert_eq!(
            fixture.tool_error(&["config-get", "--all", name]),
            (2, format!("cannot use argument --all together with key {quoted}"))
        );
    }
}

#[test]
fn output_goes_to_the_named_file() {
    let mut fixture = Fixture::with_settings(|settings| settings.home("/home/agent"));
    fixture.begin();
    // R33
    for line in [&["config-get", "-o", "", "port"][..], &["config-get", "--output=", "port"]] {
        assert_eq!(fixture.tool_stdout(line), "1e+06\n");
    }
    for (path, opened) in [
        ("x", "/cwd/x"),
        ("./a/../b", "/cwd/b"),
        ("~", "/home/agent"),
        ("~/x", "/home/agent/x"),
        ("~nobody-at-all/x", "/cwd/~nobody-at-all/x"),
        ("=x", "/cwd/=x"),
    ] {
        let file = fixture.output_file(&["config-get", "port", "-o", path]);
        assert_eq!((file.path.to_str(), text(&file.content).as_str()), (Some(opened), "1e+06\n"));
    }
    let file = fixture.output_file(&["config-get", "-o", "/tmp"]);
    assert_eq!(
        text(&file.written(Err("is a directory".to_owned())).stderr),
        "ERROR open /tmp: is a directory\n"
    );
}

#[test]
fn files_are_opened_by_the_agent_from_the_callers_directory() {
    let mut fixture = Fixture::with_settings(|settings| settings.home("/home/agent"));
    fixture.begin();
    let (missing, directory) = ("no such file or directory", "is a directory");
    // R19
    for (path, cause, error) in [
        ("nofile", missing, "open /cwd/nofile: no such file or directory"),
        ("./a//../nofile", missing, "open /cwd/nofile: no such file or directory"),
        ("/tmp", directory, "read /tmp: is a directory"),
        ("~", directory, "read /home/agent: is a directory"),
        ("~/x", missing, "open /home/agent/x: no such file or directory"),
        ("/root/x", "permission denied", "open /root/x: permission denied"),
    ] {
        let mut request = fixture.request(&["state-set", "--file", path]);
        let wanted = fixture.needed_file(&request);
        assert!(error.contains(wanted.to_str().unwrap()), "{path}");
        request.files.insert(wanted, Err(cause.into()));
        let answer = fixture.answer(&request);
        assert_eq!((answer.code, text(&answer.stderr)), (1, format!("ERROR {error}\n")), "{path}");
    }
    assert_eq!(
        fixture.tool_error(&["state-set", "--file=~nobody-at-all/x"]),
        (1, "no such user: user: unknown user nobody-at-all".into())
    );
    // R18
    assert_eq!(fixture.tool_stdout(&["state-set", "--file", "", "a=1"]), "");
    assert_eq!(fixture.tool_stdout(&["state-get", "a"]), "1\n");
    // An empty file, such as /dev/null, has no pairs.
    let mut request = fixture.request(&["state-set", "--file", "/dev/null"]);
    request.files.insert("/dev/null".into(), Ok(Vec::new()));
    assert_eq!(fixture.answer(&request).code, 0);
}
