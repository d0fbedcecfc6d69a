//! Tests of the values of a secret and of the rule of its keys.

use proptest::prelude::*;

use super::*;

#[test]
fn keys_are_accepted_as_juju_accepts_them() {
    for key in ["abc", "a12", "a-bc", "ab-c", "a-b-c", "password", "tls-key-2"] {
        check_secret_key(key).unwrap();
    }
    // The refusals of measured 3.6, and the corners of the pattern.
    for key in [
        "",
        "ab",
        "Abc",
        "a-b",
        "a_b",
        "abc-",
        "1bc",
        "-abc",
        "a--bc",
        "abc#zip",
        "abc#base64",
        "äbc",
        "abc\n",
        "a b",
        "a.bc",
    ] {
        let error = check_secret_key(key).unwrap_err();
        assert!(error.to_string().starts_with("cannot use "), "{error}");
    }
    let error = check_secret_key(&"X".repeat(1 << 20)).unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn a_value_has_the_type_that_is_asked_for() {
    let fields = SecretFields::new()
        .with("text", &SecretText::from("ä"))
        .with("bytes", &SecretBytes::from(vec![0xff, 0]))
        .with("none", &None::<SecretText>);
    assert_eq!(fields.len(), 2);
    assert_eq!(fields.get::<SecretText>("text").unwrap().expose(), "ä");
    assert_eq!(fields.get::<SecretBytes>("text").unwrap().expose(), "ä".as_bytes());
    assert_eq!(fields.get::<SecretBytes>("bytes").unwrap().expose(), [0xff, 0]);
    assert_eq!(fields.get::<Option<SecretBytes>>("none").unwrap(), None);
    assert!(fields.get::<Option<SecretText>>("text").unwrap().is_some());

    let error = fields.get::<SecretText>("bytes").unwrap_err();
    assert!(!error.is_missing());
    assert_eq!(
        error.to_string(),
        "cannot use the key \"bytes\" of the secret: its value does not fit; expected a text, and \
         the value has bytes that are not UTF-8"
    );
    assert!(fields.get::<Option<SecretText>>("bytes").is_err());
    let error = fields.get::<SecretText>("none").unwrap_err();
    assert!(error.is_missing() && error.key() == "none");
}

#[test]
fn nothing_prints_a_value() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "only the printing is of interest")]
    struct Derived {
        text: SecretText,
        bytes: Option<SecretBytes>,
        fields: SecretFields,
    }
    let planted = "hunter2-planted";
    let derived = Derived {
        text: planted.into(),
        bytes: Some(planted.as_bytes().into()),
        fields: SecretFields::new().with("key", &SecretText::from(planted)),
    };
    let shown = format!("{derived:?} {derived:#?}");
    assert!(!shown.contains("hunter2") && shown.contains("SecretText(..)"), "{shown}");
    // The bytes as Rust would print them.
    assert!(!shown.contains("104, 117"), "{shown}");
}

proptest! {
    #[test]
    fn the_rule_of_keys_is_juju_s_pattern(key in "[a-z0-9-]{0,6}|[ -~]{0,6}|.{0,6}") {
        // `^[a-z](?:-?[a-z0-9]){2,}$`, read by hand.
        let mut rest = key.as_bytes();
        let mut groups = 0;
        let mut matches = false;
        if let [b'a'..=b'z', tail @ ..] = rest {
            rest = tail;
            loop {
                rest = match rest {
                    [b'-', b'a'..=b'z' | b'0'..=b'9', tail @ ..] => tail,
                    [b'a'..=b'z' | b'0'..=b'9', tail @ ..] => tail,
                    _ => break,
                };
                groups += 1;
            }
            matches = rest.is_empty() && groups >= 2;
        }
        prop_assert_eq!(check_secret_key(&key).is_ok(), matches, "{}", key);
    }
}
