//! [`Model::report`] returns the status of a unit as `juju status` shows it.

use charmwright_juju::{SecretId, UnitName};
use serde::Serialize;

use super::error::Error;
use super::hook::HookKind;
use super::model::Model;
use super::relations::{Databag, Relation, RelationHook, RelationNumber, RelationRecord};
use super::secrets::SecretReport;
use super::shown_status::shown_status;
use super::status::StatusValue;
use super::storage::StorageInstance;
use super::storage_meta::ResourceMeta;
use super::unit::Unit;

/// The status of a unit, for a table or as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// Juju's version.
    pub juju_version: String,
    /// The charm's name.
    pub charm: String,
    /// The application's name.
    pub application: String,
    /// The version of the workload that `application-version-set` has set; empty before.
    pub version: String,
    /// The application's status: the one that the leader has set, or else the worst of its units.
    pub application_status: String,
    /// The message of the application's status.
    pub application_message: String,
    /// The unit's name.
    pub unit: String,
    /// `true` if the unit is its application's leader.
    pub leader: bool,
    /// The unit's status, or `error` if a hook has failed and none runs now.
    pub status: String,
    /// The message of the unit's status; for an error `hook failed: "NAME"`.
    pub message: String,
    /// The status of the agent: `executing`, `idle` or `allocating`. The agent of a unit in error
    /// is `idle` while it waits to run the hook again.
    pub agent_status: String,
    /// The message of the agent's status, such as `running config-changed hook`.
    pub agent_message: String,
    /// The unit's address.
    pub address: String,
    /// The open ports, such as `80/tcp`.
    pub ports: Vec<String>,
    /// The storage instances that belong to the unit, in the order in which they were made.
    pub storage: Vec<StorageReport>,
    /// The resources that the charm declares, sorted by name.
    pub resources: Vec<ResourceReport>,
    /// The workload containers, sorted by name.
    pub containers: Vec<ContainerReport>,
    /// The secrets that the unit or its application owns, and those that the unit has read.
    pub secrets: Vec<SecretReport>,
    /// The relations of the unit's application, in the order of their numbers.
    pub relations: Vec<RelationReport>,
    /// The failed hook of a unit in error.
    pub failed_hook: Option<FailedHookReport>,
}

/// One relation of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RelationReport {
    /// The name of the unit's own endpoint.
    pub endpoint: String,
    /// The interface of the endpoint.
    pub interface: String,
    /// The number of the relation.
    pub id: RelationNumber,
    /// The other application; the unit's own for a peer relation.
    pub remote_app: String,
    /// The remote units of which the charm was told.
    pub units: Vec<String>,
    /// `joining` before the unit has entered the relation, `joined` after that, and `dying` once
    /// the relation or the unit is being removed.
    pub state: String,
    /// The keys of the unit's own databag.
    pub unit_keys: Vec<String>,
    /// The keys of the own application's databag.
    pub app_keys: Vec<String>,
    /// The keys of the remote application's databag.
    pub remote_app_keys: Vec<String>,
}

/// One container of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ContainerReport {
    /// The name of the container.
    pub name: String,
    /// The state of the container's Pebble at the last poll: `up`, `down`, or `unknown` before the
    /// first poll.
    pub pebble: String,
}

/// One storage instance of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StorageReport {
    /// The id, such as `data/0`.
    pub id: String,
    /// The kind: `filesystem` or `block`.
    pub kind: String,
    /// The path at which the charm finds it; empty while it is not provisioned.
    pub location: String,
    /// The state: `pending`, `attached` or `detaching`.
    pub state: String,
}

/// One resource of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResourceReport {
    /// The name of the resource.
    pub name: String,
    /// The kind: `file` or `oci-image`.
    pub kind: String,
    /// The path that `resource-get` prints; empty if the resource has no file.
    pub path: String,
}

/// The failed hook of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailedHookReport {
    /// The full name of the hook.
    pub hook: String,
    /// The number of failures in a row.
    pub failures: u32,
}

impl Model {
    /// Returns the present status of a unit and of its application.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn report(&self, unit: &UnitName) -> Result<Report, Error> {
        self.unit(unit).map(|unit| unit.report())
    }

    /// Returns a secret as `juju secrets` shows it, with what a unit knows of it; the unit need not
    /// have read it. It is `None` if there is no such secret.
    #[must_use]
    pub fn secret_report(&self, unit: &UnitName, secret: &SecretId) -> Option<SecretReport> {
        self.secrets.report_of(&unit.to_string(), secret.id())
    }
}

impl Unit<'_> {
    /// Returns the present status of the unit and of its application.
    #[must_use]
    pub fn report(&self) -> Report {
        let (settings, application, record) = (&self.model.settings, self.application, self.record);
        let lifecycle = &record.lifecycle;
        let StatusValue { status, message } = shown_status(record);
        let (agent_status, agent_message) = match &record.running {
            Some(running) => match &running.run.kind {
                // Juju does not show an update-status that runs (Juju 3.6).
                HookKind::UpdateStatus => ("idle", String::new()),
                HookKind::Action { name, .. } => ("executing", format!("running action {name}")),
                kind => ("executing", running_message(kind)),
            },
            None if record.has_agent && lifecycle.hooks_begun == 0 => ("allocating", String::new()),
            None => ("idle", String::new()),
        };
        let StatusValue { status: application_status, message: application_message } =
            self.model.application_status(application);
        Report {
            model: settings.model_name.clone(),
            juju_version: settings.juju_version.to_string(),
            charm: application.meta.name().to_owned(),
            application: application.name.clone(),
            version: application.version.clone(),
            application_status,
            application_message,
            unit: record.name.to_string(),
            leader: self.is_leader(),
            status,
            message,
            agent_status: agent_status.to_owned(),
            agent_message,
            address: record.address.clone(),
            ports: record.ports.ranges(),
            storage: self.storage_reports(),
            resources: self.resource_reports(),
            containers: lifecycle
                .containers
                .iter()
                .map(|(name, state)| {
                    let pebble = match &state.polled_boot_id {
                        Some(Some(_)) => "up",
                        Some(None) => "down",
                        None => "unknown",
                    };
                    ContainerReport { name: name.clone(), pebble: pebble.to_owned() }
                })
                .collect(),
            secrets: self.model.secrets.report(&record.name.to_string()),
            relations: self.relation_reports(),
            failed_hook: lifecycle.error.as_ref().map(|error| FailedHookReport {
                hook: error.kind.name(),
                failures: error.failures,
            }),
        }
    }

    fn storage_reports(&self) -> Vec<StorageReport> {
        let own = self.model.storages.of(&self.record.name);
        let report = |instance: &StorageInstance| StorageReport {
            id: instance.id().to_string(),
            kind: instance.kind().to_string(),
            location: instance.location().unwrap_or_default().to_owned(),
            state: instance.state().as_str().to_owned(),
        };
        own.map(report).collect()
    }

    fn resource_reports(&self) -> Vec<ResourceReport> {
        let declared = self.application.meta.resources().iter();
        let report = |(name, meta): (&String, &ResourceMeta)| ResourceReport {
            name: name.clone(),
            kind: meta.kind.as_str().to_owned(),
            path: self.application.resources.get(name).cloned().unwrap_or_default(),
        };
        declared.map(report).collect()
    }

    fn relation_reports(&self) -> Vec<RelationReport> {
        let (own, unit) = (self.application.name.as_str(), &self.record.name);
        let keys = |bag: Option<&Databag>| -> Vec<String> {
            bag.into_iter().flat_map(|bag| bag.values().keys().cloned()).collect()
        };
        let report = |relation: &Relation| {
            let remote_app = relation.other_side(own)?.application();
            let record = self.record.relations.get(relation.id());
            let is_ending = relation.is_dying() || self.record.is_dying;
            let members = record.map(RelationRecord::members).unwrap_or_default();
            let state = match record {
                _ if is_ending => "dying",
                Some(_) => "joined",
                None => "joining",
            };
            let endpoint = relation.side(own)?.endpoint();
            Some(RelationReport {
                endpoint: endpoint.name().to_owned(),
                interface: endpoint.interface().to_owned(),
                id: relation.id().into(),
                remote_app: remote_app.to_owned(),
                units: members.into_iter().map(ToString::to_string).collect(),
                state: state.to_owned(),
                unit_keys: keys(relation.unit_bag(unit)),
                app_keys: keys(relation.application_bag(own)),
                remote_app_keys: keys(relation.application_bag(remote_app)),
            })
        };
        self.model.relations.of(own).filter_map(report).collect()
    }
}

/// Returns Juju's message for a hook that runs. It names the remote unit of a relation hook, and
/// the secret of a secret hook.
fn running_message(kind: &HookKind) -> String {
    let remote_unit = kind.relation().and_then(RelationHook::remote_unit);
    match remote_unit.map(ToString::to_string).or(kind.secret_text()) {
        Some(subject) => format!("running {} hook for {subject}", kind.name()),
        None => format!("running {} hook", kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CharmMeta, Deployment, ModelSettings};

    #[test]
    fn a_fresh_unit_reads_as_juju_shows_it() {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}",
            None,
            None,
        )
        .unwrap();
        let mut model = Model::new(ModelSettings::new());
        let units = model.deploy("web", Deployment::charm(meta)).unwrap();
        let report = serde_json::to_value(model.report(&units[0]).unwrap()).unwrap();
        assert_eq!(report["status"], "waiting");
        assert_eq!(report["message"], "installing agent");
        assert_eq!(report["agent-status"], "allocating");
        assert_eq!(report["containers"][0]["pebble"], "unknown");
        assert_eq!(report["application-status"], "waiting");
    }
}
