//! Changes and tasks: what Pebble says about work that it does in the background.
//!
//! A change is one request (start, replan, …) and holds one task per service. Both are read as they
//! come: an unknown kind or status is kept, and absent fields are absent, since older daemons leave
//! some out.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timestamp::Timestamp;
use super::wire::{null_as_default, wire_id, wire_words};

/// A start ends well and says so when the service runs, or is within its first second. (Pebble
/// 1.32, `internals/overlord/servstate/handlers.go`.)
const ALREADY_STARTED: &str = " already started.";

/// A stop ends well and says so when the service is still ending (the same file).
const ALREADY_STOPPING: &str = " already stopping.";

/// The id of a change, which stands in request paths: 1 to 64 ASCII letters, digits, `-` or `_`
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

/// Where a change or a task stands. [`Self::is_ready`] says whether it will move again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeStatus {
    /// Queued.
    Do,
    /// Running.
    Doing,
    /// Over: it succeeded, or it was aborted and could not be undone.
    Done,
    /// Being aborted.
    Abort,
    /// To be undone.
    Undo,
    /// Being undone.
    Undoing,
    /// Over: undone.
    Undone,
    /// Over: it never ran, because an earlier task failed or it was aborted.
    Hold,
    /// Over: it failed.
    Error,
    /// Waiting for something outside.
    Wait,
    /// A status that this version does not know.
    Other(String),
}

wire_words!(ChangeStatus {
    Do = "Do", Doing = "Doing", Done = "Done", Abort = "Abort", Undo = "Undo", Undoing = "Undoing",
    Undone = "Undone", Hold = "Hold", Error = "Error", Wait = "Wait",
});

impl ChangeStatus {
    /// Whether it is over, well or badly. An unknown status is not taken for the end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Done | Self::Undone | Self::Hold | Self::Error)
    }
}

/// One piece of background work and its tasks, as it stood when Pebble answered.
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
    /// The id to ask for it by.
    #[must_use]
    pub fn id(&self) -> &ChangeId {
        &self.id
    }

    /// What was asked for: `start`, `stop`, `restart`, `replan`, `autostart`, `exec`,
    /// `perform-check`, `recover-check`, or newer.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// One line for people, such as `Replan service "web" and 1 more`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> &ChangeStatus {
        &self.status
    }

    /// Whether it is over, well or badly, as Pebble says.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Why it failed, in Pebble's words and often on several lines; `None` unless it did.
    #[must_use]
    pub fn err(&self) -> Option<&str> {
        self.err.as_deref()
    }

    /// Its tasks in the order in which Pebble made them; none for a replan that found nothing to
    /// do.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Returns `true` if it has done all of its work. One that was aborted between two tasks is
    /// `Done`, too, and the tasks that were to follow are not.
    pub(super) fn is_complete(&self) -> bool {
        let is_done = |task: &Task| *task.status() == ChangeStatus::Done;
        self.status == ChangeStatus::Done && self.tasks.iter().all(is_done)
    }

    /// Gives the tasks that ended well only because another change had begun the same.
    pub(super) fn joined_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| {
            let text = if task.kind() == "start" { ALREADY_STARTED } else { ALREADY_STOPPING };
            task.log().iter().any(|entry| entry.ends_with(text))
        })
    }

    /// When Pebble took it on, by the daemon's clock.
    #[must_use]
    pub fn spawn_time(&self) -> Option<Timestamp> {
        self.spawn_time
    }

    /// When it was over; `None` before.
    #[must_use]
    pub fn ready_time(&self) -> Option<Timestamp> {
        self.ready_time
    }

    /// Anything else that Pebble attached; nothing in the versions known so far.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}

/// One step of a change: usually the start or the stop of one service.
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
    /// The id, which is a counter of its own beside that of changes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it does: `start`, `stop`, `exec`, `perform-check`, `recover-check`, or newer.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// One line for people, such as `Start service "web"`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> &ChangeStatus {
        &self.status
    }

    /// At most its ten newest log entries, oldest first, each `<time> INFO|ERROR <text>`; a text
    /// may have several lines.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// The text of its newest error, without the time: why it failed or, for a check that goes on
    /// failing, why it did last.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.log.iter().rev().find_map(|entry| {
            let (time, text) = entry.split_once(" ERROR ")?;
            (!time.contains(' ')).then_some(text)
        })
    }

    /// How far it is. Tasks of Pebble itself never say more than 0 of 1 and 1 of 1.
    #[must_use]
    pub fn progress(&self) -> &TaskProgress {
        &self.progress
    }

    /// When it was made, by the daemon's clock.
    #[must_use]
    pub fn spawn_time(&self) -> Option<Timestamp> {
        self.spawn_time
    }

    /// When it was over; `None` before.
    #[must_use]
    pub fn ready_time(&self) -> Option<Timestamp> {
        self.ready_time
    }

    /// What Pebble attached: `exit-code` for a finished exec, else nothing.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}

/// How far a task is: `done` of `total`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TaskProgress {
    label: String,
    done: i64,
    total: i64,
}

impl TaskProgress {
    /// What is being counted; empty for Pebble's own tasks.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How much is done.
    #[must_use]
    pub fn done(&self) -> i64 {
        self.done
    }

    /// How much there is to do.
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
        // As Pebble 1.32.1 wrote it.
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
