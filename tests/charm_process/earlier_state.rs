//! A unit whose state was written by an earlier version of the library goes on under this one.
//!
//! What `state-get` prints here are the real documents that the library keeps as golden files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use charmwright::dispatch::{CHARM_KEY, FRAMEWORK_KEY, deferred_events};
use charmwright::{
    Charm, Declaration, Event, Hook, Metadata, NoActions, Outcome, Result, RetryPolicy,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::agent::{Agent, Ran};

pub const NAME: &str = "example";

struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = Stored;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new(NAME).containers(&["web", "db"]);
}

/// What the tests have the charm do.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// Every event is deferred again.
    defers: bool,
    /// An update-status asks the Pebble of this container, which is away.
    asks: Option<String>,
}

/// The type of what the charm of the golden file has stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Stored {
    backups: u32,
    left: u32,
}

struct Keeper;

impl Charm for Keeper {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let Stored { backups, left } = *hook.state()?;
        tracing::info!("handles {event} with {backups} backups and {left} left");
        let config = hook.config()?;
        if config.defers {
            return Ok(Outcome::defer("waiting for the moon"));
        }
        match (event, &config.asks) {
            (Event::Install, _) => hook.update_state(|state| state.backups += 1)?,
            (Event::UpdateStatus, Some(container)) => {
                // One attempt tells the phases apart; as many as either allows would take seconds.
                let once = RetryPolicy::once(Duration::from_secs(5));
                hook.container_named(container)?.with_retry(once).system_info().await?;
            }
            _ => {}
        }
        Ok(Outcome::done())
    }
}

/// Runs the charm for one hook.
pub fn main() -> ExitCode {
    charmwright::main(Keeper)
}

/// The tests of this charm.
pub const TESTS: &[(&str, fn())] = &[
    (
        "stored_events_run_oldest_first_and_the_charms_own_state_is_read_and_written",
        stored_events_run_oldest_first_and_the_charms_own_state_is_read_and_written,
    ),
    (
        "what_is_deferred_again_is_written_as_the_earlier_version_wrote_it",
        what_is_deferred_again_is_written_as_the_earlier_version_wrote_it,
    ),
    ("a_container_is_in_the_phase_that_was_stored", a_container_is_in_the_phase_that_was_stored),
];

/// The documents of a unit by their keys, as hook tools carry them.
type Documents = BTreeMap<String, String>;

/// Reads one of the library's golden files.
fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/dispatch/stored/golden");
    fs::read_to_string(folder.join(name)).unwrap().trim_end().to_owned()
}

/// Gives what a unit has stored that has met every event.
fn every_event() -> Documents {
    [
        (FRAMEWORK_KEY.to_owned(), golden("framework-1-every-event.json")),
        (CHARM_KEY.to_owned(), golden("charm-1.json")),
    ]
    .into()
}

/// Gives what a unit has stored that has started, and whose containers have not.
fn started() -> Documents {
    [(FRAMEWORK_KEY.to_owned(), golden("framework-1-started.json"))].into()
}

fn parsed(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document:?}"))
}

/// Runs an update-status on these documents, and gives what was written of them.
fn update_status(stored: &Documents, config: &Value) -> (Ran, Documents) {
    let agent = Agent::new(NAME);
    let (state, options, written) = (agent.path("state"), agent.path("config"), agent.path("set"));
    fs::write(&state, json!(stored).to_string()).unwrap();
    fs::write(&options, config.to_string()).unwrap();
    for (tool, answer) in [
        ("state-get", format!("cat '{}'", state.display())),
        ("config-get", format!("cat '{}'", options.display())),
        ("state-set", format!("cat > '{}'", written.display())),
    ] {
        agent.tools.put(tool, &answer).unwrap();
    }
    let containers = agent.path("containers");
    let ran = agent.run(&[
        ("JUJU_UNIT_NAME", "example/0"),
        ("JUJU_DISPATCH_PATH", "hooks/update-status"),
        ("CHARMWRIGHT_CONTAINERS", containers.to_str().unwrap()),
    ]);
    let written = fs::read_to_string(written).ok();
    assert_eq!(written.is_some(), ran.called("state-set"), "{ran:#?}");
    // It is YAML for Juju, written as JSON.
    (ran, written.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default())
}

impl Ran {
    /// What the charm said of each event that it handled.
    fn handled(&self) -> Vec<&str> {
        self.tools.iter().filter_map(|line| Some(line.split_once("handles ")?.1)).collect()
    }

    /// The statuses that were set.
    fn statuses(&self) -> Vec<&str> {
        self.tools.iter().filter_map(|call| call.strip_prefix("status-set ")).collect()
    }
}

fn stored_events_run_oldest_first_and_the_charms_own_state_is_read_and_written() {
    let (ran, written) = update_status(&every_event(), &json!({}));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    // The stored update-status runs with the one of this hook.
    assert_eq!(
        ran.handled(),
        [
            "install with 3 backups and 0 left",
            "start with 4 backups and 0 left",
            "config-changed with 4 backups and 0 left",
            "upgrade-charm with 4 backups and 0 left",
            "leader-elected with 4 backups and 0 left",
            "db-pebble-ready with 4 backups and 0 left",
            "web-pebble-check-failed with 4 backups and 0 left",
            "web-pebble-check-recovered with 4 backups and 0 left",
            "web-pebble-custom-notice with 4 backups and 0 left",
            "db-relation-changed with 4 backups and 0 left",
            "cache-pebble-ready with 4 backups and 0 left",
            "moon-full with 4 backups and 0 left",
            "update-status with 4 backups and 0 left",
        ]
    );
    assert_eq!(ran.statuses(), ["waiting -- waiting for Pebble in \"db\""]);
    assert_eq!(written.len(), 2, "{written:?}");
    assert_eq!(
        parsed(&written[FRAMEWORK_KEY]),
        json!({
            "version": 1,
            "data": {"started": true, "operation": ["web"], "faults": {}, "queue": []}
        })
    );
    assert_eq!(
        parsed(&written[CHARM_KEY]),
        json!({"version": 1, "data": {"backups": 4, "left": 0}})
    );

    // A unit in which nothing changes writes nothing, so it can be rolled back.
    let (ran, rewritten) = update_status(&written, &json!({}));
    assert_eq!(
        (ran.code, ran.handled()),
        (Some(0), vec!["update-status with 4 backups and 0 left"])
    );
    assert!(rewritten.is_empty(), "{rewritten:?}");
}

fn what_is_deferred_again_is_written_as_the_earlier_version_wrote_it() {
    let (ran, written) = update_status(&every_event(), &json!({"defers": true}));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(ran.handled().len(), 13, "{ran:#?}");
    let mut expected = parsed(&every_event()[FRAMEWORK_KEY]);
    expected["data"]["faults"] = json!({});
    for entry in expected["data"]["queue"].as_array_mut().unwrap() {
        let seen_again = u64::from(entry["event"]["event"] == "update-status");
        entry["count"] = json!(entry["count"].as_u64().unwrap() + seen_again);
        entry["attempts"] = json!(entry["attempts"].as_u64().unwrap() + 1);
        entry["reason"] = json!("waiting for the moon");
        entry["status"] = json!("waiting");
    }
    assert_eq!(parsed(&written[FRAMEWORK_KEY]), expected);
    assert_eq!(written.len(), 1, "the charm's own state has not changed: {written:?}");
}

fn a_container_is_in_the_phase_that_was_stored() {
    let in_operation = |stored: &Documents, container: &str| {
        let (ran, written) = update_status(stored, &json!({"asks": container}));
        let fails = ran.code == Some(1);
        if fails {
            // Juju drops what the hook wrote, and runs it again.
            assert!(written.is_empty() && ran.statuses().is_empty(), "{ran:#?}");
        } else {
            assert_eq!(ran.code, Some(0), "{ran:#?}");
            let deferred = deferred_events(&written[FRAMEWORK_KEY]).unwrap();
            let [entry] = deferred.as_slice() else { panic!("{written:?}") };
            assert_eq!(entry.event(), &Event::UpdateStatus);
            assert!(matches!(*ran.statuses(), [told] if told.starts_with("waiting")), "{ran:#?}");
        }
        fails
    };
    assert!(in_operation(&every_event(), "web"));
    assert!(!in_operation(&every_event(), "db"));
    assert!(!in_operation(&started(), "web"));
}
