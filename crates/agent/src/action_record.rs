//! [`ActionRecord`] is the controller's record of one run of an action.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::ActionId;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The most bytes of `action-log` that the record of an action keeps. Juju's controller limits them
/// too. The unit's log has every line.
const ACTION_LOG_LIMIT: usize = 1 << 20;

/// The status of a run of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ActionStatus {
    /// The action has not begun.
    Pending,
    /// The action runs now.
    Running,
    /// The action exited with 0.
    Completed,
    /// The action failed, or it called `action-fail`.
    Failed,
    /// The operator cancelled the action before it began.
    Cancelled,
    /// The operator cancelled the action while it ran, and its process was killed.
    Aborted,
}

/// The record of one run of an action. It serializes to the form of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActionRecord {
    #[serde(serialize_with = "as_number")]
    id: ActionId,
    name: String,
    pub(super) status: ActionStatus,
    pub(super) message: String,
    #[serde(skip)]
    pub(super) params: Map<String, Value>,
    pub(super) results: Map<String, Value>,
    log: Vec<String>,
    #[serde(skip)]
    pub(super) is_committed: bool,
    /// Set when the operator cancels the action while it runs.
    #[serde(skip)]
    pub(super) is_abort_requested: bool,
}

/// Serializes the id as a number, which a report has where Juju's environment variable has text.
fn as_number<S: Serializer>(id: &ActionId, serializer: S) -> Result<S::Ok, S::Error> {
    id.number().serialize(serializer)
}

impl ActionRecord {
    /// Makes the record of an action that was requested and has not begun.
    pub(super) fn new(id: ActionId, name: &str, params: Map<String, Value>) -> Self {
        Self {
            id,
            name: name.to_owned(),
            status: ActionStatus::Pending,
            message: String::new(),
            params,
            results: Map::new(),
            log: Vec::new(),
            is_committed: false,
            is_abort_requested: false,
        }
    }

    /// Returns the id of this run.
    #[must_use]
    pub fn id(&self) -> &ActionId {
        &self.id
    }

    /// Returns the action's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> ActionStatus {
        self.status
    }

    /// Returns the reason of the failure; empty for an action that has not failed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the results that the action has set with `action-set`. Once it has ended they
    /// include `return-code`, and `stdout` and `stderr` unless they are empty.
    #[must_use]
    pub fn results(&self) -> &Map<String, Value> {
        &self.results
    }

    /// Returns the lines of `action-log`, oldest first.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Adds a line of `action-log`, unless the record has as much as it keeps.
    pub(super) fn add_log(&mut self, line: String) {
        let kept: usize = self.log.iter().map(String::len).sum();
        if kept.saturating_add(line.len()) <= ACTION_LOG_LIMIT {
            self.log.push(line);
        }
    }

    /// Returns `true` if the action has ended, or was cancelled before it began.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, ActionStatus::Pending | ActionStatus::Running)
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.status, ActionStatus::Failed | ActionStatus::Aborted)
    }
}

/// Sets a value at a path of keys. Each key but the last names a map: a missing map is made, and a
/// value that is not a map is replaced by one.
pub(super) fn set_path(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        map.insert((*first).to_owned(), value);
        return;
    }
    let inner = map.entry(*first).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set_path(inner, rest, value);
    }
}
