//! Tests of the YAML that tools parse and print (measured on Juju 3.6.28 and 4.0.15).

use super::{Fixture, text};

/// Each text is the input of `state-set --file -`, beside the state that it stores.
#[test]
fn a_file_is_read_as_juju_reads_it() {
    for (file, stored) in [
        // The last of two equal keys counts.
        ("a: 1\na: 2\n", "{\"a\":\"2\"}\n"),
        // Only the first document counts.
        ("a: 1\n---\nb: 2\n", "{\"a\":\"1\"}\n"),
        ("a: 1\n...\nb: 2\n", "{\"a\":\"1\"}\n"),
        // A null key is the empty key.
        ("null: x\n", "{\"\":\"x\"}\n"),
        ("~: x\n", "{\"\":\"x\"}\n"),
        // Text after a shallower indent is ignored.
        ("  a: 1\n b: 2\n", "{\"a\":\"1\"}\n"),
        // A scalar becomes the text of its source, whatever its tag is.
        (
            "a: !!bool yes\nb: !!float 3\nc: 1.50\nd: 0x1F\n",
            "{\"a\":\"yes\",\"b\":\"3\",\"c\":\"1.50\",\"d\":\"0x1F\"}\n",
        ),
        ("{\"a\": \"\u{1f600}\\u00e9\"}", "{\"a\":\"\u{1f600}é\"}\n"),
        ("# nothing\n", "{}\n"),
    ] {
        let mut fixture = Fixture::in_hook();
        let answer = fixture.tool_with_stdin(&["state-set", "--file", "-"], file);
        assert_eq!((answer.code, text(&answer.stderr)), (0, String::new()), "{file:?}");
        let got = fixture.tool_stdout(&["state-get", "--format=json"]);
        assert_eq!(got.replace("null", "{}"), stored, "{file:?}");
    }
}

#[test]
fn a_file_that_is_no_map_of_strings_is_refused_with_gos_text() {
    for (file, error) in [
        ("a:\n\tx: 1\n", "yaml: line 2: found character that cannot start any token"),
        ("a: \"\\ud83d\\ude00\"\n", "yaml: found invalid Unicode character escape code"),
        ("a: !!null x\n", "yaml: cannot decode !!str `x` as a !!null"),
        ("a: [1]\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string"),
        (
            "a: 1\nb: {c: d}\ne: [f]\n",
            "yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map into string\n  line 3: \
             cannot unmarshal !!seq into string",
        ),
        (
            "- a\n",
            "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]string",
        ),
        (
            "text\n",
            "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `text` into \
             map[string]string",
        ),
        ("a: 1\nb: c: d\n", "yaml: line 2: mapping values are not allowed in this context"),
        ("a: \u{1}\n", "yaml: control characters are not allowed"),
        ("a: *x\n", "yaml: unknown anchor 'x' referenced"),
        ("a: 1\nb: ]\n", "yaml: line 1: did not find expected node content"),
        ("a: 'b\n", "yaml: line 2: found unexpected end of stream"),
    ] {
        let mut fixture = Fixture::in_hook();
        let answer = fixture.tool_with_stdin(&["state-set", "--file", "-"], file);
        assert_eq!(
            (answer.code, text(&answer.stderr)),
            (1, format!("ERROR {error}\n")),
            "{file:?}"
        );
    }
    let mut fixture = Fixture::in_hook();
    let mut request = fixture.request(&["state-set", "--file", "f"]);
    request.files.insert("/cwd/f".into(), Ok(b"a: \xff\n".to_vec()));
    let answer = fixture.answer(&request);
    assert_eq!(text(&answer.stderr), "ERROR yaml: invalid leading UTF-8 octet\n");
}

/// Each value is printed by `config-get`, alone and in the map of all options.
#[test]
fn yaml_is_printed_as_juju_prints_it() {
    let long = "lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor \
                incididunt ut labore et dolore magna aliqua, ut enim ad minim veniam, quis nostrud \
                exercitation ullamco laboris nisi";
    let alone = [
        "lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt",
        "  ut labore et dolore magna aliqua, ut enim ad minim veniam, quis nostrud exercitation",
        "  ullamco laboris nisi",
    ]
    .join("\n")
        + "\n";
    let in_map = [
        "k: lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor",
        "  incididunt ut labore et dolore magna aliqua, ut enim ad minim veniam, quis nostrud",
        "  exercitation ullamco laboris nisi",
    ]
    .join("\n")
        + "\n";
    for (value, alone, in_map) in [
        (long, alone, in_map),
        ("1e6", "1e6\n".to_owned(), "k: 1e6\n".to_owned()),
        (
            "1970-01-01 00:00:00Z",
            "1970-01-01 00:00:00Z\n".to_owned(),
            "k: 1970-01-01 00:00:00Z\n".to_owned(),
        ),
        ("2026-01-02", "\"2026-01-02\"\n".to_owned(), "k: \"2026-01-02\"\n".to_owned()),
        ("a\nb", "|-\n  a\n  b\n".to_owned(), "k: |-\n  a\n  b\n".to_owned()),
        ("\u{feff}a", "\"\\uFEFF\\x61\"\n".to_owned(), "k: \"\\uFEFF\\x61\"\n".to_owned()),
    ] {
        let mut fixture = Fixture::in_hook();
        fixture.tool_stdout(&["state-set", &format!("k={value}")]);
        assert_eq!(fixture.tool_stdout(&["state-get", "k", "--format=yaml"]), alone, "{value:?}");
        assert_eq!(fixture.tool_stdout(&["state-get", "--format=yaml"]), in_map, "{value:?}");
    }
}
