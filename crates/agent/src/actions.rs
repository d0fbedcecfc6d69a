//! The operator's verbs on actions: asking for one, cancelling one, reading what came of it.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::ActionId;
use serde_json::{Map, Value};

use super::action_record::{ActionRecord, ActionStatus, set_path};
use super::error::{Error, ErrorKind};
use super::unit::Unit;

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
        let Some(schema) = self.controller.meta.actions().get(name) else {
            let known: Vec<&str> =
                self.controller.meta.actions().keys().map(String::as_str).collect();
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
        let params =
            schema.complete_params(&self.controller.settings.juju_version, given).map_err(
                |why| Error::new(ErrorKind::Action, format!("cannot run action {name:?}: {why}")),
            )?;
        Ok(self.controller.add_action(name, params))
    }

    /// `juju cancel-task`. Returns whether the action runs now: then the caller kills its
    /// processes, and its end is recorded as aborted.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if there is no such action, or it has ended.
    pub fn cancel_action(&mut self, id: &ActionId) -> Result<bool, Error> {
        let record = self.controller.actions.get_mut(id);
        let refuse =
            |why: &str| Error::new(ErrorKind::State, format!("cannot cancel action {id}: {why}"));
        let record = record.ok_or_else(|| refuse("there is no such action"))?;
        match record.status {
            ActionStatus::Pending => {
                record.status = ActionStatus::Cancelled;
                Ok(false)
            }
            ActionStatus::Running => {
                record.is_abort_requested = true;
                Ok(true)
            }
            ActionStatus::Completed
            | ActionStatus::Failed
            | ActionStatus::Cancelled
            | ActionStatus::Aborted => Err(refuse("it has ended")),
        }
    }

    /// The actions asked for, oldest first; of those that have ended, the last hundred.
    pub fn actions(&self) -> impl Iterator<Item = &ActionRecord> {
        self.controller.actions.values()
    }

    /// One of them.
    #[must_use]
    pub fn action(&self, id: &ActionId) -> Option<&ActionRecord> {
        self.controller.actions.get(id)
    }
}
