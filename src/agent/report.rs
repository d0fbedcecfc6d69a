//! What `juju status` would show of the unit.

use serde::Serialize;
use serde_json::Value;

use super::hook::HookKind;
use super::unit::Unit;

/// The unit in words and lists, for a table or as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// Juju's version.
    pub juju_version: String,
    /// The charm's name.
    pub charm: String,
    /// The application's name.
    pub application: String,
    /// What application-version-set said; may be empty.
    pub version: String,
    /// The application's status: its own if the leader set one, else its unit's.
    pub application_status: String,
    /// What goes with it.
    pub application_message: String,
    /// The unit's name.
    pub unit: String,
    /// Whether it leads.
    pub leader: bool,
    /// The unit's status; `error` while a hook has failed and none runs.
    pub status: String,
    /// What goes with it; in error `hook failed: "NAME"`.
    pub message: String,
    /// The agent's own status: `executing`, `idle`, `error` or `allocating`. `juju status` shows the error in the unit's column and `idle` here.
    pub agent_status: String,
    /// What goes with it: `running config-changed hook`.
    pub agent_message: String,
    /// The unit's address.
    pub address: String,
    /// Open ports, such as `80/tcp`.
    pub ports: Vec<String>,
    /// The containers, sorted by name.
    pub containers: Vec<ContainerReport>,
    /// Events that the charm's framework has stored to run again, oldest first.
    pub deferred: Vec<DeferredReport>,
    /// The failed hook, while the unit is in error.
    pub failed_hook: Option<FailedHookReport>,
}

/// One container of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContainerReport {
    /// Its name.
    pub name: String,
    /// `up`, `down`, or `unknown` before the first poll.
    pub pebble: String,
}

/// One stored event of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeferredReport {
    /// Its name, such as `config-changed`.
    pub event: String,
    /// Why it was put off; may be empty.
    pub reason: String,
    /// How often it has been tried, where the framework says so.
    pub attempts: Option<u64>,
}

/// The failed hook of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedHookReport {
    /// Its name.
    pub hook: String,
    /// How often it has failed in a row.
    pub failures: u32,
}

/// The key of the state under which charmwright keeps its own document.
const FRAMEWORK_KEY: &str = "charmwright";

impl Unit {
    /// The unit as it stands.
    #[must_use]
    pub fn report(&self) -> Report {
        let shown_error = self.error.as_ref().filter(|_| self.running.is_none());
        let (status, message) = match shown_error {
            Some(error) => ("error".to_owned(), format!("hook failed: \"{}\"", error.kind.bare_name())),
            None => (self.status.status.clone(), self.status.message.clone()),
        };
        let (agent_status, agent_message) = match &self.running {
            Some(running) => match &running.run.kind {
                HookKind::UpdateStatus => ("idle", String::new()),
                HookKind::Action { name, .. } => ("executing", format!("running action {name}")),
                kind => ("executing", format!("running {} hook", kind.name())),
            },
            None if shown_error.is_some() => ("error", message.clone()),
            None if self.hooks_begun == 0 => ("allocating", String::new()),
            None => ("idle", String::new()),
        };
        let (application_status, application_message) = match &self.application_status {
            Some(status) => (status.status.clone(), status.message.clone()),
            None => (status.clone(), message.clone()),
        };
        Report {
            model: self.settings.model_name.clone(),
            juju_version: self.settings.juju_version.to_string(),
            charm: self.meta.name().to_owned(),
            application: self.settings.application.clone(),
            version: self.version.clone(),
            application_status,
            application_message,
            unit: self.settings.unit.clone(),
            leader: self.leader,
            status,
            message,
            agent_status: agent_status.to_owned(),
            agent_message,
            address: self.settings.address.clone(),
            ports: self.ports.ranges(),
            containers: self
                .containers
                .iter()
                .map(|(name, state)| {
                    let pebble = match &state.polled {
                        Some(Some(_)) => "up",
                        Some(None) => "down",
                        None => "unknown",
                    };
                    ContainerReport { name: name.clone(), pebble: pebble.to_owned() }
                })
                .collect(),
            deferred: self.deferred(),
            failed_hook: self.error.as_ref().map(|error| FailedHookReport { hook: error.kind.name(), failures: error.failures }),
        }
    }

    /// The stored events in charmwright's document, as far as it can be read: another framework's, or a newer one, shows as none.
    fn deferred(&self) -> Vec<DeferredReport> {
        let Some(document) = self.state.get(FRAMEWORK_KEY).and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            return Vec::new();
        };
        let queue = ["queue", "deferred", "events"].iter().find_map(|key| document.get(key)?.as_array());
        queue
            .into_iter()
            .flatten()
            .map(|entry| {
                let text = |keys: &[&str]| keys.iter().find_map(|key| event_name(entry.get(key)?)).unwrap_or_default();
                DeferredReport {
                    event: event_name(entry).unwrap_or_else(|| text(&["event", "name", "hook", "path", "dispatch_path"])),
                    reason: text(&["reason", "last_reason"]),
                    attempts: entry.get("attempts").and_then(Value::as_u64),
                }
            })
            .collect()
    }
}

/// A name as text, or the name inside a map that describes an event.
fn event_name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(map) => {
            ["name", "hook", "kind", "type"].iter().find_map(|key| map.get(*key)?.as_str()).map(str::to_owned)
        }
        _ => None,
    }
}
