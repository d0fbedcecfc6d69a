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
    /// The agent's own status: `executing`, `idle` or `allocating`. An error is the unit's; the
    /// agent that waits to try again is `idle`.
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
    /// How often Juju has sent it, where the framework says so.
    pub count: Option<u64>,
    /// How often it has been tried, where the framework says so.
    pub attempts: Option<u64>,
    /// When it was first stored, in seconds since 1970 in UTC, where the framework says so.
    pub since: Option<u64>,
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
        let controller = &self.controller;
        let shown_error = self.life.error.as_ref().filter(|_| self.running.is_none());
        let (status, message) = match shown_error {
            Some(error) => {
                ("error".to_owned(), format!("hook failed: \"{}\"", error.kind.bare_name()))
            }
            None => (controller.status.status.clone(), controller.status.message.clone()),
        };
        let (agent_status, agent_message) = match &self.running {
            Some(running) => match &running.run.kind {
                HookKind::UpdateStatus => ("idle", String::new()),
                HookKind::Action { name, .. } => ("executing", format!("running action {name}")),
                kind => ("executing", format!("running {} hook", kind.name())),
            },
            None if self.life.hooks_begun == 0 => ("allocating", String::new()),
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
            leader: controller.leader,
            status,
            message,
            agent_status: agent_status.to_owned(),
            agent_message,
            address: controller.settings.address.clone(),
            ports: controller.ports.ranges(),
            containers: self
                .life
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
            failed_hook: self.life.error.as_ref().map(|error| FailedHookReport {
                hook: error.kind.name(),
                failures: error.failures,
            }),
        }
    }

    /// The stored events in charmwright's document, as far as it can be read: another framework's,
    /// or a newer one, shows as none.
    fn deferred(&self) -> Vec<DeferredReport> {
        let Some(document) = self
            .controller
            .state
            .get(FRAMEWORK_KEY)
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
        else {
            return Vec::new();
        };
        let queue =
            document.get("data").unwrap_or(&document).get("queue").and_then(Value::as_array);
        queue
            .into_iter()
            .flatten()
            .map(|entry| {
                let text = |key: &str| {
                    entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                let number = |key: &str| entry.get(key).and_then(Value::as_u64);
                DeferredReport {
                    event: entry.get("event").map(event_name).unwrap_or_default(),
                    reason: text("reason"),
                    count: number("count"),
                    attempts: number("attempts"),
                    since: number("since"),
                }
            })
            .collect()
    }
}

/// The hook's name from an event that is a name, or a map with a name and what it is about.
fn event_name(event: &Value) -> String {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    match (event.as_str().or_else(|| text("event")), text("container"), text("hook")) {
        (_, _, Some(hook)) => hook.to_owned(),
        (Some(kind), Some(container), None) => format!("{container}-{kind}"),
        (Some(kind), None, None) => kind.to_owned(),
        (None, _, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CharmMeta, UnitSettings};

    fn unit_with(document: &str) -> Unit {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}",
            None,
            None,
        )
        .unwrap();
        let mut unit = Unit::new(meta, UnitSettings::new("web/0").unwrap());
        unit.controller.state.insert(FRAMEWORK_KEY.to_owned(), document.to_owned());
        unit
    }

    #[test]
    fn deferred_events_are_shown_by_their_hook() {
        let unit = unit_with(
            r#"{"version":1,"data":{"started":true,"queue":[
                {"event":{"event":"config-changed"},"count":2,"attempts":3,"since":1,
                    "reason":"no Pebble","status":"waiting"},
                {"event":{"event":"pebble-ready","container":"web"},"reason":"x"},
                {"event":{"event":"unknown","hook":"db-relation-changed"}}]}}"#,
        );
        let deferred = unit.report().deferred;
        let names: Vec<&str> = deferred.iter().map(|event| event.event.as_str()).collect();
        assert_eq!(names, ["config-changed", "web-pebble-ready", "db-relation-changed"]);
        assert_eq!(
            (deferred[0].count, deferred[0].attempts, deferred[0].since),
            (Some(2), Some(3), Some(1))
        );
        assert_eq!((deferred[0].reason.as_str(), deferred[1].since), ("no Pebble", None));
    }

    #[test]
    fn a_document_of_another_shape_shows_as_none() {
        for document in [
            "",
            "{",
            "[]",
            "7",
            r#"{"queue":{}}"#,
            r#"{"data":[]}"#,
            r#"{"version":9,"data":{"queue":"x"}}"#,
        ] {
            assert_eq!(unit_with(document).report().deferred, [], "{document}");
        }
        // What is not understood inside is left empty, never a panic.
        assert_eq!(unit_with(r#"{"queue":[1,null,{"event":[]}]}"#).report().deferred.len(), 3);
    }

    #[test]
    fn a_fresh_unit_reads_as_juju_shows_it() {
        let report = serde_json::to_value(unit_with("").report()).unwrap();
        assert_eq!(report["status"], "waiting");
        assert_eq!(report["message"], "installing agent");
        assert_eq!(report["agent-status"], "allocating");
        assert_eq!(report["containers"][0]["pebble"], "unknown");
        assert_eq!(report["application-status"], "waiting");
    }
}
