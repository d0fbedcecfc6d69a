//! One run of an action, as the controller records it.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::ActionId;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The most bytes of `action-log` that an action keeps; Juju's controller bounds them too. The
/// unit's log has each line.
const ACTION_LOG_LIMIT: usize = 1 << 20;

/// The progress of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ActionStatus {
    /// Waits for its turn.
    Pending,
    /// Runs now.
    Running,
    /// Ended well.
    Completed,
    /// Ended with an error, or said so itself.
    Failed,
    /// Cancelled before it ran.
    Cancelled,
    /// Killed while it ran.
    Aborted,
}

/// One run of an action.
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
    /// It was cancelled while it ran.
    #[serde(skip)]
    pub(super) is_abort_requested: bool,
}

/// A report has a number where Juju's variable has text.
fn as_number<S: Serializer>(id: &ActionId, serializer: S) -> Result<S::Ok, S::Error> {
    id.number().serialize(serializer)
}

impl ActionRecord {
    /// An action that was asked for and waits for its turn.
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

    /// Returns its number.
    #[must_use]
    pub fn id(&self) -> &ActionId {
        &self.id
    }

    /// Returns the action's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its progress.
    #[must_use]
    pub fn status(&self) -> ActionStatus {
        self.status
    }

    /// Returns the reason for which it failed; else an empty text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns all that `action-set` set, with `return-code`, `stdout` and `stderr` once it has
    /// ended.
    #[must_use]
    pub fn results(&self) -> &Map<String, Value> {
        &self.results
    }

    /// Returns the lines of `action-log`, oldest first.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Takes a line of `action-log`; what is too much is in the unit's log alone.
    pub(super) fn add_log(&mut self, line: String) {
        let kept: usize = self.log.iter().map(String::len).sum();
        if kept.saturating_add(line.len()) <= ACTION_LOG_LIMIT {
            self.log.push(line);
        }
    }

    /// Returns `true` if it has come to its end, of whatever kind.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, ActionStatus::Pending | ActionStatus::Running)
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.status, ActionStatus::Failed | ActionStatus::Aborted)
    }
}

/// Puts a value at the end of a path of keys; what is not a map on the way is replaced by one.
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
