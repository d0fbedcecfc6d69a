//! Reads how a command has ended from its change.

use super::super::change::Change;
use super::super::error::{Error, ErrorKind};
use super::super::reader::Reader;
use super::process::ExecStatus;

/// The error of a command whose websockets were not connected in time: this daemon has not started
/// it (Pebble 1.32.1, `internals/overlord/cmdstate`). A Pebble before 1.16 that was restarted
/// reports the same for a command that was running before the restart.
pub(super) const NOT_STARTED: &str =
    "timeout waiting for websocket connections: context deadline exceeded";

/// The error of a command during which a Pebble of 1.16 to 1.25 was restarted.
const FORGOTTEN: &str = "cannot get exec setup object for task";

/// The beginning of the error of a command that Pebble has killed at its timeout (Pebble 1.32.1,
/// `internals/overlord/cmdstate`).
const TIMED_OUT: &str = "timed out after ";

impl Reader {
    /// Returns the exit code that a finished change reports, or an error that says why there is
    /// none.
    pub(super) fn exec_status(&self, operation: &str, change: Change) -> Result<ExecStatus, Error> {
        let daemon = self.daemon();
        if let Some(err) = change.err() {
            let cause = change.tasks().first().and_then(|task| task.last_error()).unwrap_or(err);
            // An error is a single line, and the text of a task's log may have several.
            let text = cause.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            let (kind, reason) = if cause.contains(TIMED_OUT) {
                (ErrorKind::TimedOut, text)
            } else if cause.contains(NOT_STARTED) || cause.contains(FORGOTTEN) {
                // The websockets were connected, so only a daemon that was restarted can say so.
                let reason =
                    format!("Pebble was restarted, and the command may have run before ({text})");
                (ErrorKind::OutcomeUnknown, reason)
            } else {
                (ErrorKind::ChangeFailed, text)
            };
            return Err(Error::ended(kind, operation, daemon, reason, Some(change)));
        }
        let code = change
            .tasks()
            .first()
            .and_then(|task| task.data()?.get("exit-code")?.as_i64())
            .and_then(|code| i32::try_from(code).ok());
        code.map(ExecStatus::new).ok_or_else(|| {
            let reason = "its change is over and has no exit code, as when Pebble was restarted \
                          meanwhile; it may have run in part or whole";
            Error::ended(
                ErrorKind::OutcomeUnknown,
                operation,
                daemon,
                reason.to_owned(),
                Some(change),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Client;

    fn status(err: Option<&str>, data: &Value) -> Result<ExecStatus, Error> {
        let log = err.map(|err| format!("2026-11-22T20:00:10Z ERROR {err}"));
        let text = err.map(|err| {
            format!("cannot perform the following tasks:\n- Execute command \"a\" ({err})")
        });
        let change = serde_json::from_value(json!({
            "id": "7", "kind": "exec", "summary": "Execute command \"a\"",
            "status": if err.is_some() { "Error" } else { "Done" }, "ready": true,
            "err": text,
            "tasks": [{
                "id": "7", "kind": "exec", "summary": "Execute command \"a\"", "status": "Done",
                "data": data, "log": log.into_iter().collect::<Vec<_>>()
            }]
        }))
        .unwrap();
        Client::new("/nowhere").exec_status("run command \"a\"", change)
    }

    #[test]
    fn an_exit_code_is_a_status_whatever_it_is() {
        for code in [0, 1, 137, 255] {
            let status = status(None, &json!({ "exit-code": code })).unwrap();
            assert_eq!((status.exit_code(), status.success()), (code, code == 0));
        }
    }

    #[test]
    fn a_missing_exit_code_is_never_success() {
        for data in
            [json!(null), json!({}), json!({"exit-code": "0"}), json!({"exit-code": 1_u64 << 40})]
        {
            let error = status(None, &data).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{data}");
            assert!(error.may_have_acted() && error.change().is_some());
        }
    }

    #[test]
    fn a_timeout_is_told_from_other_failures() {
        let error = status(
            Some("timed out after 100ms: context deadline exceeded"),
            &json!({"exit-code": -1}),
        )
        .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::TimedOut);
        assert_eq!(
            error.to_string(),
            "cannot run command \"a\": timed out after 100ms: context deadline exceeded"
        );
        let error =
            status(Some("fork/exec /a: permission denied"), &json!({"exit-code": -1})).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ChangeFailed);
    }

    #[test]
    fn a_restart_in_the_middle_is_no_failure_of_the_command() {
        // The command was connected, so only a daemon that was restarted can say this. These are
        // the texts of Pebble 1.1.1 to 1.15 and of 1.16 to 1.25.
        for err in [
            "exec 7: timeout waiting for websocket connections: context deadline exceeded",
            "internal error: cannot get exec setup object for task \"7\"",
        ] {
            let error = status(Some(err), &json!(null)).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
            assert!(error.may_have_acted() && error.change().is_some(), "{error}");
        }
    }
}
