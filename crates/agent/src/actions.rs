//! The methods of [`Unit`] with which the operator runs an action, cancels it and reads its record.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::ActionId;
use serde_json::{Map, Value};

use super::action_record::{ActionRecord, ActionStatus, set_path};
use super::error::{Error, ErrorKind};
use super::unit::Unit;

impl Unit {
    /// Requests a run of an action, as `juju run ACTION KEY=VALUE…` does, and returns its id.
    ///
    /// The parameters are validated by the action's schema, then completed with its defaults. The
    /// action runs before any hook that is due, and on a unit in error too.
    ///
    /// Each value is parsed as YAML, and a key with dots makes nested maps. So `id=010` is the
    /// number 8. Where the schema wants a string, write quotes into the text (`id="010"`).
    ///
    /// # Errors
    /// [`ErrorKind::Action`] if the charm does not declare the action, a key is malformed, a value
    /// is not YAML, or the schema refuses the parameters.
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
            // An empty document would be null in YAML, where Juju has the empty string.
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

    /// Cancels an action, as `juju cancel-task` does. Returns `true` if the action is running: then
    /// the caller kills its processes, and [`Unit::finish`] records the action as aborted.
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

    /// Returns the records of the actions, oldest first. Of the actions that have ended, the last
    /// hundred are kept.
    pub fn actions(&self) -> impl Iterator<Item = &ActionRecord> {
        self.controller.actions.values()
    }

    /// Returns the record of one action, or `None` if there is none with this id.
    #[must_use]
    pub fn action(&self, id: &ActionId) -> Option<&ActionRecord> {
        self.controller.actions.get(id)
    }
}
