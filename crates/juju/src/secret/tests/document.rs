//! Tests of the document that Juju reads by `--file`.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::secret::content::{SecretBytes, SecretText};

/// Reads a document as Juju does: JSON whose keys may have the suffix `#base64`.
fn read_as_juju(document: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let pairs: BTreeMap<String, String> = serde_json::from_slice(document).unwrap();
    pairs
        .into_iter()
        .map(|(key, value)| match key.strip_suffix("#base64") {
            Some(key) => (key.to_owned(), base64::decode(value.as_bytes()).unwrap().to_vec()),
            None => (key, value.into_bytes()),
        })
        .collect()
}

fn one(key: &str, value: impl Into<SecretBytes>) -> SecretFields {
    SecretFields::new().with(key, &value.into())
}

#[test]
fn a_text_goes_as_it_is_and_bytes_as_base64() {
    let fields = SecretFields::new()
        .with("bytes", &SecretBytes::from(vec![0xff, 0]))
        .with("text", &SecretText::from("a\"ä\n"));
    let document = Document::new(&fields).unwrap();
    let text = std::str::from_utf8(document.bytes()).unwrap();
    assert_eq!(text, r#"{"bytes#base64":"/wA=","text":"a\"ä\n"}"#);
}

#[test]
fn what_juju_would_refuse_is_refused_with_its_key() {
    for (fields, part) in [
        (SecretFields::new(), "it has no key"),
        (one("ab", vec![1]), "\"ab\" is not allowed"),
        (one("abc#base64", vec![1]), "is not allowed"),
        (one("abc", Vec::new()), "\"abc\" is empty"),
    ] {
        let Err(Unfit::Invalid(text)) = Document::new(&fields).map(drop) else {
            panic!("accepted: {fields:?}");
        };
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn the_limits_are_juju_s() {
    // 750,000 bytes are 1,000,000 in base64.
    let text = |length: usize| "x".repeat(length).into_bytes();
    Document::new(&one("abc", text(750_000))).map(drop).unwrap();
    let too_large = |fields: &SecretFields| match Document::new(fields).map(drop) {
        Err(Unfit::TooLarge { what, size, limit }) => (what, size, limit),
        other => panic!("{other:?}"),
    };
    let (what, size, limit) = too_large(&one("abc", text(750_001)));
    assert_eq!(
        (what.as_str(), size, limit),
        ("the value of \"abc\", in base64,", 1_000_004, LIMIT)
    );

    let two = |last| one("abc", text(600_000)).with("def", &SecretBytes::from(text(last)));
    Document::new(&two(150_000)).map(drop).unwrap();
    assert_eq!(too_large(&two(150_001)).1, 1_000_004);

    // The file has a limit of its own, and base64 and the keys take room in it.
    let bytes = |length: usize| vec![0xff; length];
    Document::new(&one("abc", bytes(749_900))).map(drop).unwrap();
    let (what, size, _) = too_large(&one("abc", bytes(750_000)));
    assert!(what == "the file with the content" && size > LIMIT, "{what} {size}");

    // A text whose JSON is longer than its base64 goes as base64.
    let controls = one("abc", vec![1; 600_000]);
    let document = Document::new(&controls).unwrap();
    assert!(document.bytes().starts_with(b"{\"abc#base64\":\"AQEB"));
}

#[test]
fn a_part_of_the_content_is_recognised() {
    let fields = SecretFields::new()
        .with("password", &SecretText::from("hunter2-planted"))
        .with("pin", &SecretText::from("123"))
        .with("bytes", &SecretBytes::from(vec![0xff; 30]));
    let document = Document::new(&fields).unwrap();
    for text in [
        "ERROR cannot parse hunter2-planted",
        "ERROR ter2-plan",
        "pin 123 is bad",
        "aHVudGVyMi1wbGFudGVk",
        "////////",
    ] {
        assert!(document.has_part_in(text), "{text}");
    }
    for text in ["", "ERROR this unit is not the leader", "ERROR key \"password\" not valid", "12"]
    {
        assert!(!document.has_part_in(text), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        texts in btree_map("[a-z]{3}(-[a-z0-9]){0,2}", "(?s:.{1,40})", 0..4),
        bytes in btree_map("x[0-9]{2,5}", vec(any::<u8>(), 1..40), 1..4),
    ) {
        let mut fields = SecretFields::new();
        let mut expected = BTreeMap::new();
        for (key, value) in texts.into_iter().map(|(k, v)| (k, v.into_bytes())).chain(bytes) {
            fields.insert(key.clone(), &SecretBytes::from(value.clone()));
            expected.insert(key, value);
        }
        let document = Document::new(&fields).unwrap();
        prop_assert_eq!(read_as_juju(document.bytes()), expected);
    }
}
