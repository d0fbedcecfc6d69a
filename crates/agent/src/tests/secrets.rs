//! Tests of the arguments of the secret tools, and of the tools of a unit that has no secret.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15. A comment such as `R3` names the row
//! of reference `juju-agent-measured.md` 2.1, one such as `3.6` its section.

use super::{Fixture, text};

const ID: &str = "9m4e2mr0ui3e8a215n4g";

fn not_valid(what: &str, text: &str) -> String {
    format!("{what} {text:?} not valid")
}

#[test]
fn reading_a_secret_that_is_not_there() {
    let mut fixture = Fixture::in_hook();
    for (line, out) in [
        (&["secret-ids"][..], ""),
        (&["secret-ids", "--format=yaml"], "[]\n"),
        (&["secret-ids", "--format=json"], "null\n"),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    let (uri, long) =
        (format!("secret:{ID}"), format!("secret://4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10/{ID}"));
    let (query, upper) = (format!("secret:{ID}?x=y"), ID.to_uppercase());
    let odd_end = "9m4e2mr0ui3e8a215n4h";
    let missing = "require either a secret URI or label";
    for (line, code, error) in [
        // R30, 3.5
        (&["secret-get"][..], 2, missing.to_owned()),
        (&["secret-get", "--label="], 2, missing.to_owned()),
        (&["secret-get", "--peek", "--refresh"], 2, missing.to_owned()),
        (&["secret-get", ""], 2, not_valid("secret URI", "")),
        (&["secret-get", "", "--label=l"], 2, not_valid("secret URI", "")),
        (&["secret-get", "KEY", "--label=l"], 2, not_valid("secret URI", "KEY")),
        (&["secret-get", "http:x"], 2, not_valid("secret URI", "http:x")),
        (&["secret-get", ":"], 2, not_valid("secret URI", ":")),
        (&["secret-get", odd_end], 2, not_valid("secret URI", odd_end)),
        (&["secret-get", &upper], 2, not_valid("secret URI", &upper)),
        (&["secret-get", &ID[1..]], 2, not_valid("secret URI", &ID[1..])),
        (
            &["secret-get", ID, "--peek", "--refresh", "a", "b"],
            2,
            "specify one of --peek or --refresh but not both".to_owned(),
        ),
        (&["secret-get", ID, "key", "x"], 2, "unrecognized args: [\"x\"]".to_owned()),
        (&["secret-get", ID], 1, format!("secret \"{uri}\" not found")),
        (&["secret-get", &uri, "key"], 1, format!("secret \"{uri}\" not found")),
        (&["secret-get", &query], 1, format!("secret \"{uri}\" not found")),
        (&["secret-get", &long], 1, format!("secret \"{long}\" not found")),
        (&["secret-get", "--label", "l"], 1, "consumer label \"l\" not found".to_owned()),
        (
            &["secret-get", "--format=smart"],
            2,
            "invalid value \"smart\" for option --format: unknown format \"smart\"".to_owned(),
        ),
        (&["secret-info-get"], 2, missing.to_owned()),
        (&["secret-info-get", "x"], 2, not_valid("secret URI", "x")),
        (&["secret-info-get", &uri], 1, format!("secret \"{ID}\" not found")),
        (&["secret-info-get", &long], 1, format!("secret \"{ID}\" not found")),
        (&["secret-info-get", "--label", "foo"], 1, "secret \"foo\" not found".to_owned()),
        (
            &["secret-info-get", ID, "--label=foo", "x"],
            2,
            "specify either a secret URI or label but not both".to_owned(),
        ),
        (&["secret-info-get", ID, "x"], 2, "unrecognized args: [\"x\"]".to_owned()),
    ] {
        assert_eq!(fixture.tool_error(line), (code, error), "{line:?}");
    }
    let mut fixture = Fixture::with_version("4.0.15");
    fixture.begin();
    assert_eq!(
        fixture.tool_error(&["secret-get", "--label=l"]),
        (1, "secret with label \"l\" not found".into())
    );
}

#[test]
fn changing_a_secret_that_is_not_there_is_left_to_the_end_of_the_hook() {
    let mut fixture = Fixture::in_hook();
    // R30, 3.7
    for line in [
        &["secret-remove", ID][..],
        &["secret-remove", ID, "--revision=0"],
        &["secret-remove", ID, "--revision", "-1"],
        &["secret-remove", ID, "--revision=0x1f"],
        &["secret-set", ID],
        &["secret-set", ID, "abc=1", "--label=l"],
        &["secret-revoke", ID, "--app=pg"],
        &["secret-revoke", ID, "--application=pg"],
        &["secret-revoke", ID, "--unit=pg/0", "--app="],
    ] {
        assert_eq!(fixture.tool_stdout(line), "", "{line:?}");
    }
    let revision = |text: &str, why: &str| {
        format!(
            "invalid value {text:?} for option --revision: strconv.ParseInt: parsing {text:?}: \
             {why}"
        )
    };
    for (line, error) in [
        (&["secret-remove", ID, "--revision", "x"][..], revision("x", "invalid syntax")),
        (&["secret-remove", "--revision=", ID], revision("", "invalid syntax")),
        (
            &["secret-remove", ID, "--revision=9223372036854775808"],
            revision("9223372036854775808", "value out of range"),
        ),
        (&["secret-remove"], "missing secret URI".to_owned()),
        (&["secret-remove", ""], not_valid("secret URI", "")),
        (&["secret-remove", ID, "x"], "unrecognized args: [\"x\"]".to_owned()),
        (&["secret-grant"], "missing secret URI".to_owned()),
        (&["secret-grant", ID], "no relation id specified".to_owned()),
        (&["secret-grant", ID, "--unit=bad"], "no relation id specified".to_owned()),
        (&["secret-grant", ID, "--app=pg"], "option provided but not defined: --app".to_owned()),
        (&["secret-revoke", ID], "missing relation or application or unit".to_owned()),
        (&["secret-revoke", ID, "--app=bad/0"], not_valid("application", "bad/0")),
        (&["secret-revoke", ID, "--unit=pg/00"], not_valid("unit", "pg/00")),
        (
            &["secret-revoke", ID, "--unit=pg/0", "--app=pg", "x"],
            "specify only one of application or unit".to_owned(),
        ),
        (&["secret-revoke", ID, "--app=pg", "x"], "unrecognized args: [\"x\"]".to_owned()),
        (&["secret-set"], "missing secret URI".to_owned()),
        // These tools print the error of Go's URL parser.
        (&["secret-set", ":x"], "parse \":x\": missing protocol scheme".to_owned()),
        (&["secret-remove", "http:x"], not_valid("secret URI scheme", "http")),
        (&["secret-grant", "secret://host/x"], not_valid("host controller UUID", "host")),
        (&["secret-revoke", "%zz"], "parse \"%zz\": invalid URL escape \"%zz\"".to_owned()),
    ] {
        assert_eq!(fixture.tool_error(line), (2, error), "{line:?}");
    }
}

#[test]
fn the_content_of_a_secret_is_validated() {
    let mut fixture = Fixture::in_hook();
    // 3.6
    for (argument, error) in [
        ("abc", not_valid("key value", "abc")),
        ("abc=", not_valid("key value", "abc=")),
        ("abc==", not_valid("key value", "abc==")),
        ("=1", not_valid("key value", "=1")),
        ("", not_valid("key value", "")),
        ("ab=1", not_valid("key", "ab")),
        ("Abc=1", not_valid("key", "Abc")),
        ("a-b=1", not_valid("key", "a-b")),
        ("a_b=1", not_valid("key", "a_b")),
        ("abc-=1", not_valid("key", "abc-")),
        ("1bc=1", not_valid("key", "1bc")),
        ("abc#zip=1", not_valid("key", "abc#zip")),
        ("--owner=app", not_valid("secret owner", "app")),
        ("--owner=", not_valid("secret owner", "")),
        ("--rotate=NEVER", not_valid("rotate policy", "NEVER")),
        ("--rotate=2h", not_valid("rotate policy", "2h")),
        ("--expire=-2h", not_valid("negative expire duration", "-2h")),
        ("--expire=0s", not_valid("negative expire duration", "0s")),
        ("--expire=x", not_valid("expire time or duration", "x")),
        ("--expire=1d", not_valid("expire time or duration", "1d")),
        ("--expire=2030-01-02", not_valid("expire time or duration", "2030-01-02")),
    ] {
        assert_eq!(
            fixture.tool_error(&["secret-add", "key=1", argument]),
            (2, error.clone()),
            "{argument}"
        );
        assert_eq!(fixture.tool_error(&["secret-set", ID, argument]), (2, error), "{argument}");
    }
    assert_eq!(fixture.tool_error(&["secret-add"]), (2, "missing secret value or filename".into()));
    let too_long = format!("big={}", "v".repeat(750_001));
    let whole = format!("all={}", "v".repeat(749_997));
    for (arguments, error) in [
        (
            [too_long.as_str(), "key=1"],
            "base64 encoded secret content for key \"big\" too large: 1000004 bytes",
        ),
        ([whole.as_str(), "key=1234"], "base64 encoded secret content too large: 1000004 bytes"),
    ] {
        let [first, second] = arguments;
        assert_eq!(fixture.tool_error(&["secret-add", first, second]), (2, error.into()));
    }
}

#[test]
fn a_correct_content_is_taken() {
    let mut fixture = Fixture::in_hook();
    // 3.6
    for line in [
        &["secret-add", "abc=1", "abc=2"][..],
        &["secret-add", "abc#base64=notb64!", "a-bc=x=="],
        &["secret-add", "abc=1", "--owner=unit"],
        &["secret-add", "abc=1", "--rotate=", "--expire=", "--rotate=yearly", "--expire=1h30m"],
        &["secret-add", "abc=1", "--expire=2001-01-01T00:00:00Z"],
        &["secret-add", "abc=1", "--expire=9999-12-31T23:59:59Z"],
        &["secret-add", &format!("abc={}", "v".repeat(100_000))],
    ] {
        assert!(fixture.tool_stdout(line).starts_with("secret:"), "{line:?}");
    }
    fixture.unit.set_leader(false);
    assert_eq!(
        fixture.tool_error(&["secret-add", "abc=1"]),
        (1, "this unit is not the leader".into())
    );
    fixture.tool_stdout(&["secret-add", "abc=1", "--owner=unit"]);
    let mut fixture = Fixture::with_version("2.9.52");
    fixture.begin();
    assert_eq!(
        fixture.tool_error(&["secret-add", "abc=1"]),
        (1, "bad request: unknown command: secret-add".into())
    );
}

#[test]
fn the_files_of_a_secret_are_opened_from_the_agents_own_directory() {
    let mut fixture = Fixture::in_hook();
    let mut answer = |line: &[&str], opened: &str, file: Result<&str, &str>| {
        let mut request = fixture.request(line);
        let wanted = fixture.needed_file(&request);
        assert_eq!(wanted.to_str(), Some(opened), "{line:?}");
        let file = file.map(|file| file.as_bytes().to_vec()).map_err(str::to_owned);
        request.files.insert(wanted, file);
        let answer = fixture.answer(&request);
        (answer.code, text(&answer.stderr))
    };
    let missing = Err("no such file or directory");
    // 3.6
    for (line, opened, error) in [
        (
            &["secret-add", "abc#file=x"][..],
            "/x",
            "reading content for secret key \"abc\": open x: no such file or directory",
        ),
        (
            &["secret-add", "--file=sec.yaml"],
            "/sec.yaml",
            "open sec.yaml: no such file or directory",
        ),
        (&["secret-set", ID, "--file=-"], "/-", "open -: no such file or directory"),
        (&["secret-set", ID, "--file=/a//b"], "/a/b", "open /a/b: no such file or directory"),
    ] {
        assert_eq!(answer(line, opened, missing), (2, format!("ERROR {error}\n")), "{line:?}");
    }
    let line = &["secret-add", "--file=/x"][..];
    assert_eq!(
        answer(line, "/x", Err("is a directory")),
        (2, "ERROR read /x: is a directory\n".to_owned())
    );
    assert_eq!(
        answer(line, "/x", Ok("{}")),
        (1, "ERROR empty secret value not valid\n".to_owned())
    );
    assert_eq!(answer(line, "/x", Ok("ab: 1")), (2, "ERROR key \"ab\" not valid\n".to_owned()));
    // Numbers become text, and JSON with surrogate pairs is parsed as JSON.
    for file in ["abc: 1\n", "{\"abc\": \"\\ud83d\\ude00\"}"] {
        assert_eq!(answer(line, "/x", Ok(file)), (0, String::new()), "{file}");
    }
    let (code, error) = answer(line, "/x", Ok("- a\n"));
    assert!(code == 2, "{error}");
}
