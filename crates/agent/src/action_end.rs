//! `Model::finish_action` records the end of an action. A failed action does not put the unit in
//! error: the failure is in the action's own status and message.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::UnitName;
use serde_json::{Map, Value};

use super::action_record::{ActionRecord, ActionStatus};
use super::base64;
use super::error::Error;
use super::hook_exit::{HookExit, go_signal};
use super::model::Model;
use super::running::{ActionOutput, PendingWrites};

/// The end of the program that has run an action.
pub(super) struct ProgramOutput<'a> {
    pub(super) exit: &'a HookExit,
    pub(super) stdout: &'a [u8],
    pub(super) stderr: &'a [u8],
}

impl Model {
    /// Records the status, the message and the results of an action that has ended, and commits its
    /// writes if it exited with 0.
    pub(super) fn finish_action(
        &mut self,
        unit: &UnitName,
        name: &str,
        action: ActionOutput,
        writes: PendingWrites,
        output: &ProgramOutput<'_>,
    ) -> Result<ActionRecord, Error> {
        let ActionOutput { id, params, mut results, failed } = action;
        let mut stderr = output.stderr.to_vec();
        let code = match output.exit {
            HookExit::Code(code) => *code,
            HookExit::Signal(_) => -1,
            // There is no exit code where no program ran.
            HookExit::Missing | HookExit::NotStarted(_) => 1,
        };
        let mut is_committed = false;
        let (mut status, mut message) = match output.exit {
            HookExit::Code(0) => match self.commit(unit, writes) {
                Ok(()) => {
                    is_committed = true;
                    // `action-fail` sets the status only: the writes are committed all the same.
                    match failed {
                        None => (ActionStatus::Completed, String::new()),
                        Some(message) => (ActionStatus::Failed, message),
                    }
                }
                // Juju keeps the exit code of the program, 0, as the `return-code` (measured).
                Err(why) => {
                    stderr.push(b'\n');
                    stderr.extend_from_slice(why.as_bytes());
                    (ActionStatus::Failed, "committing requested changes failed".to_owned())
                }
            },
            HookExit::Code(code) => (ActionStatus::Failed, format!("exit status {code}")),
            // Juju's runner has one error for both signals, whose text is `terminated` (measured).
            HookExit::Signal(9 | 15) => (ActionStatus::Failed, "terminated".to_owned()),
            HookExit::Signal(signal) => (ActionStatus::Failed, go_signal(*signal)),
            HookExit::Missing => {
                (ActionStatus::Failed, format!("action not implemented on unit \"{unit}\""))
            }
            HookExit::NotStarted(why) => (ActionStatus::Failed, why.clone()),
        };
        // `action-set` may have set this key, which is not a reserved one.
        results.insert("return-code".to_owned(), Value::from(code));
        insert_output(&mut results, "stdout", output.stdout);
        insert_output(&mut results, "stderr", &stderr);
        let record = self.record_mut(unit)?.actions.entry(id.clone());
        let record = record.or_insert_with(|| ActionRecord::new(id, name, params));
        // An action that ended by itself before it was killed keeps its own status.
        if record.is_abort_requested && matches!(output.exit, HookExit::Signal(_)) {
            (status, message) = (ActionStatus::Aborted, "action cancelled".to_owned());
        }
        record.status = status;
        record.message = message;
        record.results = results;
        record.is_committed = is_committed;
        Ok(record.clone())
    }
}

/// Inserts the output of one stream: as text, or in base64 if it is not UTF-8 (Juju 3.6).
fn insert_output(results: &mut Map<String, Value>, name: &str, output: &[u8]) {
    if output.is_empty() {
        return;
    }
    match std::str::from_utf8(output) {
        Ok(text) => {
            results.insert(name.to_owned(), Value::from(text));
        }
        Err(_) => {
            results.insert(name.to_owned(), Value::from(base64::encode(output)));
            results.insert(format!("{name}-encoding"), Value::from("base64"));
        }
    }
}
