//! Tests of the YAML writer. Each expected text was printed by Juju's writer or by yaml.v2.

use serde_json::{Map, Value, json};

use super::document;
use super::order::is_before;

#[test]
fn strings_take_the_style_that_go_gives_them() {
    // Printed by yaml.v2 2.4.0.
    for (string, written) in [
        ("", "\"\""),
        ("a b", "a b"),
        ("12345", "\"12345\""),
        ("true", "\"true\""),
        ("yes", "\"yes\""),
        ("n", "\"n\""),
        ("tRue", "tRue"),
        ("~", "\"~\""),
        ("1e+06", "\"1e+06\""),
        ("0x1f", "\"0x1f\""),
        ("0x", "0x"),
        ("010", "\"010\""),
        ("1_000", "\"1_000\""),
        (".5", "\".5\""),
        ("5.", "5."),
        ("-.inf", "\"-.inf\""),
        ("nan", "nan"),
        (".nan", "\".nan\""),
        ("1e", "1e"),
        ("1,000", "1,000"),
        ("2020-01-01", "\"2020-01-01\""),
        ("2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00Z\""),
        ("12:30", "\"12:30\""),
        ("a: b", "'a: b'"),
        ("a:", "'a:'"),
        ("a:b", "a:b"),
        ("a #b", "'a #b'"),
        ("#a", "'#a'"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("?a", "?a"),
        ("*a", "'*a'"),
        ("'a", "'''a'"),
        ("a'b", "a'b"),
        ("it's: x", "'it''s: x'"),
        ("a,b", "a,b"),
        ("a ", "'a '"),
        (" a", "' a'"),
        ("a\tb", "\"a\\tb\""),
        ("a\r\nb", "\"a\\r\\nb\""),
        ("é", "é"),
        ("😀", "\"\\U0001F600\""),
        ("\u{7f}", "\"\\x7F\""),
        ("\u{85}", "\"\\N\""),
        ("\u{feff}", "\"\\uFEFF\""),
        ("\u{1b}[0m", "\"\\e[0m\""),
        ("\0", "\"\\0\""),
        ("---", "'---'"),
        ("--- a", "'--- a'"),
        ("secret:abc", "secret:abc"),
        ("http://x:80/y", "http://x:80/y"),
        ("a\\b", "a\\b"),
        ("a\nb", "|-\n  a\n  b"),
        ("a\n", "|\n  a"),
        ("\na", "|2-\n\n  a"),
        (" a\nb", "|2-\n   a\n  b"),
        ("a\n b", "|-\n  a\n   b"),
    ] {
        assert_eq!(document(&json!(string).into()), format!("{written}\n"), "{string:?}");
    }
}

#[test]
fn maps_and_lists_take_the_shape_that_go_gives_them() {
    let value = json!({
        "b": 1, "a10": "x", "a2": ["p", 1, null, {"k": "v", "j": []}], "e": {}, "l": [], "A": null,
        "": "empty", "x y": true,
        "1": "one", "n": "multi\nline", "nested": {"m": "a\nb\n", "z": [["q", "r"], []]},
        "true": "t", "multi\nkey": "v",
    });
    let written = "\"\": empty\n\"1\": one\nA: null\na2:\n- p\n- 1\n- null\n- j: []\n  k: v\n\
        a10: x\nb: 1\ne: {}\nl: []\n\
        ? |-\n  multi\n  key\n: v\n\"n\": |-\n  multi\n  line\nnested:\n  m: |\n    a\n    b\n\
        \x20 z:\n  - - q\n    - r\n  - []\n\"true\": t\nx y: true\n";
    assert_eq!(document(&value.clone().into()), written);
    let value = json!(["a", ["b"], {"k": "v", "l": "w"}, "m\nn", null, {}]);
    assert_eq!(
        document(&value.clone().into()),
        "- a\n- - b\n- k: v\n  l: w\n- |-\n  m\n  n\n- null\n- {}\n"
    );
}

/// Each expected text was printed by Juju's writer.
#[test]
fn long_lines_odd_strings_and_odd_keys_take_the_shape_that_juju_gives_them() {
    for (value, written) in [
        (
            json!(
                "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqua"
            ),
            "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua\n",
        ),
        (
            json!({
                "k": "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                      incididunt ut labore et dolore magna aliqua"
            }),
            "k: lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua\n",
        ),
        (
            json!([
                "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqua"
            ]),
            "- lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua\n",
        ),
        (
            json!({
                "a": {
                    "b": "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod \
                          tempor incididunt ut labore et dolore magna aliqua"
                }
            }),
            "a:\n  b: lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod \
             tempor\n    incididunt ut labore et dolore magna aliqua\n",
        ),
        (
            json!(
                "lorem ipsum dolor:  sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqua"
            ),
            "'lorem ipsum dolor:  sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua'\n",
        ),
        (
            json!(
                "it's: lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod \
                 tempor incididunt ut labore et dolore magna aliqua"
            ),
            "'it''s: lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor\n\
             \x20 incididunt ut labore et dolore magna aliqua'\n",
        ),
        (
            json!(
                "\tlorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqua"
            ),
            "\"\\tlorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua\"\n",
        ),
        (
            json!({
                "k": "\tlorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod \
                      tempor incididunt ut labore et dolore magna  aliqua"
            }),
            "k: \"\\tlorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor\n\
             \x20 incididunt ut labore et dolore magna  aliqua\"\n",
        ),
        (
            json!(
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
                 xxxxxxxxxxxxxxxxxxxx y z"
            ),
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxxxxxxxxxxxx\n  y z\n",
        ),
        (
            json!(
                "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqua \
                 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
                 xxxxxxxxxx  y z w"
            ),
            "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua \
             xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxx  y\n  z w\n",
        ),
        (
            json!({
                "k": "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                      incididunt ut labore et dolore magna aliqua\n\
                      lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                      incididunt ut labore et dolore magna aliqua"
            }),
            "k: |-\n  lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt ut labore et dolore magna aliqua\n\
             \x20 lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt ut labore et dolore magna aliqua\n",
        ),
        (
            json!({
                "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqua":
                    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                     incididunt ut labore et dolore magna aliqua"
            }),
            "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt ut labore et dolore magna aliqua: lorem\n\
             \x20 ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqua\n",
        ),
        (
            json!({
                "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
                 incididunt ut labore et dolore magna aliqualorem ipsum dolor si": 1
            }),
            "? lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
             incididunt\n  ut labore et dolore magna aliqualorem ipsum dolor si\n: 1\n",
        ),
        (
            json!({
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
                 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": 1
            }),
            "? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n: 1\n",
        ),
        (
            json!({"ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": 1}),
            "? ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\n: 1\n",
        ),
        (json!({"a\nb": "c"}), "? |-\n  a\n  b\n: c\n"),
        (json!({"a\rb": "c"}), "? \"a\\rb\"\n: c\n"),
        (json!({"a\u{2028}b": ["c"]}), "? 'a\u{2028}  b'\n: - c\n"),
        (json!({"\n": "\n\n"}), "? |2+\n\n: |2+\n\n\n"),
        (json!("\n"), "|2+\n\n"),
        (json!("\n\n"), "|2+\n\n\n"),
        (json!("\na"), "|2-\n\n  a\n"),
        (json!(" \n a"), "\" \\n a\"\n"),
        (json!("a\u{2028}b"), "'a\u{2028}  b'\n"),
        (json!("a\u{2028} b"), "\"a\\L b\"\n"),
        (json!({"a": "x\ny\u{2028}", "b": 1}), "a: |\n  x\n  y\u{2028}b: 1\n"),
        (json!("\u{feff}a b"), "\"\\uFEFF\\x61\\x20\\x62\"\n"),
        (json!("\u{feff}é一"), "\"\\uFEFF\\xE9\\u4E00\"\n"),
        (
            json!({
                "a": "1e6", "b": "5.", "c": "08", "d": "=", "e": "<<", "f": "1:60",
                "g": "2026-13-45", "h": "0x7fffffffffffffffff", "i": "1970-01-01 00:00:00Z",
                "j": "1970-01-01 00:00:00"
            }),
            "a: 1e6\nb: 5.\nc: 08\nd: =\ne: <<\nf: 1:60\ng: 2026-13-45\nh: 0x7fffffffffffffffff\n\
             i: 1970-01-01 00:00:00Z\nj: \"1970-01-01 00:00:00\"\n",
        ),
        (
            json!({
                "a": "1e+6", "b": "+1", "c": "-.5", "d": "0o17", "e": "0b11", "f": "1_000",
                "g": "1:20", "h": "on", "i": "2026-01-02T03:04:05Z"
            }),
            "a: \"1e+6\"\nb: \"+1\"\nc: \"-.5\"\nd: \"0o17\"\ne: \"0b11\"\nf: \"1_000\"\n\
             g: \"1:20\"\nh: \"on\"\ni: \"2026-01-02T03:04:05Z\"\n",
        ),
        (
            json!({"a": [], "b": {}, "c": [[], {}], "d": [["x"], {"y": null}]}),
            "a: []\nb: {}\nc:\n- []\n- {}\nd:\n- - x\n- \"y\": null\n",
        ),
        (json!({"a\n": {"b\n": ["c\n"]}}), "? |\n  a\n: ? |\n    b\n  : - |\n      c\n"),
        (
            json!({"i10": 1, "i9": 2, "I": 3, "_": 4, "é": 5, "": 6, "i09": 7}),
            "\"\": 6\n_: 4\nI: 3\ni9: 2\ni09: 7\ni10: 1\né: 5\n",
        ),
    ] {
        assert_eq!(document(&value.clone().into()), written, "{value}");
    }
}

#[test]
fn keys_are_sorted_as_juju_sorts_them() {
    let sorted = ["", "-", "A1", "a", "a2", "a02", "a10", "a10b", "b"];
    for (index, key) in sorted.iter().enumerate() {
        for other in &sorted[index + 1..] {
            assert!(is_before(key, other) && !is_before(other, key), "{key:?} {other:?}");
        }
        assert!(!is_before(key, key), "{key:?}");
    }
    // The comparison is not transitive: each key comes before the next, and the last before the
    // first.
    let circle = ["1", "05", "0a"];
    assert!(is_before("1", "05") && is_before("05", "0a") && is_before("0a", "1"));
    let map: Map<String, Value> =
        circle.iter().map(|key| ((*key).to_owned(), Value::Null)).collect();
    assert_eq!(document(&Value::Object(map).into()).lines().count(), 3);
    // The standard library's sort may panic at this comparison when there are many keys.
    let map: Map<String, Value> =
        (0..3_000).map(|key| (format!("{key:b}-{}", key % 7), Value::Null)).collect();
    assert_eq!(document(&Value::Object(map).into()).lines().count(), 3_000);
}
