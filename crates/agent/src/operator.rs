//! The methods of [`Model`] that are the operator's commands on an application or on a unit that is
//! there.

use charmwright_juju::UnitName;

use super::charm_meta::CharmMeta;
use super::error::{Error, ErrorKind};
use super::lifecycle::Retry;
use super::log::Stream;
use super::model::Model;

/// The way in which `juju resolved` ends the error of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// The failed hook runs again at once.
    Retry,
    /// `--no-retry`: the failed hook counts as done.
    NoRetry,
}

impl Model {
    /// Sets a config option, as `juju config APPLICATION KEY=VALUE` does. The value is parsed by
    /// the option's type. config-changed becomes due on each unit whose last one saw another
    /// config.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::Config`] if the charm does not declare the option, or the value does not fit
    ///   its type.
    pub fn set_config(&mut self, application: &str, key: &str, value: &str) -> Result<(), Error> {
        self.application_mut(application)?.set_option(key, value)
    }

    /// Resets a config option to its default, as `juju config APPLICATION --reset KEY` does.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::Config`] if the charm does not declare the option.
    pub fn reset_config(&mut self, application: &str, key: &str) -> Result<(), Error> {
        self.application_mut(application)?.reset_option(key)
    }

    /// Makes a unit the leader of its application. leader-elected becomes due on it, and the unit
    /// that led before loses the leadership.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn set_leader(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.change_leader(unit.application().as_str(), Some(unit))
    }

    /// Takes the leadership from the unit that leads an application, and gives it to none. In Juju
    /// that lasts until another unit has claimed it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn unset_leader(&mut self, application: &str) -> Result<(), Error> {
        self.change_leader(application, None)
    }

    fn change_leader(&mut self, application: &str, leader: Option<&UnitName>) -> Result<(), Error> {
        if let Some(leader) = leader {
            self.record(leader)?;
        }
        let application = self.application_mut(application)?;
        let last = std::mem::replace(&mut application.leader, leader.cloned());
        if last.as_ref() == leader {
            return Ok(());
        }
        for (unit, leads) in [(last.as_ref(), false), (leader, true)] {
            if let Some(record) = unit.and_then(|unit| self.units.get_mut(unit)) {
                record.lifecycle.leadership_changed(leads);
            }
        }
        Ok(())
    }

    /// Refreshes a unit to the same charm on a machine, as `juju refresh` does: upgrade-charm
    /// becomes due, then config-changed.
    ///
    /// On Kubernetes a refresh replaces the pod instead: call [`Model::end_pod`], then
    /// [`Model::pod_started`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn upgrade(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.record_mut(unit)?.lifecycle.is_upgrade_due = true;
        Ok(())
    }

    /// Refreshes an application to a charm with other declarations, as `juju refresh` does on
    /// machines: upgrade-charm becomes due on every unit, then config-changed. An option keeps its
    /// value if the new charm declares it and the value fits its new type.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn refresh(&mut self, application: &str, meta: CharmMeta) -> Result<(), Error> {
        let known = self.application_mut(application)?;
        known.refresh(meta.clone());
        for unit in self.units.values_mut() {
            if unit.name.application().as_str() == application {
                unit.lifecycle.refresh(&meta);
            }
        }
        Ok(())
    }

    /// Removes a unit, as `juju remove-unit` does: `stop` becomes due, then `remove`, and
    /// [`Model::next`] returns [`Next::Gone`](super::Next::Gone) after them. A unit in error stays
    /// in error until it is resolved.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn remove_unit(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.record_mut(unit)?.is_dying = true;
        Ok(())
    }

    /// Makes update-status due on a unit now, before its interval has passed. It runs when no other
    /// hook is due.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn update_status(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.record_mut(unit)?.lifecycle.is_update_status_due = true;
        Ok(())
    }

    /// Tells the model that the agent of a unit has restarted, in the same pod or on the same
    /// machine. `start` becomes due again, and so does pebble-ready for every container.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn agent_restarted(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.record_mut(unit)?.lifecycle.agent_restarted();
        Ok(())
    }

    /// Ends the error of a unit, as `juju resolved` does.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::State`] if the unit is not in error, or if a hook is running.
    pub fn resolved(&mut self, unit: &UnitName, how: Resolve) -> Result<(), Error> {
        let refuse =
            |why: &str| Error::new(ErrorKind::State, format!("cannot resolve {unit}: {why}"));
        let (record, application) = self.both_mut(unit)?;
        // An action may run: it runs in error too, and does not touch the failed hook.
        if record.running.as_ref().is_some_and(|running| running.action.is_none()) {
            return Err(refuse("a hook is running"));
        }
        if record.lifecycle.error.is_none() {
            return Err(refuse("it is not in an error state"));
        }
        match how {
            Resolve::Retry => {
                if let Some(error) = &mut record.lifecycle.error {
                    // The delays grow from 5 seconds again, but the failures still count.
                    error.backoff_step = 0;
                    error.retry = Retry::Now;
                }
            }
            Resolve::NoRetry => {
                if let Some(error) = record.lifecycle.error.take() {
                    record.complete(&error.kind, application.config(), None);
                }
            }
        }
        Ok(())
    }

    /// Logs a line that the running hook or action of a unit has just printed: a line of standard
    /// output at level DEBUG, one of standard error at WARNING. It does nothing when no hook runs.
    ///
    /// It is for a caller that reads the output while the hook runs. After the first call
    /// [`Model::finish`] does not log the output again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn hook_printed(
        &mut self,
        unit: &UnitName,
        stream: Stream,
        line: &str,
    ) -> Result<(), Error> {
        let record = self.record_mut(unit)?;
        if let Some(running) = &mut record.running {
            running.has_streamed_output = true;
            record.log.push(stream.level(), running.run.output_logger(), line.to_owned());
        }
        Ok(())
    }
}
