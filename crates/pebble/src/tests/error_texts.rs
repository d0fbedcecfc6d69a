//! These tests check what errors show of texts from outside.

use std::error::Error as _;

use serde_json::json;

use super::change::Change;
use super::daemon::Daemon;
use super::envelope::Refusal;
use super::error::Error;
use super::files::FileError;

const BAD: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\r\n\0a\u{202e}b\u{200b}c\u{9b}1mz";

fn is_bad(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202e}' | '\u{200b}')
}

fn refused(message: &str) -> Error {
    let refusal = Refusal { status: 400, kind: None, message: message.to_owned() };
    Error::refused("replan", &Daemon::default(), refusal)
}

fn file(text: &str) -> FileError {
    serde_json::from_value(json!({"kind": text, "message": text})).unwrap()
}

/// Makes a failed change with one task that has every text, and one that has none.
fn change(text: &str) -> Change {
    let log = [
        format!("2026-11-22T20:00:10Z INFO Most recent service output:\n    {text}"),
        format!("2026-11-22T20:00:10Z ERROR {text}"),
    ];
    let summary = format!("Start service {text:?}");
    let tasks = [
        json!({"id": "1", "kind": "start", "status": "Error", "summary": summary, "log": log}),
        json!({"id": "2", "kind": "start", "status": "Error", "summary": text}),
    ];
    let mut change = without_tasks(text);
    change["tasks"] = json!(tasks);
    serde_json::from_value(change).unwrap()
}

fn without_tasks(text: &str) -> serde_json::Value {
    json!({"id": "7", "kind": "start", "summary": text, "status": text, "ready": true, "err": text})
}

#[test]
fn they_are_clean_and_bounded_in_every_error() {
    let long = BAD.repeat(2 * 1024 * 1024 / BAD.len());
    for text in [BAD, &long] {
        let nameless = &Daemon::default();
        let named = &Daemon { name: Some(text.into()), tag: None };
        let no_tasks = serde_json::from_value(without_tasks(text)).unwrap();
        for error in [
            refused(text),
            Error::file(text, named, &file(text)),
            Error::change_failed("start", named, change(text)),
            Error::change_failed("start", nameless, no_tasks),
            Error::protocol(text, nameless, text).with_cause(&text),
            Error::unreachable("start", nameless, text.to_owned()),
        ] {
            let source = error.source().map(ToString::to_string).unwrap_or_default();
            for shown in [error.to_string(), format!("{error:?}"), source] {
                assert!(shown.len() < 16 * 1024, "{} bytes", shown.len());
                assert!(!shown.contains(is_bad), "{shown:?}");
            }
        }
        let shown = file(text).to_string();
        assert!(shown.len() < 2048 && !shown.contains(is_bad), "{shown:?}");
    }
}

#[test]
fn what_is_added_to_them_is_not_cut() {
    let long = "x".repeat(100_000);
    let shown = refused(&long).to_string();
    assert!(shown.ends_with("x… (Pebble answered 400)"), "{shown}");
    // The whole text is still there for code that wants it.
    assert_eq!(refused(BAD).message(), Some(BAD));
}
