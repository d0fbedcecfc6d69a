//! Tests of what JSON in a databag is read as: numbers, enums, and keys of others beside those of
//! the type.

use serde::{Deserialize, Serialize};

use super::bag;
use crate::relation::bag::{changes, decode};
use crate::{Bag, Codec, DecodeError, JsonPerKey, JsonUnder, KeyName, YamlUnder};

enum Data {}

impl KeyName for Data {
    const KEY: &'static str = "data";
}

/// A text that is no JSON and must be in no error.
const SECRET: &str = "hunter2-hunter2";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    port: u16,
}

#[test]
fn one_key_holds_an_enum_too() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Route {
        Off,
        Port(u16),
        Range(u16, u16),
        Host { name: String },
    }
    let host = Route::Host { name: "a".into() };
    for (route, text) in [
        (Route::Off, "\"off\""),
        (Route::Port(80), r#"{"port":80}"#),
        (Route::Range(1, 2), r#"{"range":[1,2]}"#),
        (host, r#"{"host":{"name":"a"}}"#),
    ] {
        let written = JsonUnder::<Data>::encode(&route).unwrap();
        assert_eq!(written, bag([("data", text)]));
        assert_eq!(JsonUnder::<Data>::decode::<Route>(&written).unwrap(), route);
        assert_eq!(YamlUnder::<Data>::decode::<Route>(&written).unwrap(), route);
    }
    let wrong = bag([("data", r#"{"hunter2":80}"#)]);
    let error = JsonUnder::<Data>::decode::<Route>(&wrong).unwrap_err().to_string();
    let expected = "unknown variant, expected one of `off`, `port`, `range`, `host`";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn numbers_read_back_exactly() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers {
        large: u128,
        small: i128,
        both: (u128, f64),
        ratio: f64,
        none: Option<f32>,
    }
    let numbers = Numbers {
        large: u128::MAX,
        small: i128::MIN,
        both: (u128::MAX - 1, 1e300),
        ratio: 0.1 + 0.2,
        none: None,
    };
    let written = JsonPerKey::encode(&numbers).unwrap();
    assert_eq!(JsonPerKey::decode::<Numbers>(&written).unwrap(), numbers);
    let under = JsonUnder::<Data>::encode(&numbers).unwrap();
    assert_eq!(JsonUnder::<Data>::decode::<Numbers>(&under).unwrap(), numbers);
    assert_eq!(YamlUnder::<Data>::decode::<Numbers>(&under).unwrap(), numbers);
    for text in ["-0.7071", "123456789012345678901234567890123456789012345678901"] {
        let mut wrong = written.clone();
        wrong.insert("large".to_owned(), text.to_owned());
        let error = JsonPerKey::decode::<Numbers>(&wrong).unwrap_err().to_string();
        assert!(error.contains("value of \"large\"") && !error.contains(text), "{error}");
        assert!(error.ends_with("expected u128") || error.ends_with("out of range"), "{error}");
    }
}

#[test]
fn a_key_of_others_need_not_be_json_beside_a_flattened_field() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Site {
        name: String,
        #[serde(flatten)]
        inner: Inner,
        note: Option<String>,
    }
    impl Bag for Site {
        type Codec = JsonPerKey;
    }
    let there = bag([("name", "\"a\""), ("port", "80"), ("note", "\"x\""), ("raw", SECRET)]);
    let site = || Site { name: "a".into(), inner: Inner { port: 80 }, note: None };
    assert_eq!(decode::<Site>(&there).unwrap(), Site { note: Some("x".into()), ..site() });
    let changed = changes(&there, &site()).unwrap();
    assert_eq!(changed.get("note"), Some(&None));
    assert!(!changed.contains_key("raw"));
    // One of its own is wrong all the same.
    for key in ["name", "port"] {
        let mut wrong = there.clone();
        wrong.insert(key.to_owned(), SECRET.to_owned());
        let error = JsonPerKey::decode::<Site>(&wrong).unwrap_err();
        assert!(!error.is_missing() && !error.to_string().contains("hunter"), "{error}");
        assert!(error.to_string().contains("it is not JSON"), "{error}");
    }
    let half = bag([("name", "\"a\""), ("raw", SECRET)]);
    assert_eq!(JsonPerKey::decode::<Site>(&half).unwrap_err(), DecodeError::missing("port"));
}
