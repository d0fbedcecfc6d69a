//! These cases check what holds for every endpoint: routing, the envelope, and JSON bodies.

use super::pebble::Pebble;
use super::raw::{ask, get, post};

pub(crate) async fn an_unknown_path_is_404_and_a_wrong_method_405(pebble: &impl Pebble) {
    for path in ["/v1/nothing", "/v1/services/", "/", "/v2/services", "/v1/debug"] {
        let answer = get(pebble, path);
        // By this message the client knows that the daemon is too old for an endpoint.
        assert_eq!(
            (answer.status, answer.error_message().as_str()),
            (404, "invalid API endpoint requested"),
            "{path}"
        );
    }
    for (method, path) in
        [("PUT", "/v1/services"), ("DELETE", "/v1/plan"), ("POST", "/v1/system-info")]
    {
        let answer = ask(pebble, method, path, "", b"");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.error_message(), format!("method {method:?} not allowed"));
    }
    // Trap: Pebble redirects a path with a double slash, and most clients follow with a GET where
    // the request was a POST.
    let answer = ask(pebble, "POST", "//v1/services", "", b"{}");
    assert_eq!(answer.status, 301);
    assert!(answer.head.to_ascii_lowercase().contains("location: /v1/services"), "{}", answer.head);
}

pub(crate) async fn what_is_no_json_is_refused_and_trailing_bytes_are_not(pebble: &impl Pebble) {
    for path in ["/v1/services", "/v1/layers", "/v1/exec", "/v1/signals"] {
        for body in ["", "{", "[", "<html>", "\"\\ud800"] {
            let answer = post(pebble, path, body);
            assert_eq!(answer.status, 400, "{path} {body}");
            assert!(
                answer.error_message().starts_with("cannot decode"),
                "{path} {body} {}",
                answer.error_message()
            );
        }
    }
    // Pebble reads only the first JSON value of a body, ignores unknown keys, and ignores the case
    // of keys.
    let layer = concat!(
        r#"{"ACTION":"add","combine":true,"label":"a","#,
        r#""format":"yaml","layer":"summary: x","newer":1} and more"#
    );
    let answer = post(pebble, "/v1/layers", layer);
    assert_eq!((answer.status, &answer.json()["result"]), (200, &true.into()));
    let answer = post(pebble, "/v1/services", r#"{"action":"dance","services":["a"]}"#);
    let text = if pebble.has("1.19") {
        "invalid action \"dance\""
    } else {
        "action \"dance\" is unsupported"
    };
    assert_eq!((answer.status, answer.error_message().as_str()), (400, text));
}

pub(crate) async fn a_stub_answers_that_it_is_none(pebble: &impl Pebble) {
    let answer = get(pebble, "/v1/services/web");
    assert_eq!((answer.status, answer.error_message().as_str()), (400, "not implemented"));
}
