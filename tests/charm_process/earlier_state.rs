//! These tests give a charm a state that an earlier version of the library has written, as after a
//! refresh of the charm.
//!
//! `state-get` prints documents here that such a version has written, the library's golden files.

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

/// The name of the charm.
pub const NAME: &str = "example";

struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = Stored;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new(NAME).containers(&["web", "db"]);
}

/// The options by which the tests choose what the charm does.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// `true` if the charm defers every event.
    defers: bool,
    /// The container whose Pebble an update-status asks. No Pebble runs in these tests.
    asks: Option<String>,
}

/// The charm's own state, in the form of the golden file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Stored {
    backups: u32,
    left: u32,
}

/// A charm that logs each event that it handles, with its state.
struct Keeper;

impl Charm for Keeper {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let Stored { backups, left } = *hook.state()?;
        tracing::info!("handles {event} with {backups} backups and {left} left");
        if let Event::RelationChanged(changed) = event {
            let unit = changed.unit().map_or_else(String::new, ToString::to_string);
            tracing::info!("sees {} of {} {unit}", changed.id(), changed.application());
        }
        let config = hook.config()?;
        if config.defers {
            return Ok(Outcome::defer("waiting for the moon"));
        }
        match (event, &config.asks) {
            (Event::Install, _) => hook.update_state(|state| state.backups += 1)?,
            (Event::UpdateStatus, Some(container)) => {
                // One attempt is enough to tell the phases apart. The default policies would take
                // seconds.
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
    (
        "a_stored_event_has_its_own_data_in_the_hook_of_another_relation",
        a_stored_event_has_its_own_data_in_the_hook_of_another_relation,
    ),
    (
        "stored_events_of_a_relation_that_is_gone_are_dropped_but_not_those_of_its_end",
        stored_events_of_a_relation_that_is_gone_are_dropped_but_not_those_of_its_end,
    ),
];

/// The documents of a unit by their keys, as `state-get` and `state-set` have them.
type Documents = BTreeMap<String, String>;

/// Reads one of the library's golden files.
fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/dispatch/stored/golden");
    fs::read_to_string(folder.join(name)).unwrap().trim_end().to_owned()
}

/// Returns the state of a unit that has deferred an event of every kind.
fn every_event() -> Documents {
    [
        (FRAMEWORK_KEY.to_owned(), golden("framework-1-every-event.json")),
        (CHARM_KEY.to_owned(), golden("charm-1.json")),
    ]
    .into()
}

/// Returns the state of a unit that has started and has not reached a Pebble yet.
fn started() -> Documents {
    [(FRAMEWORK_KEY.to_owned(), golden("framework-1-started.json"))].into()
}

/// Parses a document.
fn parsed(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document:?}"))
}

/// Returns the state of a unit that has deferred events of a relation, a storage and secrets.
fn relations() -> Documents {
    let document = golden("framework-1-relations-storage-secrets.json");
    [(FRAMEWORK_KEY.to_owned(), document)].into()
}

/// Runs update-status with these documents as the state, and returns those that were written. The
/// unit has the relation db:7 and the storage data/0.
fn update_status(stored: &Documents, config: &Value) -> (Ran, Documents) {
    run_hook("update-status", &[], r#"["db:7"]"#, stored, config)
}

/// Runs a hook with these variables, relations and documents, and returns the documents that were
/// written.
fn run_hook(
    hook: &str,
    variables: &[(&str, &str)],
    relations: &str,
    stored: &Documents,
    config: &Value,
) -> (Ran, Documents) {
    let agent = Agent::new(NAME);
    let (state, options, written) = (agent.path("state"), agent.path("config"), agent.path("set"));
    fs::write(&state, json!(stored).to_string()).unwrap();
    fs::write(&options, config.to_string()).unwrap();
    for (tool, answer) in [
        ("state-get", format!("cat '{}'", state.display())),
        ("config-get", format!("cat '{}'", options.display())),
        ("state-set", format!("cat > '{}'", written.display())),
        ("relation-ids", format!("echo '{relations}'")),
        ("storage-list", r#"echo '["data/0"]'"#.to_owned()),
    ] {
        agent.tools.put(tool, &answer).unwrap();
    }
    let containers = agent.path("containers");
    let path = format!("hooks/{hook}");
    let own = [
        ("JUJU_UNIT_NAME", "example/0"),
        ("JUJU_DISPATCH_PATH", &*path),
        ("CHARMWRIGHT_CONTAINERS", containers.to_str().unwrap()),
    ];
    let ran = agent.run(&[&own[..], variables].concat());
    let written = fs::read_to_string(written).ok();
    assert_eq!(written.is_some(), ran.called("state-set"), "{ran:#?}");
    // `state-set` takes YAML. The library writes JSON, which is YAML, too.
    (ran, written.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default())
}

impl Ran {
    /// Returns the charm's log line of each event that it has handled, oldest first.
    fn handled(&self) -> Vec<&str> {
        self.tools.iter().filter_map(|line| Some(line.split_once("handles ")?.1)).collect()
    }

    /// Returns the relations whose change the charm has seen, oldest first.
    fn changes(&self) -> Vec<&str> {
        self.tools.iter().filter_map(|line| Some(line.split_once("sees ")?.1)).collect()
    }

    /// Returns the statuses that were set, oldest first.
    fn statuses(&self) -> Vec<&str> {
        self.tools.iter().filter_map(|call| call.strip_prefix("status-set ")).collect()
    }
}

fn stored_events_run_oldest_first_and_the_charms_own_state_is_read_and_written() {
    let (ran, written) = update_status(&every_event(), &json!({}));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    // The stored update-status is merged with the one of this hook, so it runs only once.
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

    // A hook that changes nothing writes nothing, so the charm can still be rolled back to the
    // earlier version.
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
    // A Pebble that cannot be reached fails the hook if the container is in operation. Otherwise
    // the event is deferred.
    let is_in_operation = |stored: &Documents, container: &str| {
        let (ran, written) = update_status(stored, &json!({"asks": container}));
        let fails = ran.code == Some(1);
        if fails {
            // Juju drops what a failed hook has written and runs it again, so it writes nothing.
            assert!(written.is_empty() && ran.statuses().is_empty(), "{ran:#?}");
        } else {
            assert_eq!(ran.code, Some(0), "{ran:#?}");
            let deferred = deferred_events(&written[FRAMEWORK_KEY]).unwrap();
            let [entry] = deferred.as_slice() else { panic!("{written:?}") };
            assert_eq!(entry.event(), &Event::UpdateStatus);
            assert!(
                matches!(*ran.statuses(), [status] if status.starts_with("waiting")),
                "{ran:#?}"
            );
        }
        fails
    };
    assert!(is_in_operation(&every_event(), "web"));
    assert!(!is_in_operation(&every_event(), "db"));
    assert!(!is_in_operation(&started(), "web"));
}

fn a_stored_event_has_its_own_data_in_the_hook_of_another_relation() {
    let variables = [
        ("JUJU_RELATION", "db"),
        ("JUJU_RELATION_ID", "db:8"),
        ("JUJU_REMOTE_APP", "redis"),
        ("JUJU_REMOTE_UNIT", "redis/3"),
    ];
    let (hook, relations) = ("db-relation-changed", r#"["db:7","db:8"]"#);
    let defers = json!({"defers": true});
    let (ran, written) = run_hook(hook, &variables, relations, &every_event(), &defers);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(ran.changes(), ["db:7 of pg pg/0", "db:8 of redis redis/3"]);

    // Both are stored now, and both have their own data in a hook that is about no relation.
    let (ran, written) = run_hook("config-changed", &[], relations, &written, &json!({}));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(ran.changes(), ["db:7 of pg pg/0", "db:8 of redis redis/3"]);
    assert_eq!(ran.tools.iter().filter(|call| call.starts_with("relation-ids")).count(), 1);
    assert!(deferred_events(&written[FRAMEWORK_KEY]).unwrap().is_empty());
}

fn stored_events_of_a_relation_that_is_gone_are_dropped_but_not_those_of_its_end() {
    let (ran, written) = run_hook("update-status", &[], "[]", &relations(), &json!({}));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let handled: Vec<_> = ran.handled().iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        handled,
        [
            "db-relation-departed",
            "db-relation-broken",
            "db-relation-broken",
            "data-storage-attached",
            "data-storage-detaching",
            "data-storage-detaching",
            "secret-changed",
            "secret-changed",
            "secret-remove",
            "collect-metrics",
            "update-status",
        ]
    );
    // The agent logs standard error at WARNING.
    assert_eq!(ran.err.matches("the relation db:7 is gone").count(), 4, "{ran:#?}");
    assert!(deferred_events(&written[FRAMEWORK_KEY]).unwrap().is_empty());
}
