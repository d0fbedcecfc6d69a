//! What tools may print: databags and secrets as Juju, or something else in its place, may show
//! them. Nothing of it makes a call panic, and no error repeats it.

use std::collections::BTreeMap;

use charmwright_juju::{
    Error, ErrorKind, HookTools, RelationId, SecretBytes, SecretFields, SecretId, SecretText,
    ToolCall, ToolError, ToolRunner, UnitName,
};
use proptest::prelude::*;

use crate::call::{CALLS, ID, PLANTED};

/// A runner whose tools all print one text.
struct Prints(Vec<u8>);

impl ToolRunner for Prints {
    fn run(&self, _: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        Ok(self.0.clone())
    }
}

/// Returns the typed calls of a hook whose tools all print this.
fn printing(output: impl Into<Vec<u8>>) -> HookTools {
    HookTools::new(Box::new(Prints(output.into())))
}

fn relation() -> RelationId {
    "db:7".parse().unwrap()
}

fn unit() -> UnitName {
    "pg/0".parse().unwrap()
}

fn databag(output: impl Into<Vec<u8>>) -> Result<BTreeMap<String, String>, Error> {
    printing(output).unit_databag(&relation(), &unit()).map(|bag| (*bag).clone())
}

fn secret(output: impl Into<Vec<u8>>) -> Result<SecretFields, Error> {
    let id: SecretId = ID.parse().unwrap();
    printing(output).secret(&id).map(|content| (*content).clone())
}

#[test]
fn a_databag_with_a_value_that_is_no_string_names_the_key_and_the_type() {
    for (value, type_name) in [
        ("5432", "a number"),
        ("1e400", ""),
        ("true", "a boolean"),
        ("null", "nothing"),
        ("[\"hunter2\"]", "a list"),
        ("{\"a\": {\"b\": \"hunter2\"}}", "a map"),
    ] {
        let error = databag(format!("{{\"user\": \"u\", \"port\": {value}}}")).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), &ErrorKind::Output, "{text}");
        assert!(text.starts_with("cannot read the databag of pg/0 in the relation db:7"), "{text}");
        assert!(text.contains("relation-get ") && !text.contains("hunter2"), "{text}");
        // serde has no number that large, so this is no JSON at all.
        if !type_name.is_empty() {
            let due =
                format!("printed {type_name} as the value of \"port\" where a string was due");
            assert!(text.contains(&due), "{text}");
        }
    }
    for (output, found) in [("[]", "a list"), ("7", "a number"), ("\"x\"", "a string")] {
        let text = databag(output).unwrap_err().to_string();
        assert!(text.ends_with(&format!("printed {found} where a map of strings was due")));
    }
    // A key may be as long as a value, and is not shown whole.
    let text = databag(format!("{{\"{}\": 1}}", "k".repeat(1 << 20))).unwrap_err().to_string();
    assert!(text.len() < 300, "{}", text.len());
}

#[test]
fn a_databag_holds_every_character() {
    for (json, value) in [
        (r#""\u0000\u0001\u001b""#, "\0\u{1}\u{1b}"),
        ("\"\u{7f}\u{80}\u{9f}\u{85}\"", "\u{7f}\u{80}\u{9f}\u{85}"),
        (r#""\u2028\u2029""#, "\u{2028}\u{2029}"),
        ("\"\u{2028}\u{feff}\"", "\u{2028}\u{feff}"),
        // Go writes these escapes for the sake of HTML.
        (r#""\u003ca\u003e \u0026""#, "<a> &"),
        (r#""\ud83d\ude00""#, "\u{1f600}"),
        (r#""\ufffd""#, "\u{fffd}"),
        (r#""a\r\n\tb""#, "a\r\n\tb"),
    ] {
        let bag = databag(format!("{{\"key\": {json}}}")).unwrap();
        assert_eq!(bag.get("key").map(String::as_str), Some(value), "{json}");
    }
    let large = "x".repeat(1 << 20);
    assert_eq!(databag(format!("{{\"key\": \"{large}\"}}")).unwrap()["key"], large);
    // An empty value is none: Juju deletes the key of one.
    assert_eq!(databag("{\"key\": \"\"}").unwrap(), BTreeMap::new());
    assert_eq!(databag("null").unwrap(), BTreeMap::new());
    assert_eq!(databag("").unwrap(), BTreeMap::new());
}

#[test]
fn a_databag_that_is_no_text_is_an_error() {
    for output in [
        &b"{\"key\": \"\xff\xfe\"}"[..],
        // A half of a pair of surrogates is no character, and Juju's own JSON has none.
        br#"{"key": "\ud83d"}"#,
        br#"{"key": "\ude00\ud83d"}"#,
        b"{\"key\": \"a\nb\"}",
        b"{\"key\": \"x\"} {\"key\": \"y\"}",
        b"key: x\n",
        b"\xef\xbb\xbf{}",
    ] {
        let error = databag(output).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output, "{output:?}: {error}");
        assert!(error.to_string().contains("that are not JSON (wrong at line"), "{error}");
    }
    // A list in a list, too deep for a parser that calls itself.
    let deep = [b"{\"key\": ".to_vec(), b"[".repeat(1 << 20)].concat();
    assert_eq!(databag(deep).unwrap_err().kind(), &ErrorKind::Output);
}

#[test]
fn a_secret_with_a_value_that_is_no_text_names_the_key() {
    for output in [
        format!("{{\"password\": [\"{PLANTED}\"]}}"),
        format!("{{\"password\": {{\"{PLANTED}\": 1}}}}"),
        format!("{{\"password\": null, \"other\": \"{PLANTED}\"}}"),
        format!("[\"{PLANTED}\"]"),
        format!("\"{PLANTED}\""),
        "7".to_owned(),
        String::new(),
    ] {
        let error = secret(output.as_str()).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), &ErrorKind::Output, "{output}");
        assert!(text.starts_with(&format!("cannot read the secret {ID}: secret-get ")), "{text}");
        assert!(!text.contains(PLANTED), "{text}");
    }
}

#[test]
fn a_secret_lacks_a_key_has_more_of_them_or_holds_bytes() {
    let content = secret("{\"username\": \"admin\", \"more\": \"x\"}").unwrap();
    let username: SecretText = content.get("username").unwrap();
    assert_eq!((username.expose(), content.len()), ("admin", 2));
    assert!(content.get::<Option<SecretText>>("password").unwrap().is_none());
    let error = content.get::<SecretText>("password").unwrap_err();
    assert!(error.is_missing());
    assert_eq!(
        error.to_string(),
        "cannot use the key \"password\" of the secret: it is missing; expected a text"
    );

    /// Prints a content with bytes that are not UTF-8 as Juju does: lossy as JSON, exact as base64.
    struct Bytes;
    impl ToolRunner for Bytes {
        fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
            let is_exact = call.args.iter().any(|arg| arg == "keystore#base64");
            Ok(if is_exact {
                "\"//5odW50ZXIy\""
            } else {
                "{\"keystore\": \"\\ufffd\\ufffdhunter2\"}"
            }
            .into())
        }
    }
    let content = HookTools::new(Box::new(Bytes)).secret(&ID.parse::<SecretId>().unwrap()).unwrap();
    let bytes: SecretBytes = content.get("keystore").unwrap();
    assert_eq!(bytes.expose(), b"\xff\xfehunter2");
    let error = content.get::<SecretText>("keystore").unwrap_err();
    assert!(!error.is_missing());
    let text = format!("{error} {error:?} {content:?}");
    assert!(text.contains("bytes that are not UTF-8") && !text.contains("hunter2"), "{text}");
}

/// The texts of Juju for a secret or a relation that vanished or was revoked.
#[test]
fn what_vanished_or_was_revoked_has_a_kind_of_its_own() {
    struct Refuses(&'static str, i32);
    impl ToolRunner for Refuses {
        fn run(&self, _: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
            Err(ToolError::Exited { code: self.1, stderr: format!("ERROR {}", self.0) })
        }
    }
    for (text, code, kind) in [
        ("secret \"secret:9m4e2mr0ui3e8a215n4g\" not found", 1, ErrorKind::Gone),
        ("secret \"9m4e2mr0ui3e8a215n4g\" not found", 1, ErrorKind::Gone),
        ("permission denied", 1, ErrorKind::Denied),
        ("getting secret: permission denied", 1, ErrorKind::Denied),
    ] {
        let hook_tools = HookTools::new(Box::new(Refuses(text, code)));
        let id: SecretId = ID.parse().unwrap();
        for read in
            [hook_tools.secret(&id), hook_tools.peek_secret(&id), hook_tools.refresh_secret(&id)]
        {
            let error = read.unwrap_err();
            assert_eq!(error.kind(), &kind, "{error}");
            assert!(error.to_string().contains(ID), "{error}");
        }
    }
    for (text, code) in [
        ("invalid value \"db:7\" for option -r: relation not found", 2),
        ("relation 7 not found", 1),
        ("relation not found", 1),
        // Juju hides a relation that crosses models and is gone behind this.
        ("permission denied", 1),
    ] {
        let hook_tools = HookTools::new(Box::new(Refuses(text, code)));
        let changes = BTreeMap::from([("key".to_owned(), None)]);
        for error in [
            hook_tools.relation_units(&relation()).unwrap_err(),
            hook_tools.relation_app(&relation()).unwrap_err(),
            hook_tools.unit_databag(&relation(), &unit()).unwrap_err(),
            hook_tools.app_databag(&relation(), unit().application()).unwrap_err(),
            hook_tools.set_unit_databag(&relation(), &changes).unwrap_err(),
            hook_tools.set_app_databag(&relation(), &changes).unwrap_err(),
            hook_tools.relation_model(&relation()).unwrap_err(),
        ] {
            assert_eq!(error.kind(), &ErrorKind::Gone, "{text}: {error}");
            assert!(error.to_string().contains("db:7"), "{error}");
        }
    }
}

proptest! {
    /// Every call meets outputs that are random, and ones that are nearly right.
    #[test]
    fn no_output_of_a_tool_makes_a_call_panic(
        bytes: Vec<u8>,
        near in "[\\[\\]{}\":,a-z0-9 \\\\u/-]{0,40}",
        text in ".{0,30}",
    ) {
        for output in [bytes.as_slice(), near.as_bytes(), text.as_bytes()] {
            for call in CALLS {
                let hook_tools = printing(output);
                if let Err(error) = (call.run)(&hook_tools) {
                    let text = error.to_string();
                    prop_assert!(text.starts_with("cannot "), "{}", text);
                    prop_assert!(!text.contains(PLANTED), "{}", text);
                }
            }
        }
    }
}
