//! Tests of the reader against the answers of Juju's own (github.com/juju/yaml/v2 v2.0.0, which
//! read the same texts into a `map[string]string`).

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{binaries, strings, value, value_keyed_by_text};

/// The keys and values that a document must have.
type Pairs = &'static [(&'static str, &'static str)];

/// Documents that Juju reads, with their keys and values.
const READ: &[(&[u8], Pairs)] = &[
    (b"a: 1\na: 2\n", &[("a", "2")]),
    (b"a: 1\n---\nb: 2\n", &[("a", "1")]),
    (b"a: 1\n...\nb: 2\n", &[("a", "1")]),
    (b"null: x\n~: y\n", &[("", "y")]),
    (b"  a: 1\n b: 2\n", &[("a", "1")]),
    (
        b"a: !!bool yes\nb: !!float 3\nc: 0x1F\nd: 1_000\ne: yes\nf: 1.50\n",
        &[("a", "yes"), ("b", "3"), ("c", "0x1F"), ("d", "1_000"), ("e", "yes"), ("f", "1.50")],
    ),
    (b"a: !!binary aGk=\n", &[("a", "hi")]),
    (b"~\n", &[]),
    (b"", &[]),
    (b"# nothing\n", &[]),
    (b"%TAG ! x\n---\na: !b c\n", &[("a", "c")]),
    (b"a: &x 1\nb: *x\n", &[("a", "1"), ("b", "1")]),
    (b"a: 1\n - b\n", &[("a", "1 - b")]),
    (b"\xef\xbb\xbfa: 1\n", &[("a", "1")]),
    (b"a: \"x\n  y\n\n  z\"\n", &[("a", "x y\nz")]),
    (b"a: |\n  x\n  y\nb: >-\n  x\n  y\n", &[("a", "x\ny\n"), ("b", "x y")]),
    (b"<<: {a: 1}\nb: 2\n", &[("a", "1"), ("b", "2")]),
    (b"<<: [{a: 1}, {a: 2}]\n", &[("a", "1")]),
    (b"'<<': 1\n", &[("<<", "1")]),
    (b"---\n---\n", &[]),
    (b"? a\n? b\n: c\n", &[("a", ""), ("b", "c")]),
    (b"{a: 1, a: 2}\n", &[("a", "2")]),
    (b"{a, b: c}\n", &[("a", ""), ("b", "c")]),
    (b"{a: }\n", &[("a", "")]),
    (b"a: 'it''s'\n", &[("a", "it's")]),
    (b"a: \"\\N\\_\\L\\P\\e\\0\"\n", &[("a", "\u{85}\u{a0}\u{2028}\u{2029}\u{1b}\u{0}")]),
    (b"a: 2001-01-02\n", &[("a", "2001-01-02")]),
    (b"a: ! 12\n", &[("a", "12")]),
    (b"a: !foo 12\n", &[("a", "12")]),
    (b" ", &[]),
    (b"", &[]),
];

/// Documents that Juju refuses, with Go's error.
const REFUSED: &[(&[u8], &str)] = &[
    (b"a:\n\tx: 1\n", "yaml: line 2: found character that cannot start any token"),
    (b"\ta: 1\n", "yaml: found character that cannot start any token"),
    (b"a: \"\\ud83d\\ude00\"\n", "yaml: found invalid Unicode character escape code"),
    (b"a: !!null x\n", "yaml: cannot decode !!str `x` as a !!null"),
    (b"a: !!int x\n", "yaml: cannot decode !!str `x` as a !!int"),
    (b"a: !!timestamp now\n", "yaml: cannot decode !!str `now` as a !!timestamp"),
    (b"a: !!binary x\n", "yaml: !!binary value contains invalid base64 data"),
    (b"a: [1]\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string"),
    (
        b"a: {b: 1}\nc: [2]\nd: 3\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string\n  line 2: cannot \
         unmarshal !!seq into string",
    ),
    (b"[a]\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]string"),
    (
        b"text\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `text` into map[string]string",
    ),
    (
        b"a longer text\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `a longe...` into \
         map[string]string",
    ),
    (
        b"3\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `3` into map[string]string",
    ),
    (
        b"!!str x\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `x` into map[string]string",
    ),
    (
        b"!!map x\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!mapx into map[string]string",
    ),
    (b"? [a]\n: b\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string"),
    (b"a: b: c\n", "yaml: mapping values are not allowed in this context"),
    (b"a: b\nc\n", "yaml: line 3: could not find expected ':'"),
    (b"a\nb: c\n", "yaml: line 2: mapping values are not allowed in this context"),
    (b"{a: 1\n", "yaml: line 1: did not find expected ',' or '}'"),
    (b"[a, b\n", "yaml: line 1: did not find expected ',' or ']'"),
    (b"{a: 1]\n", "yaml: did not find expected ',' or '}'"),
    (b"a: \"b\n", "yaml: line 2: found unexpected end of stream"),
    (b"a: 'b\n", "yaml: line 2: found unexpected end of stream"),
    (b"a: @b\n", "yaml: found character that cannot start any token"),
    (b"a: `b\n", "yaml: found character that cannot start any token"),
    (b"a: %b\n", "yaml: found character that cannot start any token"),
    (b"%a\n", "yaml: found unknown directive name"),
    (b"%YAML 1.2\n---\na: 1\n", "yaml: found incompatible YAML document"),
    (b"!e!x a\n", "yaml: found undefined tag handle"),
    (b"a: *x\n", "yaml: unknown anchor 'x' referenced"),
    (b"&a {b: *a}\n", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string"),
    (b"a: &\n", "yaml: did not find expected alphabetic or numeric character"),
    (b"a: !<x\n", "yaml: did not find the expected '>'"),
    (b"a: \"\\q\"\n", "yaml: found unknown escape character"),
    (b"a: \"\\xZZ\"\n", "yaml: did not find expected hexdecimal number"),
    (b"a: |x\n", "yaml: did not find expected comment or line break"),
    (b"a: |0\n", "yaml: found an indentation indicator equal to 0"),
    (b"a:\n- b\n c\n", "yaml: unmarshal errors:\n  line 2: cannot unmarshal !!seq into string"),
    (b"- a\nb\n", "yaml: line 3: could not find expected ':'"),
    (b"a:\n  b: 1\n c: 2\n", "yaml: line 2: did not find expected key"),
    (b"a: - b\n", "yaml: block sequence entries are not allowed in this context"),
    (b"a: ? b\n", "yaml: mapping keys are not allowed in this context"),
    (b"a: |\n\tx\n", "yaml: line 2: found a tab character where an indentation space is expected"),
    (b"a: b\n\tc: d\n", "yaml: line 2: found a tab character that violates indentation"),
    (b"a: \x01\n", "yaml: control characters are not allowed"),
    (b"a: \x7f\n", "yaml: control characters are not allowed"),
    (b"a: \xc2\x85b\n", "yaml: line 3: could not find expected ':'"),
    (b"<<: 1\n", "yaml: map merge requires map or sequence of maps as the value"),
    (b"a: \"---\n---\n\"\n", "yaml: line 2: found unexpected document indicator"),
    (
        b"--- a\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `a` into map[string]string",
    ),
    (b"...\n", "yaml: did not find expected node content"),
    (b"}\n", "yaml: did not find expected node content"),
    (b",\n", "yaml: did not find expected node content"),
    (b"]\n", "yaml: did not find expected node content"),
    (b": a\n", "yaml: did not find expected key"),
    (b"a: 1\nb\n---\n", "yaml: line 3: could not find expected ':'"),
    (
        b"[a: b]\n",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]string",
    ),
    (b"a: \"x\\/y\"\n", "yaml: found unknown escape character"),
    (b"a: \xff\n", "yaml: invalid leading UTF-8 octet"),
    (b"a: \xc3", "yaml: incomplete UTF-8 octet sequence"),
    (b"a: \xc3(\n", "yaml: invalid trailing UTF-8 octet"),
    (b"a: \xc0\x80\n", "yaml: invalid length of a UTF-8 sequence"),
    (b"a: \xed\xa0\x80\n", "yaml: invalid Unicode character"),
    (b"\xff\xfea", "yaml: incomplete UTF-16 character"),
    (b":", "yaml: did not find expected key"),
    (b"1", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `1` into map[string]string"),
];

#[test]
fn a_map_of_strings_is_read_as_juju_reads_it() {
    for (text, pairs) in READ {
        let pairs: BTreeMap<String, String> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(strings(text), Ok(pairs), "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn an_error_has_the_text_of_go() {
    for (text, error) in REFUSED {
        let found = strings(text).map_err(|error| error.to_string());
        assert_eq!(found, Err((*error).to_owned()), "{:?}", String::from_utf8_lossy(text));
    }
}

/// A bad byte is reported before a later syntax error, and before an earlier one in its own chunk
/// of 512 bytes. A syntax error in an earlier chunk is reported first.
#[test]
fn bytes_are_decoded_in_chunks() {
    let control = "yaml: control characters are not allowed";
    let early = format!("a: b: c\n#{}\u{1}", " ".repeat(490));
    let late = format!("a: b: c\n#{}\u{1}", " ".repeat(600));
    let refusal = |text: &str| strings(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(refusal(&early), control);
    assert_eq!(refusal(&late), "yaml: mapping values are not allowed in this context");
    let utf16: Vec<u8> = "\u{feff}a: \u{1f600}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(strings(&utf16).unwrap().get("a").map(String::as_str), Some("\u{1f600}"));
}

#[test]
fn values_have_the_types_of_yaml_1_1() {
    let text = b"a: 0755\nb: yes\nc: 1e6\nd: 1e+6\ne: 2001-01-02\nf: .inf\ng: 0b11\nh: 0o17\n\
                 i: ~\nj: 1_000\nk: '1'\nl: 08\nm: 18446744073709551615\n";
    let read = json!({
        "a": 493, "b": true, "c": "1e6", "d": 1e6, "e": "2001-01-02", "f": ".inf", "g": 3, "h": 15,
        "i": null, "j": 1000, "k": "1", "l": "08", "m": 18_446_744_073_709_551_615_u64,
    });
    assert_eq!(value(text), Ok(read));
    assert_eq!(
        value(b"{1: a, on: b, ~: c, a: d, a: e}"),
        Ok(json!({"1": "a", "on": "b", "": "c", "a": "e"}))
    );
    // A merge key works in the order of the text: its values replace earlier ones, and later ones
    // replace its values.
    assert_eq!(value(b"{<<: {a: 1, b: 1}, a: 2}"), Ok(json!({"a": 2, "b": 1})));
    assert_eq!(value(b"{a: 2, <<: {a: 1, b: 1}}"), Ok(json!({"a": 1, "b": 1})));
    let refusal = value(b"a: [1, {b: 2}]\n? [c]\n: d\n").unwrap_err();
    assert_eq!(refusal.reason(), "line 2: cannot unmarshal !!seq into string");
}

#[test]
fn a_key_that_is_not_a_string_is_refused_below_the_typed_levels() {
    let read = |levels| {
        value_keyed_by_text(b"on: {off: {a: {on: 1}}}", levels).map_err(|error| error.reason())
    };
    assert_eq!(read(4), Ok(json!({"on": {"off": {"a": {"on": 1}}}})));
    assert_eq!(read(2), Err("line 1: map keyed with non-string value".to_owned()));
}

#[test]
fn alias_bombs_and_deep_nesting_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let last = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![last; 9].join(", "));
    }
    assert_eq!(
        value(bomb.as_bytes()).unwrap_err().reason(),
        "document contains excessive aliasing"
    );
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        let deep = |levels| format!("{}x{}", open.repeat(levels), close.repeat(levels));
        assert!(value(deep(100).as_bytes()).is_ok() || open == "? ", "{open:?}");
        let refusal = value(deep(50_000).as_bytes()).unwrap_err().reason();
        assert!(refusal.contains("exceeded max depth"), "{open:?}: {refusal}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        likely in "([a-z~0-9'\"&*!|>%@,?:#\\[\\]{}\\\\ \t\u{85}\u{feff}-]{0,6}\
                   (: |- |\n|\n  |\r|---\n)?){0,12}",
    ) {
        let _ = strings(&bytes);
        let _ = value(&bytes);
        let _ = strings(likely.as_bytes());
        let _ = value(likely.as_bytes());
    }
}

#[test]
fn only_binary_values_are_read_as_bytes() {
    // As Juju prints a content of which two values are not UTF-8.
    let text = b"bytes: !!binary //4A\nkeystore: !!binary |\n  /wA=\ntext: hi\nnumber: \"5\"\n";
    let expected = BTreeMap::from([
        ("bytes".to_owned(), vec![0xff, 0xfe, 0]),
        ("keystore".to_owned(), vec![0xff, 0]),
    ]);
    assert_eq!(binaries(text), Ok(expected));
    assert_eq!(binaries(b""), Ok(BTreeMap::new()));
    assert!(binaries(b"- a\n").is_err() && binaries(b"a: !!binary x\n").is_err());
}
