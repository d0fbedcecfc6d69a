//! [`Unit`] reads one unit of a [`Model`].

use std::collections::BTreeMap;

use charmwright_juju::{ActionId, UnitName};
use serde_json::{Map, Value};

use super::action_record::ActionRecord;
use super::application::Application;
use super::charm_meta::CharmMeta;
use super::config_inputs::ConfigInputs;
use super::error::Error;
use super::log::LogLine;
use super::model::Model;
use super::unit_record::UnitRecord;

/// One unit of a [`Model`], to be read. The methods of the model change it.
///
/// A unit that is gone can still be read, until its application is removed.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a> {
    pub(super) model: &'a Model,
    pub(super) application: &'a Application,
    pub(super) record: &'a UnitRecord,
}

impl Model {
    /// Returns a unit to be read.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn unit(&self, unit: &UnitName) -> Result<Unit<'_>, Error> {
        Ok(Unit {
            model: self,
            application: self.application(unit.application().as_str())?,
            record: self.record(unit)?,
        })
    }
}

impl<'a> Unit<'a> {
    /// Returns the unit's name, such as `web/0`.
    #[must_use]
    pub fn name(&self) -> &'a UnitName {
        &self.record.name
    }

    /// Returns the unit's application.
    #[must_use]
    pub fn application(&self) -> &'a Application {
        self.application
    }

    /// Returns the declarations of the unit's charm.
    #[must_use]
    pub fn meta(&self) -> &'a CharmMeta {
        &self.application.meta
    }

    /// Returns `false` for a unit on which no charm runs, so that it has no hooks.
    #[must_use]
    pub fn has_agent(&self) -> bool {
        self.record.has_agent
    }

    /// Returns `true` if the unit is its application's leader.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.application.leader.as_ref() == Some(&self.record.name)
    }

    /// Returns `true` if the unit runs on Kubernetes: by the model's settings, or else if the charm
    /// declares containers.
    #[must_use]
    pub fn is_kubernetes(&self) -> bool {
        self.model.is_on_kubernetes(self.application)
    }

    /// Returns the state that the charm has stored, without the writes of the running hook.
    #[must_use]
    pub fn state(&self) -> &'a BTreeMap<String, String> {
        &self.record.state
    }

    /// Returns the config that the unit's charm reads now ([`Application::config`]).
    #[must_use]
    pub fn config(&self) -> Map<String, Value> {
        self.application.config()
    }

    /// Returns what config-changed is about.
    pub(super) fn config_inputs(&self) -> ConfigInputs {
        self.application.config_inputs(&self.record.address)
    }

    /// Returns `true` if the unit is being removed, and is not gone yet.
    #[must_use]
    pub fn is_dying(&self) -> bool {
        self.record.is_dying && !self.record.lifecycle.is_gone
    }

    /// Returns `true` if the unit has been removed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.record.lifecycle.is_gone
    }

    /// Returns the lines of the unit's log from `position` on. Position 0 is the first line that
    /// was ever logged. Only the newest 10,000 lines are kept, and of them at most 16 MiB.
    pub fn log(&self, position: u64) -> impl Iterator<Item = &'a LogLine> + use<'a> {
        self.record.log.since(position)
    }

    /// Returns the number of lines that were ever logged. Pass it to [`Unit::log`] next time to
    /// read only the lines that are new then.
    #[must_use]
    pub fn log_position(&self) -> u64 {
        self.record.log.written()
    }

    /// Returns the records of the unit's actions, oldest first. Of the actions that have ended, the
    /// last hundred are kept.
    pub fn actions(&self) -> impl Iterator<Item = &'a ActionRecord> + use<'a> {
        self.record.actions.values()
    }

    /// Returns the record of one action, or `None` if there is none with this id.
    #[must_use]
    pub fn action(&self, id: &ActionId) -> Option<&'a ActionRecord> {
        self.record.actions.get(id)
    }

    /// Returns the id of the action that runs now, or `None` if no action runs.
    #[must_use]
    pub fn running_action(&self) -> Option<&'a ActionId> {
        Some(&self.record.running.as_ref()?.action.as_ref()?.id)
    }
}
