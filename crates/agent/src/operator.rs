//! The methods of [`Model`] that are the operator's commands on an application or on a unit that is
//! there.

use charmwright_juju::UnitName;

use super::charm_meta::CharmMeta;
use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::lifecycle::Retry;
use super::log::Stream;
use super::model::Model;
use super::network::Network;

/// The way in which `juju resolved` ends the error of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// The failed hook runs again at once.
    Retry,
    /// `--no-retry`: the failed hook counts as done.
    NoRetry,
}

/// Juju's text for an application that is being removed (source: Juju 3.6, `state`).
pub(super) const NOT_ALIVE: &str = "application is not found or not alive";

/// Returns Juju's text for a resource that the charm does not declare (Juju 3.6, `cmd/juju`).
pub(super) fn unrecognized_resource(name: &str) -> String {
    format!("unrecognized resource {}", go_quote(name))
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
        let name = unit.application().as_str();
        self.change_leader(name, Some(unit))?;
        self.application_mut(name)?.elects_leader = true;
        Ok(())
    }

    /// Takes the leadership from the unit that leads an application, and gives it to none.
    ///
    /// In Juju that lasts only until a unit has claimed it. Here the application has no leader
    /// until [`Model::set_leader`] appoints one, so that a test can look at the time between.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn unset_leader(&mut self, application: &str) -> Result<(), Error> {
        self.application_mut(application)?.elects_leader = false;
        self.change_leader(application, None)
    }

    pub(super) fn change_leader(
        &mut self,
        application: &str,
        leader: Option<&UnitName>,
    ) -> Result<(), Error> {
        if let Some(leader) = leader {
            self.live_mut(leader)?;
        }
        let application = self.application_mut(application)?;
        let last = std::mem::replace(&mut application.leader, leader.cloned());
        if last.as_ref() == leader {
            return Ok(());
        }
        for unit in [last.as_ref(), leader].into_iter().flatten() {
            if let Some(record) = self.units.get_mut(unit) {
                record.lifecycle.leadership_changed();
            }
        }
        Ok(())
    }

    /// Refreshes an application to a charm, as `juju refresh` does. An option keeps its value if
    /// the new charm declares it and the value fits its new type.
    ///
    /// On a machine upgrade-charm becomes due on every unit, then config-changed. On Kubernetes the
    /// pod of every unit ends, as after [`Model::end_pod`], and its next pod has the new charm.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if the application is being removed or has no charm, if only one of
    ///   the two charms is a subordinate, or if the new charm does not declare the endpoint of a
    ///   relation with another application, or limits it to fewer relations than there are, or if
    ///   it changes a storage in what Juju cannot change.
    pub fn refresh(&mut self, application: &str, meta: CharmMeta) -> Result<(), Error> {
        self.check_refresh(application, &meta)?;
        // Of the old charm, since an application stays on the cloud that it is on.
        let is_kubernetes = self.is_on_kubernetes(self.application(application)?);
        let known = self.application_mut(application)?;
        known.refresh(meta.clone());
        self.make_missing_storage(application);
        self.relations.remove_stale_peers(application, &meta);
        self.relations.add_peers(application, meta.endpoints().values());
        self.upgrade_units(application, &meta, is_kubernetes);
        // The grants in a relation that has gone end too.
        self.settle_remotes();
        Ok(())
    }

    /// Checks that [`Model::refresh`] takes a charm, and changes nothing. A caller who puts the
    /// files of the charm in place asks before.
    ///
    /// # Errors
    /// As [`Model::refresh`].
    pub fn check_refresh(&self, application: &str, meta: &CharmMeta) -> Result<(), Error> {
        let known = self.application(application)?;
        let name = go_quote(application);
        let refuse = |why: &str| {
            let text = format!("cannot refresh application {name}: {why}");
            Err(Error::new(ErrorKind::State, text))
        };
        if known.is_dying {
            return refuse(NOT_ALIVE);
        }
        if !known.has_charm {
            return refuse("it has no charm");
        }
        if known.meta.is_subordinate() != meta.is_subordinate() {
            return refuse("cannot change an application's subordinacy");
        }
        if let Err(why) = self.relations.check_refresh(application, meta) {
            return refuse(&why);
        }
        if let Err(why) = self.check_storage_refresh(known, meta) {
            return refuse(&why);
        }
        Ok(())
    }

    /// Makes upgrade-charm due on every unit of an application, on Kubernetes in a new pod.
    fn upgrade_units(&mut self, application: &str, meta: &CharmMeta, is_kubernetes: bool) {
        for unit in self.units.values_mut() {
            let is_here = unit.name.application().as_str() == application;
            if !is_here || !unit.has_agent || unit.lifecycle.is_gone {
                continue;
            }
            match is_kubernetes {
                true => unit.lifecycle.is_pod_ending = true,
                false => unit.lifecycle.refresh(meta),
            }
        }
    }

    /// Gives a resource of an application another file, as `juju attach-resource APPLICATION
    /// NAME=FILE` does. `path` is what `resource-get NAME` prints from now on.
    ///
    /// Juju takes a resource for a part of the charm: as after [`Model::refresh`], upgrade-charm
    /// becomes due on every unit, on Kubernetes in a new pod. If the file has the bytes that the
    /// resource has already, Juju does nothing of that, so the caller, who can read the file, does
    /// not call this method then.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::Resource`] if the charm does not declare the resource.
    /// - [`ErrorKind::State`] if the application is being removed.
    pub fn attach_resource(
        &mut self,
        application: &str,
        name: &str,
        path: impl Into<String>,
    ) -> Result<(), Error> {
        let is_kubernetes = self.is_on_kubernetes(self.application(application)?);
        let known = self.application_mut(application)?;
        let refuse = |kind, why: &str| {
            let name = go_quote(name);
            Err(Error::new(kind, format!("cannot attach resource {name} to {application}: {why}")))
        };
        if known.is_dying {
            return refuse(ErrorKind::State, NOT_ALIVE);
        }
        if !known.meta.has_resource(name) {
            return refuse(ErrorKind::Resource, &unrecognized_resource(name));
        }
        known.resources.insert(name.to_owned(), path.into());
        let meta = known.meta.clone();
        self.upgrade_units(application, &meta, is_kubernetes);
        Ok(())
    }

    /// Gives an application the right to use the model's cloud credential, or takes it away, as
    /// `juju trust` does. config-changed becomes due on each unit.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn trust(&mut self, application: &str, is_trusted: bool) -> Result<(), Error> {
        self.application_mut(application)?.is_trusted = is_trusted;
        Ok(())
    }

    /// Sets the network that `network-get` prints for a binding of an application, which is an
    /// endpoint or an extra binding. Without it every binding has the address of the unit.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::Relation`] if its charm does not declare the binding.
    pub fn set_network(
        &mut self,
        application: &str,
        binding: &str,
        network: Network,
    ) -> Result<(), Error> {
        let known = self.application_mut(application)?;
        if !known.meta.has_binding(binding) {
            let binding = go_quote(binding);
            let text =
                format!("cannot set the network of {binding}: {application} has no such binding");
            return Err(Error::new(ErrorKind::Relation, text));
        }
        known.networks.insert(binding.to_owned(), network);
        Ok(())
    }

    /// Gives a unit another address. config-changed becomes due on it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn set_address(&mut self, unit: &UnitName, address: &str) -> Result<(), Error> {
        self.live_mut(unit)?.address = address.to_owned();
        Ok(())
    }

    /// Makes update-status due on a unit now, before its interval has passed. It runs when no other
    /// hook is due.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn update_status(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.live_mut(unit)?.lifecycle.is_update_status_due = true;
        Ok(())
    }

    /// Tells the model that the agent of a unit has restarted, in the same pod or on the same
    /// machine. `start` becomes due again, and so does pebble-ready for every container.
    ///
    /// A hook that ran meanwhile has failed, and runs again as after any failure. An action has
    /// failed, and does not run again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such unit.
    pub fn agent_restarted(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.live_mut(unit)?;
        self.interrupt(unit)?;
        let record = self.record_mut(unit)?;
        record.lifecycle.agent_restarted();
        record.secret_hooks.agent_restarted();
        self.forget_relation_reads(unit);
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
        self.live_mut(unit)?;
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
                    let inputs = application.config_inputs(&record.address);
                    record.complete(&error.kind, inputs, None);
                    self.complete_secret_hook(unit, &error.kind, None);
                    self.take_done_hook(unit, &error.kind);
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
