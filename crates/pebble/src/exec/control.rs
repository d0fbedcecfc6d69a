//! The JSON of the text frames: the `end` of a stream, and the commands for the control websocket
//! (Pebble 1.32.1, `internals/wsutil` and `internals/overlord/cmdstate`).

use serde::Deserialize;
use serde_json::json;

use super::super::signals::Signal;

/// The frame that ends a stream: the command's stdin if the client sends it, stdout or stderr if
/// the server does.
pub(super) const END: &str = r#"{"command":"end"}"#;

/// The names of the signals that the daemon knows on Linux (`golang.org/x/sys/unix`, `SignalNum`).
/// The daemon would only log that it was sent another one, so the client refuses it.
const SIGNALS: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// Returns the frame that sends a signal, or `None` if the daemon knows no signal of this name.
pub(super) fn signal(signal: &Signal) -> Option<String> {
    let name = signal.as_str();
    SIGNALS
        .contains(&name)
        .then(|| json!({ "command": "signal", "signal": { "name": name } }).to_string())
}

/// Returns the frame that gives the terminal a new size.
pub(super) fn resize(width: u16, height: u16) -> String {
    json!({ "command": "resize", "resize": { "width": width, "height": height } }).to_string()
}

/// Returns `true` if a text frame ends its stream. Any other text frame is of an unknown kind and
/// is ignored, so that a newer Pebble may send it.
pub(crate) fn is_end(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Frame {
        command: String,
    }
    serde_json::from_str::<Frame>(text).is_ok_and(|frame| frame.command == "end")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_an_end_is_an_end() {
        assert!(is_end(END));
        assert!(is_end(r#" {"command": "end", "future": {"a": [1]}} "#));
        for text in [
            "",
            "end",
            "null",
            "[]",
            r#"{"command":null}"#,
            r#"{"command":"End"}"#,
            r#"{"command":"end"}}"#,
        ] {
            assert!(!is_end(text), "{text}");
        }
    }

    #[test]
    fn frames_are_as_pebble_reads_them() {
        assert_eq!(
            signal(&Signal::TERM).unwrap(),
            r#"{"command":"signal","signal":{"name":"SIGTERM"}}"#
        );
        assert_eq!(resize(80, 25), r#"{"command":"resize","resize":{"height":25,"width":80}}"#);
        for name in ["SIGNONE", "SIGRTMIN+3", "SIGCLD"] {
            assert_eq!(signal(&name.parse().unwrap()), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in ".{0,200}") {
            let _ = is_end(&text);
        }

        #[test]
        fn any_object_has_an_answer(
            command in "end|signal|[a-z\"\\\\]{0,5}",
            key in "command|x",
            tail in ".{0,10}",
        ) {
            let text = format!("{{\"{key}\":\"{command}\"{tail}");
            let _ = is_end(&text);
            let whole = json!({ &key: &command, "tail": tail }).to_string();
            prop_assert_eq!(is_end(&whole), key == "command" && command == "end");
        }
    }
}
