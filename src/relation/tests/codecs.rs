//! Tests of each codec: what it writes, what it reads, and what it says of a databag that is wrong.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::bag;
use crate::relation::bag::{BagFault, changes, decode};
use crate::{Bag, Codec, DecodeError, JsonPerKey, JsonUnder, KeyName, Plain, YamlUnder};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    ReadOnly,
    ReadWrite,
}

/// A struct whose fields all have a plain text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Texts {
    user_name: String,
    port: NonZeroU16,
    offset: i64,
    ratio: f64,
    tls: bool,
    mode: Mode,
    initial: char,
    note: Option<String>,
}

/// A struct whose fields need JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nested {
    hosts: Vec<String>,
    limits: BTreeMap<String, u64>,
    inner: Option<Inner>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    port: u16,
}

enum Data {}

impl KeyName for Data {
    const KEY: &'static str = "data";
}

macro_rules! bag_type {
    ($($name:ident($inner:ty) $codec:ty),*) => {$(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct $name($inner);

        impl Bag for $name {
            type Codec = $codec;
        }
    )*};
}

bag_type!(
    PlainTexts(Texts) Plain,
    JsonTexts(Texts) JsonPerKey,
    JsonNested(Nested) JsonPerKey,
    UnderJson(Nested) JsonUnder<Data>,
    UnderYaml(Nested) YamlUnder<Data>
);

fn texts() -> Texts {
    Texts {
        user_name: "pg".into(),
        port: NonZeroU16::MIN,
        offset: -7,
        ratio: 0.5,
        tls: true,
        mode: Mode::ReadOnly,
        initial: 'é',
        note: None,
    }
}

#[test]
fn plain_writes_each_field_as_text() {
    let expected = bag([
        ("user-name", "pg"),
        ("port", "1"),
        ("offset", "-7"),
        ("ratio", "0.5"),
        ("tls", "true"),
        ("mode", "read-only"),
        ("initial", "é"),
    ]);
    assert_eq!(Plain::encode(&texts()).unwrap(), expected);
    assert_eq!(Plain::decode::<Texts>(&expected).unwrap(), texts());
    // As a charm in Python writes a boolean.
    let mut python = expected.clone();
    python.insert("tls".into(), "True".into());
    assert_eq!(Plain::decode::<Texts>(&python).unwrap(), texts());
}

#[test]
fn json_per_key_writes_each_field_as_json() {
    let expected = bag([
        ("hosts", r#"["a","b"]"#),
        ("limits", r#"{"x":18446744073709551615}"#),
        ("inner", r#"{"port":80}"#),
        ("name", r#""\u0000""#),
    ]);
    let nested = Nested {
        hosts: vec!["a".into(), "b".into()],
        limits: BTreeMap::from([("x".into(), u64::MAX)]),
        inner: Some(Inner { port: 80 }),
        name: "\0".into(),
    };
    assert_eq!(JsonPerKey::encode(&nested).unwrap(), expected);
    assert_eq!(JsonPerKey::decode::<Nested>(&expected).unwrap(), nested);
    // Neither a key that the type does not have nor null for a `None` is in the way.
    let mut odd = expected.clone();
    odd.insert("other".into(), "not JSON".into());
    odd.insert("inner".into(), "null".into());
    let without = Nested { inner: None, ..nested };
    assert_eq!(JsonPerKey::decode::<Nested>(&odd).unwrap(), without);
    assert!(!JsonPerKey::encode(&without).unwrap().contains_key("inner"));
}

#[test]
fn one_key_holds_the_whole_value() {
    let value = BTreeMap::from([("a".to_owned(), 1)]);
    let written = JsonUnder::<Data>::encode(&value).unwrap();
    assert_eq!(written, bag([("data", r#"{"a":1}"#)]));
    assert_eq!(YamlUnder::<Data>::encode(&value).unwrap(), written);
    let yaml = bag([("data", "hosts: [a, b]\nlimits: {x: 7}\nname: 'on'\ninner:\n  port: 80\n")]);
    let UnderYaml(nested) = decode(&yaml).unwrap();
    assert_eq!((nested.name.as_str(), nested.inner), ("on", Some(Inner { port: 80 })));
    // A value that is no struct.
    let list = JsonUnder::<Data>::encode(&vec!["x"]).unwrap();
    assert_eq!(JsonUnder::<Data>::decode::<Vec<String>>(&list).unwrap(), ["x"]);
}

#[test]
fn nothing_and_half_are_told_apart() {
    let nothing = bag([("other", "x")]);
    assert_eq!(decode::<PlainTexts>(&bag([])).unwrap_err(), BagFault::Nothing);
    assert_eq!(decode::<PlainTexts>(&nothing).unwrap_err(), BagFault::Nothing);
    assert_eq!(decode::<JsonNested>(&nothing).unwrap_err(), BagFault::Nothing);
    assert_eq!(decode::<UnderJson>(&nothing).unwrap_err(), BagFault::Nothing);
    let missing = |fault| match fault {
        BagFault::Missing(error) => error.place(),
        fault => panic!("{fault:?}"),
    };
    let half = bag([("user-name", "pg"), ("other", "x")]);
    assert_eq!(missing(decode::<PlainTexts>(&half).unwrap_err()), "\"port\"");
    let half = bag([("data", r#"{"hosts": []}"#)]);
    assert_eq!(missing(decode::<UnderJson>(&half).unwrap_err()), "\"limits\" in \"data\"");
}

#[test]
fn a_text_of_the_same_value_stays_as_it_is() {
    let nested = || Nested {
        hosts: vec!["a".into(), "b".into()],
        limits: BTreeMap::from([("x".into(), 1), ("y".into(), 2)]),
        inner: Some(Inner { port: 80 }),
        name: "é".into(),
    };
    // As another order of a map, or a charm in Python, has it.
    let there = bag([
        ("hosts", r#"["a", "b"]"#),
        ("limits", r#"{"y": 2, "x": 1}"#),
        ("inner", r#"{"port": 80}"#),
        ("name", r#""\u00e9""#),
    ]);
    let expected: BTreeMap<String, Option<String>> =
        there.iter().map(|(key, text)| (key.clone(), Some(text.clone()))).collect();
    assert_eq!(changes(&there, &JsonNested(nested())).unwrap(), expected);
    let other = Nested { name: "e".into(), ..nested() };
    let changed = changes(&there, &JsonNested(other)).unwrap();
    assert_eq!(changed.get("name"), Some(&Some("\"e\"".to_owned())));
    assert_eq!(changed.get("hosts"), expected.get("hosts"));
    let document =
        r#"{"name": "é", "inner": {"port": 80}, "limits": {"y": 2, "x": 1}, "hosts": ["a", "b"]}"#;
    let there = bag([("data", document)]);
    let expected = BTreeMap::from([("data".to_owned(), Some(document.to_owned()))]);
    assert_eq!(changes(&there, &UnderJson(nested())).unwrap(), expected);
    assert_eq!(changes(&there, &UnderYaml(nested())).unwrap(), expected);
    // A plain text is what it says.
    #[derive(Serialize, Deserialize)]
    struct Text {
        hosts: String,
    }
    impl Bag for Text {
        type Codec = Plain;
    }
    let there = bag([("hosts", r#"["a", "b"]"#)]);
    let changed = changes(&there, &Text { hosts: r#"["a","b"]"#.into() }).unwrap();
    assert_eq!(changed.get("hosts"), Some(&Some(r#"["a","b"]"#.to_owned())));
}

/// A text that must be in no error.
const SECRET: &str = "hunter2-hunter2";

#[test]
fn a_wrong_value_is_named_by_its_key_and_not_quoted() {
    fn said<T: Bag>(bag: BTreeMap<String, String>) -> String {
        let error = T::Codec::decode::<T>(&bag).map(drop).unwrap_err();
        assert!(!error.is_missing(), "{error}");
        let said = error.to_string();
        assert!(!said.contains("hunter"), "{said}");
        let debugged = format!("{error:?}");
        assert!(!debugged.contains("hunter"), "{debugged}");
        said.strip_prefix("cannot read the databag: ").unwrap().to_owned()
    }
    let plain = |key: &str, value: &str| {
        let mut bag = Plain::encode(&texts()).unwrap();
        bag.insert(key.to_owned(), value.to_owned());
        said::<PlainTexts>(bag)
    };
    let wrong = |key: &str, reason: &str| format!("the value of {key:?} cannot be used: {reason}");
    assert_eq!(plain("port", SECRET), wrong("port", "expected a nonzero u16"));
    assert_eq!(plain("port", "0"), wrong("port", "expected a nonzero u16"));
    assert_eq!(plain("port", "70000"), wrong("port", "expected a nonzero u16"));
    assert_eq!(plain("offset", "1.5"), wrong("offset", "expected i64"));
    assert_eq!(plain("tls", "yes"), wrong("tls", "expected a boolean"));
    assert_eq!(plain("mode", SECRET), wrong("mode", "expected `read-only` or `read-write`"));
    assert_eq!(plain("initial", SECRET), wrong("initial", "expected a character"));

    let json = |key: &str, value: String| {
        let nested =
            Nested { hosts: vec![], limits: BTreeMap::new(), inner: None, name: String::new() };
        let mut bag = JsonPerKey::encode(&nested).unwrap();
        bag.insert(key.to_owned(), value);
        said::<JsonNested>(bag)
    };
    assert_eq!(
        json("name", SECRET.to_owned()),
        wrong("name", "it is not JSON (wrong at line 1, column 1)")
    );
    assert_eq!(
        json("hosts", format!("[{SECRET:?}, 7]")),
        wrong("hosts", "invalid type: integer, expected a string")
    );
    assert_eq!(
        json("inner", format!("{{\"port\": {SECRET:?}}}")),
        wrong("inner", "invalid type: string, expected u16")
    );
    // What is there has to be whole: the field of a value is no key of the databag.
    assert_eq!(json("inner", "{}".to_owned()), wrong("inner", "missing field `port`"));
    assert_eq!(
        json("limits", format!("{{{SECRET:?}: -1}}")),
        wrong("limits", "invalid value: integer, expected u64")
    );

    let under = |document: &str| said::<UnderJson>(bag([("data", document)]));
    assert_eq!(under(SECRET), wrong("data", "it is not JSON (wrong at line 1, column 1)"));
    assert!(under(&format!("{SECRET:?}")).contains("invalid type: string, expected struct"));
    assert_eq!(
        under(&format!("{{\"hosts\": {SECRET:?}}}")),
        wrong("data", "its field \"hosts\": invalid type: string, expected a sequence")
    );
    for (document, place) in [
        (format!("hosts: {SECRET}: [\n"), " (wrong at line 1)"),
        (format!("\n{SECRET}: 1\n{SECRET}: 2\n"), " (wrong at line 3)"),
        (format!("hosts: !!int {SECRET}\n"), " (wrong at line 1)"),
        (format!("hosts: !!binary {SECRET}\n"), " (wrong at line 1)"),
        (format!("hosts: *{SECRET}\n"), ""),
        (format!("hosts: !{SECRET}!x y\n"), " (wrong at line 1)"),
    ] {
        let reason = said::<UnderYaml>(bag([("data", &document)]));
        assert_eq!(reason, wrong("data", &format!("it is not YAML{place}")), "{document}");
    }
}

/// A value whose type quotes it in its own error.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Quoting(String);

impl TryFrom<String> for Quoting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Err(format!("{text:?} is no URL, nor is {text}"))
    }
}

#[test]
fn an_error_of_the_values_own_type_is_redacted() {
    #[derive(Debug, Deserialize)]
    struct One {
        #[expect(dead_code, reason = "only the reading is of interest")]
        url: Quoting,
    }
    #[derive(Debug, Deserialize)]
    struct Many {
        #[expect(dead_code, reason = "only the reading is of interest")]
        url: Vec<Quoting>,
    }
    let quoted = format!("{SECRET:?}");
    let list = format!("[{quoted}]");
    let said = |error: DecodeError| error.to_string();
    for text in [
        said(Plain::decode::<One>(&bag([("url", SECRET)])).unwrap_err()),
        said(JsonPerKey::decode::<One>(&bag([("url", &quoted)])).unwrap_err()),
        said(JsonPerKey::decode::<Many>(&bag([("url", &list)])).unwrap_err()),
        said(
            JsonUnder::<Data>::decode::<Many>(&bag([("data", &format!("{{\"url\": {list}}}"))]))
                .unwrap_err(),
        ),
    ] {
        assert!(text.ends_with("… is no URL, nor is …"), "{text}");
    }
}

#[test]
fn what_has_no_form_is_an_error() {
    let error = Plain::encode(&Nested {
        hosts: vec!["hunter2".into()],
        limits: BTreeMap::new(),
        inner: None,
        name: "a".into(),
    })
    .unwrap_err();
    assert_eq!(error.key(), Some("hosts"));
    assert_eq!(
        error.to_string(),
        "cannot write the databag: the value of \"hosts\" cannot be written: a list is not one \
         text; the codec JsonPerKey writes it as JSON"
    );
    let error = JsonPerKey::encode(&7).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write the databag: a databag needs a struct or a map, whose fields are its keys"
    );
}

#[test]
fn a_write_deletes_the_types_own_keys_and_no_other() {
    let old = bag([("note", "old"), ("port", "2"), ("other", "kept"), ("user-name", "pg")]);
    let changed = changes(&old, &PlainTexts(texts())).unwrap();
    assert_eq!(changed.get("note"), Some(&None));
    assert_eq!(changed.get("port"), Some(&Some("1".to_owned())));
    assert!(!changed.contains_key("other"));
    // A map has the keys that it was read with.
    #[derive(Serialize, Deserialize)]
    struct Any(BTreeMap<String, String>);
    impl Bag for Any {
        type Codec = Plain;
    }
    let changed = changes(&old, &Any(bag([("note", "new"), ("more", "")]))).unwrap();
    let expected: BTreeMap<String, Option<String>> = [
        ("more", None),
        ("note", Some("new")),
        ("other", None),
        ("port", None),
        ("user-name", None),
    ]
    .map(|(key, value)| (key.to_owned(), value.map(str::to_owned)))
    .into();
    assert_eq!(changed, expected);
    // The whole of a document is one key.
    let value = UnderJson(Nested {
        hosts: vec![],
        limits: BTreeMap::new(),
        inner: None,
        name: String::new(),
    });
    assert_eq!(changes(&old, &value).unwrap().into_keys().collect::<Vec<_>>(), ["data"]);
}

#[test]
fn a_flattened_field_reads_and_keeps_its_keys() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        name: String,
        #[serde(flatten)]
        inner: Inner,
    }
    impl Bag for Outer {
        type Codec = JsonPerKey;
    }
    let outer = Outer { name: "x".into(), inner: Inner { port: 80 } };
    let stored = bag([("name", "\"x\""), ("port", "80"), ("other", "[]")]);
    assert_eq!(decode::<Outer>(&stored), Ok(outer));
    let half = decode::<Outer>(&bag([("name", "\"x\"")])).unwrap_err();
    assert!(matches!(half, BagFault::Missing(error) if error.key() == Some("port")));
    let changed = changes(&stored, &Outer { name: "y".into(), inner: Inner { port: 81 } }).unwrap();
    assert_eq!(changed.into_keys().collect::<Vec<_>>(), ["name", "port"]);
}

#[test]
fn a_large_value_is_read_or_refused() {
    let large = "x".repeat(1 << 20);
    let quoted = format!("{large:?}");
    let deep = "[".repeat(1 << 16);
    let mut plain = Plain::encode(&texts()).unwrap();
    plain.insert("user-name".into(), large.clone());
    assert_eq!(Plain::decode::<Texts>(&plain).unwrap().user_name, large);
    for text in [&large, &quoted, &deep] {
        for bag in [bag([("hosts", text)]), bag([("data", text)])] {
            for fault in [
                decode::<JsonNested>(&bag).map(drop),
                decode::<UnderJson>(&bag).map(drop),
                decode::<UnderYaml>(&bag).map(drop),
            ] {
                match fault.unwrap_err() {
                    BagFault::Nothing => {}
                    BagFault::Wrong(error) => assert!(error.to_string().len() < 300, "{error}"),
                    fault => panic!("{fault:?}"),
                }
            }
        }
    }
}

fn any_texts() -> impl Strategy<Value = Texts> {
    let text = "(?s:.{1,30})|[\\n\\t :#{}'\"-]{1,9}";
    (
        text,
        1..=u16::MAX,
        any::<i64>(),
        // serde_json reads the last digit of some numbers differently.
        any::<i16>().prop_map(|eighths| f64::from(eighths) / 8.0),
        any::<bool>(),
        any::<bool>(),
        any::<char>(),
        proptest::option::of(text),
    )
        .prop_map(|(user_name, port, offset, ratio, tls, is_read_only, initial, note)| Texts {
            user_name,
            port: NonZeroU16::new(port).unwrap(),
            offset,
            ratio,
            tls,
            mode: if is_read_only { Mode::ReadOnly } else { Mode::ReadWrite },
            initial,
            note,
        })
}

fn any_nested() -> impl Strategy<Value = Nested> {
    let text = "(?s:.{0,30})|[\u{7f}-\u{a0}\u{2028}\u{feff}\u{1f600}]{0,9}";
    (
        proptest::collection::vec(text, 0..4),
        proptest::collection::btree_map("(?s:.{0,9})", any::<u64>(), 0..4),
        proptest::option::of(any::<u16>()),
        text,
    )
        .prop_map(|(hosts, limits, port, name)| Nested {
            hosts,
            limits,
            inner: port.map(|port| Inner { port }),
            name,
        })
}

/// A databag whose keys are often those of the types, with values of any kind.
fn any_bag() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = "port|ratio|tls|mode|user-name|hosts|limits|inner|name|data|(?s:.{0,9})";
    let value = prop_oneof![
        "(?s:.{0,40})",
        "[\\[\\]{}\",:0-9a-z\\\\\\x00-\\x1f-]{0,40}",
        Just("[".repeat(300)),
        Just("a: &a [x]\nb: *a\n".to_owned()),
    ];
    proptest::collection::btree_map(key, value, 0..8)
}

proptest! {
    #[test]
    fn what_is_written_reads_back(texts in any_texts(), nested in any_nested()) {
        let round_trip = Plain::decode::<Texts>(&Plain::encode(&texts).unwrap());
        prop_assert_eq!(round_trip.as_ref(), Ok(&texts));
        let round_trip = JsonPerKey::decode::<Texts>(&JsonPerKey::encode(&texts).unwrap());
        prop_assert_eq!(round_trip, Ok(texts));
        let round_trip = JsonPerKey::decode::<Nested>(&JsonPerKey::encode(&nested).unwrap());
        prop_assert_eq!(round_trip.as_ref(), Ok(&nested));
        let written = JsonUnder::<Data>::encode(&nested).unwrap();
        let round_trip = JsonUnder::<Data>::decode::<Nested>(&written);
        prop_assert_eq!(round_trip.as_ref(), Ok(&nested));
        let written = YamlUnder::<Data>::encode(&nested).unwrap();
        prop_assert_eq!(YamlUnder::<Data>::decode::<Nested>(&written), Ok(nested));
    }

    #[test]
    fn no_databag_makes_a_codec_panic(bag in any_bag()) {
        let _ = decode::<PlainTexts>(&bag);
        let _ = decode::<JsonTexts>(&bag);
        let _ = decode::<JsonNested>(&bag);
        let _ = decode::<UnderJson>(&bag);
        let _ = decode::<UnderYaml>(&bag);
    }

    /// A write makes the databag read back as the value, whatever was in it, and leaves the keys of
    /// others as they are.
    #[test]
    fn a_write_is_read_back_from_any_databag(mut bag in any_bag(), nested in any_nested()) {
        let before = bag.clone();
        let value = JsonNested(nested);
        for (key, text) in changes(&bag, &value).unwrap() {
            match text {
                Some(text) => bag.insert(key, text),
                None => bag.remove(&key),
            };
        }
        prop_assert_eq!(decode::<JsonNested>(&bag), Ok(value));
        for (key, text) in &before {
            if !["hosts", "limits", "inner", "name"].contains(&key.as_str()) {
                prop_assert_eq!(bag.get(key), Some(text));
            }
        }
    }
}
