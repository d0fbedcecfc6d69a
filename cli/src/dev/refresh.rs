//! The command `upgrade`: the charm is copied or built again, and replaces the one that runs. On
//! Kubernetes that is a new pod.

use std::mem;

use super::charm_folder;
use super::charm_source::PreparedCharm;
use super::container::Container;
use super::phase::Phase;
use super::refresh_state::Refresh;
use super::resources::Resource;
use super::session::Session;
use super::session_event::SessionEvent;
use crate::error::{Error, Result};

impl Session {
    /// Begins a refresh. The charm is copied or built first, while the unit goes on.
    pub(super) fn upgrade(&mut self) -> Result<()> {
        if self.refresh.is_under_way() {
            return Err(Error::new("cannot refresh the charm: it is being refreshed already"));
        }
        self.refresh = Refresh::Preparing;
        if self.charm.project().is_some() {
            self.terminal_output.print_detail("building the charm");
        }
        let (charm, next, sender) =
            (self.charm.clone(), self.workspace.next_charm(), self.event_sender.clone());
        // A thread of its own: a build takes minutes, and the loop must go on meanwhile.
        std::thread::spawn(move || {
            let _ = sender.send(SessionEvent::CharmPrepared(charm.prepare(&next)));
        });
        Ok(())
    }

    /// Handles the end of the copy or build.
    pub(super) fn charm_prepared(&mut self, outcome: Result<PreparedCharm>) {
        self.refresh = Refresh::None;
        let outcome = outcome.and_then(|charm| {
            let has_container = |name: &str| self.container(name).is_some();
            let new_container =
                charm.meta.containers().find(|name| !has_container(name)).map(str::to_owned);
            match new_container {
                None => Ok(charm),
                Some(new_container) => Err(Error::new(format!(
                    "cannot refresh the charm: it has a new container {new_container:?}"
                ))
                .because("containers are made at the start")
                .advice("quit and start again")),
            }
        });
        match outcome {
            Ok(charm) => self.refresh = Refresh::Prepared(charm),
            Err(error) => self.fail_command(&error.chain()),
        }
    }

    /// Continues a refresh once no hook runs. On a machine the files are replaced now, also while a
    /// failed hook waits for its retry, as `juju refresh --force-units` does. On Kubernetes the pod
    /// is asked to end.
    pub(super) fn continue_refresh(&mut self) {
        if self.phase != Phase::Alive || !matches!(self.refresh, Refresh::Prepared(_)) {
            return;
        }
        let Refresh::Prepared(charm) = mem::replace(&mut self.refresh, Refresh::None) else {
            return;
        };
        // Before the files are replaced or the pod ends: a charm that Juju refuses leaves the unit
        // as it was.
        if let Err(error) = self.check_refresh(&charm) {
            self.fail_command(&error.chain());
            return;
        }
        if self.model.unit(&self.unit).is_ok_and(|unit| unit.is_kubernetes()) {
            self.end_pod_for(Some(charm));
            let _ = self.model.end_pod(&self.unit);
            return;
        }
        let refreshed = self.replace_charm_files(&charm, true).and_then(|()| {
            self.model
                .refresh(self.unit.application().as_str(), charm.meta)
                .map_err(|error| Error::new("cannot refresh the charm").because(error))
        });
        if let Err(error) = refreshed {
            self.fail_command(&error.chain());
        }
    }

    fn check_refresh(&self, charm: &PreparedCharm) -> Result<()> {
        self.model
            .check_refresh(self.unit.application().as_str(), &charm.meta)
            .map_err(|error| Error::new("cannot refresh the charm").because(error))
    }

    /// Records that the pod ends for an upgrade, to the charm or to another file of a resource.
    fn end_pod_for(&mut self, charm: Option<PreparedCharm>) {
        let running = self.containers.iter().filter(|container| container.is_running());
        let running = running.map(|container| container.name.clone()).collect();
        self.refresh = Refresh::PodEnding(charm, running);
    }

    /// Gives a resource another file, and returns what is to be told. As in Juju that is an upgrade
    /// of the charm, on Kubernetes in a new pod.
    pub(super) fn attach_resource(&mut self, name: &str, file: &str) -> Result<String> {
        if self.refresh.is_under_way() {
            return Err(Error::new(format!("cannot attach the resource {name}"))
                .because("the charm is being refreshed")
                .advice("wait until the unit is settled"));
        }
        let unit = self.model.unit(&self.unit).map_err(|error| Error::new(error.to_string()))?;
        let is_kubernetes = unit.is_kubernetes();
        let resource =
            Resource::read(unit.meta(), &self.juju_version, &self.workspace, name, file)?;
        if resource.is_unchanged() {
            return Ok(format!("{name} has these bytes already, so that Juju does nothing"));
        }
        let path = resource.path().display().to_string();
        // Before the model has it: a file that cannot be written leaves the unit as it was.
        resource.store()?;
        self.model
            .attach_resource(self.unit.application().as_str(), name, path)
            .map_err(|error| Error::new(error.to_string()))?;
        if is_kubernetes {
            self.end_pod_for(None);
        }
        Ok(format!("{name} has a new file: {}", resource.path().display()))
    }

    /// Starts the next pod once every container of the last one has ended, and returns `false`
    /// while one still runs. A unit that is being removed gets no next pod.
    pub(super) fn start_pod(&mut self) -> bool {
        if self.phase != Phase::Alive || !matches!(self.refresh, Refresh::PodEnding(..)) {
            let _ = self.model.pod_started(&self.unit);
            return true;
        }
        for container in &mut self.containers {
            if container.is_running() && !container.is_changing() {
                container.stop();
            }
        }
        if self.containers.iter().any(Container::is_running) {
            return false;
        }
        let Refresh::PodEnding(charm, running) = mem::replace(&mut self.refresh, Refresh::None)
        else {
            return true;
        };
        let replaced = charm.map_or(Ok(()), |charm| {
            // Asked again: a command may have added a relation or storage while the pod ended.
            self.check_refresh(&charm)?;
            self.replace_charm_files(&charm, false)?;
            self.model
                .refresh(self.unit.application().as_str(), charm.meta)
                .map_err(|error| Error::new("cannot refresh the charm").because(error))
        });
        let _ = self.model.pod_started(&self.unit);
        // A pod that keeps its charm has its containers too.
        let started = self.pebble.clone().map_or(Ok(()), |pebble| {
            self.containers
                .iter_mut()
                .filter(|container| running.contains(&container.name))
                .try_for_each(|container| container.start(&pebble))
        });
        if let Err(error) = replaced.and(started) {
            self.fail_command(&error.chain());
        }
        true
    }

    /// Replaces the charm's folder by the new one. Files that the unit has put there stay on a
    /// machine, and are removed with a pod.
    fn replace_charm_files(&mut self, charm: &PreparedCharm, keep_unit_files: bool) -> Result<()> {
        let kept = keep_unit_files.then_some(&self.charm_files);
        charm_folder::replace(&self.charm_dir, &self.workspace.next_charm(), kept)?;
        self.charm_files.clone_from(&charm.files);
        Ok(())
    }
}
