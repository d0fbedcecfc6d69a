//! The methods of [`Model`] with which the operator runs an action of a unit and cancels it.
//!
//! Source: reference `juju-agent.md` section 8.

use charmwright_juju::{ActionId, UnitName};
use serde_json::{Map, Value};

use super::action_record::{ActionStatus, set_path};
use super::error::{Error, ErrorKind};
use super::model::Model;

impl Model {
    /// Requests a run of an action on a unit, as `juju run UNIT ACTION KEY=VALUE…` does, and
    /// returns its id.
    ///
    /// The parameters are validated by the action's schema, then completed with its defaults. The
    /// action runs before any hook that is due, and on a unit in error too.
    ///
    /// Each value is parsed as YAML, and a key with dots makes nested maps. So `id=010` is the
    /// number 8. Where the schema wants a string, write quotes into the text (`id="010"`).
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::State`] if no charm runs on the unit.
    /// - [`ErrorKind::Action`] if the charm does not declare the action, a key is malformed, a
    ///   value is not YAML, or the schema refuses the parameters.
    pub fn run_action(
        &mut self,
        unit: &UnitName,
        name: &str,
        params: &[(String, String)],
    ) -> Result<ActionId, Error> {
        if !self.live_mut(unit)?.has_agent {
            let why = format!("cannot run action {name:?}: no charm runs on {unit}");
            return Err(Error::new(ErrorKind::State, why));
        }
        let actions = self.unit(unit)?.meta().actions();
        let Some(schema) = actions.get(name) else {
            let known: Vec<&str> = actions.keys().map(String::as_str).collect();
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
        let params = schema.complete_params(&self.settings.juju_version, given).map_err(|why| {
            Error::new(ErrorKind::Action, format!("cannot run action {name:?}: {why}"))
        })?;
        self.last_action = self.last_action.saturating_add(1);
        let id = ActionId::from(self.last_action);
        self.record_mut(unit)?.add_action(id.clone(), name, params);
        Ok(id)
    }

    /// Cancels an action, as `juju cancel-task` does. Returns `true` if the action is running: then
    /// the caller kills its processes, and [`Model::finish`] records the action as aborted.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::State`] if the unit has no such action, or it has ended.
    pub fn cancel_action(&mut self, unit: &UnitName, id: &ActionId) -> Result<bool, Error> {
        let record = self.record_mut(unit)?.actions.get_mut(id);
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
}
