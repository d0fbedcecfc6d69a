//! Tests of the reader: the values that Pebble's own reader gives, and the texts that it refuses.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::read;

fn strings(text: &str) -> Result<BTreeMap<String, String>, String> {
    read(text)
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Result<BTreeMap<String, String>, String> {
    Ok(pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

#[test]
fn an_error_names_the_line_in_one_line_and_quotes_no_value() {
    for text in [
        "{A: 1, A: hunter2}",
        "A: hunter2\nA: hunter2\n",
        "A: {B: hunter2}",
        "hunter2",
        "[hunter2",
        "A: \"hunter2",
        "A: 'hunter2'\n\tB: 1",
        "A: !!binary hunter2",
        "A: !!int hunter2",
        "A: [hunter2]",
    ] {
        let error = strings(text).unwrap_err();
        assert!(error.contains("line "), "{text:?}: {error}");
        assert!(!error.contains('\n') && !error.contains("hunter2"), "{text:?}: {error}");
    }
    let error =
        read::<BTreeMap<String, BTreeMap<String, u32>>>("a:\n  b: 1\n  c: hunter2\n").unwrap_err();
    assert_eq!(error, "line 3: a.c: expected u32, found text");
}

#[test]
fn a_string_is_the_text_of_a_scalar_as_it_is_written() {
    let text = "a: 010\nb: yes\nc: 1.50\nd: 2001-01-02\ne: !!binary aGk=\nf:\ng: ~\n~: \
                dropped\n1: h\ni: .inf\nj: ! 12\n";
    assert_eq!(
        strings(text),
        pairs([
            ("a", "010"),
            ("b", "yes"),
            ("c", "1.50"),
            ("d", "2001-01-02"),
            ("e", "hi"),
            ("f", ""),
            ("g", ""),
            ("1", "h"),
            ("i", ".inf"),
            ("j", "12"),
        ])
    );
    assert_eq!(
        read::<Vec<String>>("[a, ~, 1, null, '']"),
        Ok(vec!["a".to_owned(), "1".to_owned(), String::new()])
    );
    assert_eq!(strings("a: 1\n---\nb: 2\n"), pairs([("a", "1")]));
    assert_eq!(strings(""), pairs([]));
    assert_eq!(strings("~"), pairs([]));
}

#[test]
fn integers_and_floats_are_read_as_in_go() {
    for (text, integer) in [
        ("010", Some(8)),
        ("0o10", Some(8)),
        ("0x10", Some(16)),
        ("0b11", Some(3)),
        ("-0x10", Some(-16)),
        ("1_000", Some(1000)),
        ("3.0", Some(3)),
        ("3.7", Some(3)),
        ("1e3", Some(1000)),
        ("+5", Some(5)),
        ("!!int '7'", Some(7)),
        ("'3'", None),
        (".inf", None),
        (".nan", None),
        ("x", None),
        ("yes", None),
        ("08", Some(8)),
        ("9223372036854775808", None),
        ("[1]", None),
        ("", Some(0)),
    ] {
        assert_eq!(read::<Option<i64>>(&format!("[{text}]")).ok(), None, "a list is no number");
        let found = read::<BTreeMap<String, i64>>(&format!("a: {text}\n"))
            .ok()
            .and_then(|map| map.get("a").copied());
        assert_eq!(found, integer, "{text}");
    }
    for (text, float) in [
        ("1_0.5", Some(10.5)),
        ("010", Some(10.0)),
        ("'2'", Some(2.0)),
        ("0x1p4", Some(16.0)),
        ("0x10", None),
        (".inf", None),
        ("inf", Some(f64::INFINITY)),
        ("5.", Some(5.0)),
        ("1e400", None),
        ("1__0", None),
        ("x", None),
        ("{a: b}", None),
    ] {
        let found = read::<BTreeMap<String, f64>>(&format!("a: {text}\n"))
            .ok()
            .and_then(|map| map.get("a").copied());
        assert_eq!(found, float, "{text}");
    }
}

#[test]
fn keys_are_unique_and_win_over_merged_ones() {
    assert_eq!(strings("<<: {a: 1, b: 1}\na: 2\n"), pairs([("a", "2"), ("b", "1")]));
    assert_eq!(
        strings("a: 2\n<<: [{a: 1, b: 1}, {b: 2, c: 2}]\n"),
        pairs([("a", "2"), ("b", "1"), ("c", "2")])
    );
    for refused in [
        "{1: a, '1': b}",
        "{a: b, a: ~}",
        "<<: 1",
        "<<: [a]",
        "<<: [[{a: b}]]",
        "? [a]\n: b",
        "? {a: b}\n: c",
    ] {
        assert!(strings(refused).is_err(), "{refused}");
    }
}

#[test]
fn a_value_of_any_type_keeps_its_kind() {
    assert_eq!(
        read::<Value>("{a: [1, 1.5, x, ~, yes, true, 2001-01-02, .inf, 0x10, '1'], b: {c: }}"),
        Ok(json!({
            "a": [1, 1.5, "x", null, "yes", true, "2001-01-02", ".inf", 16, "1"],
            "b": {"c": null}
        }))
    );
}

#[test]
fn alias_bombs_and_endless_documents_are_refused() {
    let mut list = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merge = "a0: &a0 {x: y}\n".to_owned();
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..300 {
        let last = format!("*a{}", level - 1);
        list += &format!("a{level}: &a{level} [{}]\n", vec![last.clone(); 9].join(", "));
        merge += &format!(
            "a{level}: &a{level} {{<<: [{}], x{level}: y}}\n",
            vec![last.clone(); 9].join(", ")
        );
        chain += &format!("a{level}: &a{level} [{last}]\n");
    }
    for text in [
        list,
        merge,
        chain,
        "&a [*a]".to_owned(),
        "&a {b: *a}".to_owned(),
        "&a {<<: *a}".to_owned(),
    ] {
        let error = read::<Value>(&text).unwrap_err();
        assert!(
            error.contains("excessive")
                || error.contains("max depth")
                || error.contains("too many"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        text in "\\PC{0,60}",
        likely in "([a-z~0-9'\"&*!|>%@,?:#\\[\\]{}\\\\ \t\u{85}\u{feff}-]{0,6}\
                   (: |- |\n|\n  |\r|---\n|<<: )?){0,12}",
    ) {
        let _ = read::<Value>(&text);
        let _ = read::<Value>(&likely);
        let _ = strings(&likely);
    }
}
