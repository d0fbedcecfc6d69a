//! [`Unit::report`] returns the status of the unit as `juju status` shows it.

use serde::Serialize;

use super::hook::HookKind;
use super::unit::Unit;

/// The status of a unit, for a table or as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// The application's status: the one that the leader has set, or else the status of its unit.
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
    /// The workload containers, sorted by name.
    pub containers: Vec<ContainerReport>,
    /// The failed hook of a unit in error.
    pub failed_hook: Option<FailedHookReport>,
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

/// The failed hook of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailedHookReport {
    /// The full name of the hook.
    pub hook: String,
    /// The number of failures in a row.
    pub failures: u32,
}

impl Unit {
    /// Returns the present status of the unit.
    #[must_use]
    pub fn report(&self) -> Report {
        let controller = &self.controller;
        // While the failed hook runs again, Juju shows the charm's own status.
        let shown_error = self.lifecycle.error.as_ref().filter(|_| self.running.is_none());
        let (status, message) = match shown_error {
            Some(error) => {
                ("error".to_owned(), format!("hook failed: \"{}\"", error.kind.bare_name()))
            }
            None => (controller.status.status.clone(), controller.status.message.clone()),
        };
        let (agent_status, agent_message) = match &self.running {
            Some(running) => match &running.run.kind {
                // Juju does not show an update-status that runs (Juju 3.6).
                HookKind::UpdateStatus => ("idle", String::new()),
                HookKind::Action { name, .. } => ("executing", format!("running action {name}")),
                kind => ("executing", format!("running {} hook", kind.name())),
            },
            None if self.lifecycle.hooks_begun == 0 => ("allocating", String::new()),
            None => ("idle", String::new()),
        };
        let (application_status, application_message) = match &controller.application_status {
            Some(status) => (status.status.clone(), status.message.clone()),
            None => (status.clone(), message.clone()),
        };
        Report {
            model: controller.settings.model_name.clone(),
            juju_version: controller.settings.juju_version.to_string(),
            charm: controller.meta.name().to_owned(),
            application: controller.settings.application.clone(),
            version: controller.version.clone(),
            application_status,
            application_message,
            unit: controller.settings.unit.clone(),
            leader: controller.is_leader,
            status,
            message,
            agent_status: agent_status.to_owned(),
            agent_message,
            address: controller.settings.address.clone(),
            ports: controller.ports.ranges(),
            containers: self
                .lifecycle
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
            failed_hook: self.lifecycle.error.as_ref().map(|error| FailedHookReport {
                hook: error.kind.name(),
                failures: error.failures,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CharmMeta, UnitSettings};

    fn fresh_unit() -> Unit {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}",
            None,
            None,
        )
        .unwrap();
        Unit::new(meta, UnitSettings::new("web/0").unwrap())
    }

    #[test]
    fn a_fresh_unit_reads_as_juju_shows_it() {
        let report = serde_json::to_value(fresh_unit().report()).unwrap();
        assert_eq!(report["status"], "waiting");
        assert_eq!(report["message"], "installing agent");
        assert_eq!(report["agent-status"], "allocating");
        assert_eq!(report["containers"][0]["pebble"], "unknown");
        assert_eq!(report["application-status"], "waiting");
    }
}
