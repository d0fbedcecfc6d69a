//! Actions: asking for one, and what comes of it.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::ActionId;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::error::{Error, ErrorKind};
use super::errors_retry::{HookExit, go_signal};
use super::hook::HookKind;
use super::hook_run::Running;
use super::unit::Unit;

/// How many actions that have ended are remembered, each with what it printed.
const ENDED_KEPT: usize = 100;
/// How many bytes of `action-log` an action keeps; Juju's controller bounds them too. The unit's
/// log has each line.
const LOG_KEPT: usize = 1 << 20;

/// How far an action is.
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
    pub(super) name: String,
    pub(super) status: ActionStatus,
    message: String,
    #[serde(skip)]
    pub(super) params: Map<String, Value>,
    results: Map<String, Value>,
    log: Vec<String>,
    #[serde(skip)]
    pub(super) committed: bool,
    #[serde(skip)]
    abort: bool,
}

/// A report has a number where Juju's variable has text.
fn as_number<S: Serializer>(id: &ActionId, serializer: S) -> Result<S::Ok, S::Error> {
    id.number().serialize(serializer)
}

impl ActionRecord {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> &ActionId {
        &self.id
    }

    /// The action's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> ActionStatus {
        self.status
    }

    /// Why it failed; else empty.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What `action-set` set, with `return-code`, `stdout` and `stderr` once it has ended.
    #[must_use]
    pub fn results(&self) -> &Map<String, Value> {
        &self.results
    }

    /// What `action-log` said.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Takes a line of `action-log`; what is too much is in the unit's log alone.
    pub(super) fn add_log(&mut self, line: String) {
        let kept: usize = self.log.iter().map(String::len).sum();
        if kept.saturating_add(line.len()) <= LOG_KEPT {
            self.log.push(line);
        }
    }

    /// Whether it has come to its end, of whatever kind.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, ActionStatus::Pending | ActionStatus::Running)
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.status, ActionStatus::Failed | ActionStatus::Aborted)
    }
}

impl Unit {
    /// `juju run ACTION KEY=VALUE…`: checked against the action's schema, then filled up with its
    /// defaults. It runs before hooks, in error too.
    ///
    /// A value is read as YAML, and a key with dots nests. So `id=010` is the number 8: where the
    /// schema wants a string, the text is written with quotes of its own (`id="010"`).
    ///
    /// # Errors
    /// [`ErrorKind::Action`] for an action that the charm does not declare, or parameters that its
    /// schema refuses.
    pub fn run_action(
        &mut self,
        name: &str,
        params: &[(String, String)],
    ) -> Result<ActionId, Error> {
        let Some(schema) = self.meta.actions().get(name) else {
            let known: Vec<&str> = self.meta.actions().keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::new(
                ErrorKind::Action,
                format!(
                    "cannot run action {name:?}: the charm has no such action (it has: {known})"
                ),
            ));
        };
        let mut given = Map::new();
        for (key, value) in params {
            let refuse = |why: &str| {
                Error::new(ErrorKind::Action, format!("cannot run action {name:?}: {key}: {why}"))
            };
            let value = if value.is_empty() {
                Value::String(String::new())
            } else {
                charmwright_yaml::juju::value(value.as_bytes()).map_err(|why| {
                    refuse(&format!(
                        "the value is no YAML, which Juju reads it as: {}",
                        why.reason()
                    ))
                })?
            };
            let path: Vec<&str> = key.split('.').collect();
            if path.iter().any(|part| part.is_empty()) {
                return Err(refuse("expected a key, or keys joined by dots"));
            }
            set_path(&mut given, &path, value);
        }
        let params = schema.admit(&self.settings.juju_version, given).map_err(|why| {
            Error::new(ErrorKind::Action, format!("cannot run action {name:?}: {why}"))
        })?;
        let last = self.actions.keys().next_back().and_then(ActionId::number);
        let id = ActionId::from(last.unwrap_or_default().saturating_add(1));
        let record = ActionRecord {
            id: id.clone(),
            name: name.to_owned(),
            status: ActionStatus::Pending,
            message: String::new(),
            params,
            results: Map::new(),
            log: Vec::new(),
            committed: false,
            abort: false,
        };
        self.actions.insert(id.clone(), record);
        self.forget_old_actions();
        Ok(id)
    }

    /// `juju cancel-task`. Returns whether the action runs now: then the caller kills its
    /// processes, and its end is recorded as aborted.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if there is no such action, or it has ended.
    pub fn cancel_action(&mut self, id: &ActionId) -> Result<bool, Error> {
        let record = self.actions.get_mut(id);
        let refuse =
            |why: &str| Error::new(ErrorKind::State, format!("cannot cancel action {id}: {why}"));
        let record = record.ok_or_else(|| refuse("there is no such action"))?;
        match record.status {
            ActionStatus::Pending => {
                record.status = ActionStatus::Cancelled;
                Ok(false)
            }
            ActionStatus::Running => {
                record.abort = true;
                Ok(true)
            }
            ActionStatus::Completed
            | ActionStatus::Failed
            | ActionStatus::Cancelled
            | ActionStatus::Aborted => Err(refuse("it has ended")),
        }
    }

    fn forget_old_actions(&mut self) {
        let ended = self.actions.values().filter(|record| record.has_ended());
        let ended: Vec<ActionId> = ended.map(|record| record.id.clone()).collect();
        for id in ended.iter().take(ended.len().saturating_sub(ENDED_KEPT)) {
            self.actions.remove(id);
        }
    }

    /// The actions asked for, oldest first; of those that have ended, the last hundred.
    pub fn actions(&self) -> impl Iterator<Item = &ActionRecord> {
        self.actions.values()
    }

    /// One of them.
    #[must_use]
    pub fn action(&self, id: &ActionId) -> Option<&ActionRecord> {
        self.actions.get(id)
    }

    /// An action never puts the unit in error: whatever went wrong is its own result.
    pub(super) fn finish_action(
        &mut self,
        mut running: Running,
        exit: &HookExit,
        stdout: &[u8],
        stderr: &[u8],
    ) -> ActionRecord {
        let (id, name) = match &running.run.kind {
            HookKind::Action { id, name } => (id.clone(), name.clone()),
            other => (ActionId::from(0), other.name()),
        };
        let mut results = std::mem::take(&mut running.action_results);
        let failed = running.action_failed.take();
        let mut stderr = stderr.to_vec();
        let code = match exit {
            HookExit::Code(code) => *code,
            HookExit::Signal(_) => -1,
            HookExit::Missing | HookExit::NotStarted(_) => 1,
        };
        let mut committed = false;
        let (mut status, mut message) = match exit {
            HookExit::Code(0) => match self.commit(&mut running) {
                Ok(()) => {
                    committed = true;
                    match failed {
                        None => (ActionStatus::Completed, String::new()),
                        Some(message) => (ActionStatus::Failed, message),
                    }
                }
                // Juju leaves the code that the program ended with.
                Err(why) => {
                    stderr.push(b'\n');
                    stderr.extend_from_slice(why.as_bytes());
                    (ActionStatus::Failed, "committing requested changes failed".to_owned())
                }
            },
            HookExit::Code(code) => (ActionStatus::Failed, format!("exit status {code}")),
            // Its runner makes one error of both signals, and that error's text is the message.
            HookExit::Signal(9 | 15) => (ActionStatus::Failed, "terminated".to_owned()),
            HookExit::Signal(signal) => (ActionStatus::Failed, go_signal(*signal)),
            HookExit::Missing => (
                ActionStatus::Failed,
                format!("action not implemented on unit {:?}", self.settings.unit),
            ),
            HookExit::NotStarted(why) => (ActionStatus::Failed, why.clone()),
        };
        results.insert("return-code".to_owned(), Value::from(code));
        put_output(&mut results, "stdout", stdout);
        put_output(&mut results, "stderr", &stderr);
        let record = self.actions.entry(id.clone()).or_insert_with(|| ActionRecord {
            id,
            name,
            status: ActionStatus::Running,
            message: String::new(),
            params: Map::new(),
            results: Map::new(),
            log: Vec::new(),
            committed: false,
            abort: false,
        });
        if record.abort && matches!(exit, HookExit::Signal(_)) {
            (status, message) = (ActionStatus::Aborted, "action cancelled".to_owned());
        }
        record.status = status;
        record.message = message;
        record.results = results;
        record.committed = committed;
        record.clone()
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

fn put_output(results: &mut Map<String, Value>, name: &str, output: &[u8]) {
    if output.is_empty() {
        return;
    }
    match std::str::from_utf8(output) {
        Ok(text) => {
            results.insert(name.to_owned(), Value::from(text));
        }
        Err(_) => {
            results.insert(name.to_owned(), Value::from(base64(output)));
            results.insert(format!("{name}-encoding"), Value::from("base64"));
        }
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = ((group >> (18 - 6 * place)) & 63) as usize;
            let character = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(character) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("\u{0}", "AA=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe]), "//4=");
    }
}
