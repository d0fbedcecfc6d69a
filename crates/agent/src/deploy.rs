//! The methods of [`Model`] that add an application and its units.

use charmwright_juju::UnitName;

use super::application::Application;
use super::deployment::Deployment;
use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::lifecycle::Lifecycle;
use super::model::Model;
use super::names::is_application;
use super::operator::{NOT_ALIVE, unrecognized_resource};
use super::storage_commands::check_deployment;
use super::unit_record::UnitRecord;

/// Juju's text for a unit that the operator adds to a subordinate (source: Juju 3.6, `state`).
const SUBORDINATE: &str = "application is a subordinate";

impl Model {
    /// Adds an application with its first units, as `juju deploy` does, and returns the names of
    /// the units. The first of them leads the application.
    ///
    /// # Errors
    /// - [`ErrorKind::Setting`] if `name` is not the name of an application.
    /// - [`ErrorKind::State`] if the model has an application of this name.
    /// - [`ErrorKind::Config`] if the deployment sets an option that the charm does not declare, or
    ///   to a value that does not fit its type.
    /// - [`ErrorKind::Storage`] if the charm does not declare a storage of the deployment, or not
    ///   so many instances of it, or if it declares shared storage, which no Juju supports.
    /// - [`ErrorKind::Resource`] if the charm does not declare a resource of the deployment.
    pub fn deploy(&mut self, name: &str, deployment: Deployment) -> Result<Vec<UnitName>, Error> {
        // `ApplicationName` accepts every name that any Juju may print; this is the rule of a new
        // application.
        if !is_application(name) {
            return Err(Error::new(
                ErrorKind::Setting,
                format!(
                    "cannot use {name:?} as an application's name: Juju wants words joined by \
                     hyphens, with a letter in each"
                ),
            ));
        }
        if self.applications.contains_key(name) {
            return Err(Error::new(
                ErrorKind::State,
                format!("cannot add application {}: application already exists", go_quote(name)),
            ));
        }
        if deployment.first_unit_number.checked_add(deployment.units).is_none() {
            let text = format!("cannot add application {}: it has too many units", go_quote(name));
            return Err(Error::new(ErrorKind::Setting, text));
        }
        let mut application = Application::new(name, &deployment);
        check_deployment(&application.meta, &deployment.storages, deployment.units, &self.storages)
            .map_err(|why| {
                let text = format!("cannot add application {}: {why}", go_quote(name));
                Error::new(ErrorKind::Storage, text)
            })?;
        for (key, value) in &deployment.config {
            application.set_option(key, value)?;
        }
        let mut resources = deployment.resources.keys();
        if let Some(unknown) = resources.find(|resource| !application.meta.has_resource(resource)) {
            let why = unrecognized_resource(unknown);
            let text = format!("cannot add application {}: {why}", go_quote(name));
            return Err(Error::new(ErrorKind::Resource, text));
        }
        self.relations.add_peers(name, application.meta.endpoints().values());
        self.applications.insert(name.to_owned(), application);
        let has_charm = self.application(name)?.has_charm;
        (0..deployment.units).map(|_| self.insert_unit(name, has_charm, true)).collect()
    }

    /// Adds a unit to an application, as `juju add-unit` does, and returns its name. It leads the
    /// application if no other unit does, unless the operator has taken the leadership away.
    ///
    /// The numbers of removed units are not used again. On Kubernetes Juju gives a unit the number
    /// of its pod, so there it may use one again, which the model does not.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if the application is being removed, or if it is a subordinate: each
    ///   unit of its principal gets one of its units.
    /// - [`ErrorKind::Storage`] if the model has no room for the storage of another unit.
    pub fn add_unit(&mut self, application: &str) -> Result<UnitName, Error> {
        let known = self.application(application)?;
        let has_charm = known.has_charm;
        if known.meta.is_subordinate() {
            let name = go_quote(application);
            let text = format!("cannot add unit to application {name}: {SUBORDINATE}");
            return Err(Error::new(ErrorKind::State, text));
        }
        self.insert_unit(application, has_charm, true)
    }

    /// Adds a unit of a subordinate, which runs beside a unit of its principal.
    ///
    /// # Errors
    /// As [`Model::add_unit`], which refuses a subordinate.
    pub(super) fn add_subordinate_unit(&mut self, application: &str) -> Result<UnitName, Error> {
        let has_charm = self.application(application)?.has_charm;
        self.insert_unit(application, has_charm, true)
    }

    /// Adds a unit on which no charm runs to an application, and returns its name.
    ///
    /// It stands for another unit of a charm's application, beside those whose hooks run: it counts
    /// as a unit everywhere, and it has no hooks. It leads only if [`Model::set_leader`] appoints
    /// it.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if the application is being removed.
    pub fn add_played_unit(&mut self, application: &str) -> Result<UnitName, Error> {
        self.insert_unit(application, false, false)
    }

    fn insert_unit(
        &mut self,
        application: &str,
        has_agent: bool,
        may_lead: bool,
    ) -> Result<UnitName, Error> {
        let now = self.now();
        if has_agent {
            self.check_unit_storage(application)?;
        }
        let machine_id = self.machine_of_next_unit(application)?;
        let application = self.application_mut(application)?;
        if application.is_dying {
            let name = go_quote(&application.name);
            let text = format!("cannot add unit to application {name}: {NOT_ALIVE}");
            return Err(Error::new(ErrorKind::State, text));
        }
        let number = application.next_unit_number;
        let text = format!("{}/{number}", application.name);
        let name: UnitName =
            text.parse().map_err(|_| Error::new(ErrorKind::Setting, cannot_name(&text)))?;
        let next = number.checked_add(1);
        application.next_unit_number =
            next.ok_or_else(|| Error::new(ErrorKind::Setting, cannot_name(&text)))?;
        let record = UnitRecord::new(
            name.clone(),
            application.address.clone(),
            machine_id,
            has_agent,
            Lifecycle::new(&application.meta),
            now,
        );
        if may_lead && application.elects_leader && application.leader.is_none() {
            application.leader = Some(name.clone());
        }
        self.units.insert(name.clone(), record);
        if has_agent {
            self.make_unit_storage(&name);
        }
        self.settle_remotes();
        Ok(name)
    }

    /// Returns the id of the machine that a new unit runs on, which is empty on Kubernetes. Juju
    /// sets the id for every unit on machines, and a charm tells by it where it is.
    fn machine_of_next_unit(&mut self, application: &str) -> Result<String, Error> {
        let application = self.application(application)?;
        if self.is_on_kubernetes(application) || !application.machine_id.is_empty() {
            return Ok(application.machine_id.clone());
        }
        let number = self.next_machine;
        self.next_machine = number.saturating_add(1);
        Ok(number.to_string())
    }
}

fn cannot_name(unit: &str) -> String {
    format!("cannot add unit {unit}: the model has no number for the next unit")
}
