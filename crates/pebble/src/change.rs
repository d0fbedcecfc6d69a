//! Pebble reports its background work as changes and their tasks.
//!
//! A change is the work of one request (start, replan, …), and has one task for each service.
//! Unknown kinds and statuses are kept, and a missing field is no error, since older daemons leave
//! some out.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timestamp::Timestamp;
use super::wire::{null_as_default, wire_id, wire_words};

/// A start task logs this, and ends well, when the service runs already or is in its first second
/// (Pebble 1.32, `internals/overlord/servstate/handlers.go`).
const ALREADY_STARTED: &str = " already started.";

/// A stop task logs this, and ends well, when the service is already ending (the same file).
const ALREADY_STOPPING: &str = " already stopping.";

/// The id of a change: 1 to 64 ASCII letters, digits, `-` or `_`, so that it is safe in a URL path
/// (Pebble counts 1, 2, 3, …).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ChangeId(String);

wire_id!(ChangeId);

/// A text that cannot be the id of a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot use {text:?} as a change id: it has to be 1 to 64 ASCII letters, digits, '-' or '_'"
)]
pub struct InvalidChangeId {
    text: String,
}

impl FromStr for ChangeId {
    type Err = InvalidChangeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidChangeId { text: text.chars().take(64).collect() })
        }
    }
}

/// The status of a change or a task. [`Self::is_ready`] says whether it is final.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeStatus {
    /// It has not begun.
    Do,
    /// It is running.
    Doing,
    /// It is over: it succeeded, or it was aborted and could not be undone.
    Done,
    /// It is being aborted.
    Abort,
    /// It is to be undone.
    Undo,
    /// It is being undone.
    Undoing,
    /// It is over, and was undone.
    Undone,
    /// It is over, and never ran: an earlier task failed, or it was aborted.
    Hold,
    /// It is over, and failed.
    Error,
    /// It waits for something outside.
    Wait,
    /// A status that this version of the client does not know.
    Other(String),
}

wire_words!(ChangeStatus {
    Do = "Do", Doing = "Doing", Done = "Done", Abort = "Abort", Undo = "Undo", Undoing = "Undoing",
    Undone = "Undone", Hold = "Hold", Error = "Error", Wait = "Wait",
});

impl ChangeStatus {
    /// Returns `true` if the change or task is over, with or without success. An unknown status
    /// counts as not over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Done | Self::Undone | Self::Hold | Self::Error)
    }
}

/// A change is one piece of background work with its tasks, as it was when Pebble answered.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    id: ChangeId,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    summary: String,
    status: ChangeStatus,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<Task>,
    #[serde(default)]
    ready: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    err: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spawn_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ready_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl Change {
    /// Returns the id, by which the change is read again.
    #[must_use]
    pub fn id(&self) -> &ChangeId {
        &self.id
    }

    /// Returns the kind: `start`, `stop`, `restart`, `replan`, `autostart`, `exec`,
    /// `perform-check`, `recover-check`, or one of a newer Pebble.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns a line for people, such as `Replan service "web" and 1 more`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> &ChangeStatus {
        &self.status
    }

    /// Returns `true` if Pebble says that the change is over, with or without success.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Returns the reason of a failed change in Pebble's words, often of several lines; `None` if
    /// it did not fail.
    #[must_use]
    pub fn err(&self) -> Option<&str> {
        self.err.as_deref()
    }

    /// Returns the tasks in the order in which Pebble made them. A replan that found nothing to do
    /// has none.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Returns `true` if the change has done all of its work. A change that was aborted between two
    /// tasks is `Done` as well, but the later tasks are not.
    pub(super) fn is_complete(&self) -> bool {
        let is_done = |task: &Task| *task.status() == ChangeStatus::Done;
        self.status == ChangeStatus::Done && self.tasks.iter().all(is_done)
    }

    /// Returns the tasks that ended well only because another change was doing the same.
    pub(super) fn joined_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| {
            let text = if task.kind() == "start" { ALREADY_STARTED } else { ALREADY_STOPPING };
            task.log().iter().any(|entry| entry.ends_with(text))
        })
    }

    /// Returns the time at which Pebble made the change, by the daemon's clock.
    #[must_use]
    pub fn spawn_time(&self) -> Option<Timestamp> {
        self.spawn_time
    }

    /// Returns the time at which it was over; `None` before.
    #[must_use]
    pub fn ready_time(&self) -> Option<Timestamp> {
        self.ready_time
    }

    /// Returns the data that Pebble attached to the change; the versions known so far attach none.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}

/// A task is one step of a change: usually the start or stop of one service.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Task {
    #[serde(default)]
    id: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    summary: String,
    status: ChangeStatus,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    progress: TaskProgress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spawn_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ready_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl Task {
    /// Returns the id. Tasks are counted apart from changes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the kind: `start`, `stop`, `exec`, `perform-check`, `recover-check`, or one of a
    /// newer Pebble.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns a line for people, such as `Start service "web"`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> &ChangeStatus {
        &self.status
    }

    /// Returns the newest log entries, at most ten, oldest first. Each is `<time> INFO|ERROR
    /// <text>`, and the text may have several lines.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Returns the text of the newest error in the log, without its time: the reason of a failed
    /// task or, for a check that goes on failing, of its last failure.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.log.iter().rev().find_map(|entry| {
            let (time, text) = entry.split_once(" ERROR ")?;
            (!time.contains(' ')).then_some(text)
        })
    }

    /// Returns the progress. Pebble's own tasks report only 0 of 1 and 1 of 1.
    #[must_use]
    pub fn progress(&self) -> &TaskProgress {
        &self.progress
    }

    /// Returns the time at which the task was made, by the daemon's clock.
    #[must_use]
    pub fn spawn_time(&self) -> Option<Timestamp> {
        self.spawn_time
    }

    /// Returns the time at which it was over; `None` before.
    #[must_use]
    pub fn ready_time(&self) -> Option<Timestamp> {
        self.ready_time
    }

    /// Returns the data that Pebble attached to the task: `exit-code` for a finished exec, else
    /// nothing.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}

/// The progress of a task: `done` of `total`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TaskProgress {
    label: String,
    done: i64,
    total: i64,
}

impl TaskProgress {
    /// Returns the name of what is counted; it is empty for Pebble's own tasks.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the amount that is done.
    #[must_use]
    pub fn done(&self) -> i64 {
        self.done
    }

    /// Returns the amount that there is to do in all.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_a_change_with_its_tasks() {
        let change: Change = serde_json::from_value(json!({
            "id": "7", "kind": "start", "summary": "Start service \"web\"", "status": "Error",
            "ready": true,
            "err": "cannot perform the following tasks:\n- Start service \"web\" (boom)",
            "spawn-time": "2026-11-22T20:00:09.3Z", "ready-time": "2026-11-22T20:00:10Z",
            "tasks": [{
                "id": "9", "kind": "start", "summary": "Start service \"web\"", "status": "Error",
                "log": ["2026-11-22T20:00:10Z ERROR boom"],
                "progress": {"label": "", "done": 1, "total": 1},
                "spawn-time": "2026-11-22T20:00:09.3Z"
            }]
        }))
        .unwrap();
        assert_eq!(change.id().as_str(), "7");
        assert_eq!(*change.status(), ChangeStatus::Error);
        assert!(change.ready() && change.status().is_ready());
        assert_eq!(change.tasks()[0].log().len(), 1);
        assert_eq!(change.tasks()[0].progress().total(), 1);
        assert!(change.ready_time() > change.spawn_time());
        let again: Change = serde_json::from_value(serde_json::to_value(&change).unwrap()).unwrap();
        assert_eq!(again, change);
    }

    #[test]
    fn tolerates_what_is_absent_null_or_new() {
        let change: Change = serde_json::from_value(json!({
            "id": "1", "status": "Pausing", "tasks": null, "kind": "new-kind", "new-key": 1
        }))
        .unwrap();
        assert_eq!(*change.status(), ChangeStatus::Other("Pausing".into()));
        assert!(!change.ready() && !change.status().is_ready());
        assert!(change.tasks().is_empty() && change.err().is_none());
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_a_path() {
        for bad in ["", "..", "1/2", "1?x", "1 ", "a%2f", "\u{661}", &"1".repeat(65)] {
            assert!(bad.parse::<ChangeId>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<ChangeId>(json!(bad)).is_err());
        }
        assert_eq!("42".parse::<ChangeId>().unwrap().to_string(), "42");
    }

    #[test]
    fn a_failed_service_is_named_with_its_cause_and_last_output() {
        let failures = |summary: &str, log: Value| {
            let change = json!({
                "id": "1", "status": "Error", "err": "cannot perform the following tasks:\n- x (y)",
                "tasks": [
                    {"kind": "start", "status": "Done"},
                    {"kind": "start", "status": "Error", "summary": summary, "log": log},
                ]
            });
            serde_json::from_value::<Change>(change).unwrap().service_failures()
        };
        // Pebble 1.32.1 wrote this log.
        let output = "2026-11-22T20:00:10+01:00 INFO Most recent service output:\n    one\n    \
                      two: ERROR x\n    ";
        let quick = "2026-11-22T20:00:10+01:00 ERROR service start attempt: exited quickly with \
                     code 1, will restart";
        let found = failures("Start service \"a b\"", json!([output, quick]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].service(), "a b");
        assert_eq!(
            found[0].cause(),
            "service start attempt: exited quickly with code 1, will restart"
        );
        assert_eq!(found[0].last_output(), Some("two: ERROR x"));
        // A service that printed nothing has one line of blanks.
        let silent = "2026-11-22T20:00:10Z INFO Most recent service output:\n    ";
        assert_eq!(failures("Start service \"a\"", json!([silent, quick]))[0].last_output(), None);
        // Its last line was blank: Pebble's own stamp stands for it.
        let blank = "2026-11-22T20:00:10Z INFO Most recent service output:\n    ERROR: first\n    \
                     2026-11-22T20:00:09.220Z [a]";
        assert_eq!(
            failures("Start service \"a\"", json!([blank, quick]))[0].last_output(),
            Some("ERROR: first")
        );
        let bare = failures("Start service \"a\"", json!([]));
        assert_eq!((bare[0].last_output(), bare[0].cause().contains("(y)")), (None, true));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes: Vec<u8>) {
            let _ = serde_json::from_slice::<Change>(&bytes);
            let _ = serde_json::from_slice::<Vec<Change>>(&bytes);
        }

        #[test]
        fn any_values_in_place_have_an_answer(
            id in ".{0,8}",
            status in ".{0,8}",
            log in proptest::collection::vec(".{0,40}", 0..4),
            done: i64,
            time in ".{0,30}",
        ) {
            let _ = serde_json::from_value::<Change>(json!({
                "id": id, "status": status, "spawn-time": time,
                "tasks": [{"status": status, "log": log, "progress": {"done": done}}]
            }));
            let failed = serde_json::from_value::<Change>(json!({
                "id": "1", "status": status,
                "tasks": [
                    {"status": "Error", "summary": format!("Start service {id}"), "log": log}
                ]
            }));
            prop_assert_eq!(failed.unwrap().service_failures().len(), 1);
        }
    }
}
