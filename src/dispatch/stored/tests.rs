//! Tests the golden files: documents that released versions wrote and that every later version
//! reads.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::charm_state::CharmState;
use super::super::framework::Framework;
use crate::declaration::Metadata;
use crate::dispatch::{Deferred, deferred_events};
use crate::event::Event;
use crate::juju::StatusKind;
use crate::phase::Phase;

const METADATA: Metadata = Metadata::new("example").containers(&["web", "db"]);

/// A document of version 1 with an entry for each form of an event.
const EVERY_EVENT: &str = include_str!("golden/framework-1-every-event.json");
/// A document of version 1 of a unit that has started and has no other state.
const STARTED: &str = include_str!("golden/framework-1-started.json");
/// A charm's own document of version 1.
const CHARM: &str = include_str!("golden/charm-1.json");

fn named(entries: &[Deferred]) -> Vec<String> {
    entries.iter().map(|entry| entry.event().to_string()).collect()
}

#[test]
fn each_event_of_version_1_is_read() {
    let entries = deferred_events(EVERY_EVENT).unwrap();
    assert_eq!(
        named(&entries),
        [
            "install",
            "start",
            "config-changed",
            "upgrade-charm",
            "leader-elected",
            "update-status",
            "db-pebble-ready",
            "web-pebble-check-failed",
            "web-pebble-check-recovered",
            "web-pebble-custom-notice",
            "db-relation-changed",
            "cache-pebble-ready",
            "moon-full",
        ]
    );
    let first = &entries[0];
    assert_eq!((first.count(), first.attempts(), first.since()), (2, 3, 1_790_000_000));
    assert_eq!(first.reason(), "waiting for Pebble in \"web\"");
    let kinds: Vec<StatusKind> = entries.iter().map(|entry| entry.status().kind()).collect();
    let four =
        [StatusKind::Waiting, StatusKind::Blocked, StatusKind::Maintenance, StatusKind::Active];
    assert!(kinds.iter().zip(four.iter().cycle()).all(|(kind, wanted)| kind == wanted));
    let Event::PebbleCustomNotice(notice) = entries[9].event() else {
        panic!("{:?}", entries[9]);
    };
    assert_eq!(
        (notice.id().as_str(), notice.kind(), notice.key()),
        ("12", "custom", "example.com/backup-done")
    );
    let Event::Unknown(unknown) = entries[10].event() else { panic!("{:?}", entries[10]) };
    assert_eq!(unknown.variables()["JUJU_RELATION_ID"], "db:7");
}

#[test]
fn a_unit_goes_on_with_what_version_1_stored() {
    let framework = Framework::read(Some(EVERY_EVENT)).unwrap();
    assert_eq!(framework.phase(&"web".parse().unwrap()), Phase::Operation);
    assert_eq!(framework.phase(&"db".parse().unwrap()), Phase::Setup);
    assert_eq!(
        framework.faults.messages().collect::<Vec<_>>(),
        ["invalid config \"port\": must be 1 to 65535", "invalid config \"database\": é"]
    );
    // If nothing changes, nothing is written, so the charm can be rolled back.
    assert_eq!(framework.to_write(Some(EVERY_EVENT.trim_end())).unwrap(), None);
    let started = Framework::read(Some(STARTED)).unwrap();
    assert_eq!(started.to_write(Some(STARTED.trim_end())).unwrap(), None);

    let mut charm = CharmState::new(Some(CHARM.trim_end().to_owned()));
    let state: BTreeMap<String, u32> = charm.read().unwrap();
    assert_eq!(state, [("backups".to_owned(), 3), ("left".to_owned(), 0)].into());
    charm.write(&state).unwrap();
    assert_eq!(charm.to_write(), None);
}

#[test]
fn a_stored_hook_is_the_event_that_it_has_become() {
    let later = METADATA.containers(&["web", "db", "cache"]);
    let mut framework = Framework::read(Some(EVERY_EVENT)).unwrap();
    framework.reinterpret_unknown_events(&METADATA);
    let unknown = |entry: &&Deferred| matches!(entry.event(), Event::Unknown(_));
    assert_eq!(framework.queue.entries().iter().filter(unknown).count(), 3);
    framework.reinterpret_unknown_events(&later);
    let cache = Event::pebble_ready("cache".parse().unwrap());
    assert_eq!(framework.queue.entries()[11].event(), &cache);
    assert_eq!(framework.queue.entries().iter().filter(unknown).count(), 2);
}

#[test]
fn two_that_have_become_the_same_event_are_one_entry() {
    let entry = |event: &str, count: u32| {
        format!(
            r#"{{"event":{event},"count":{count},"attempts":1,"since":{count},
                "reason":"r{count}","status":"waiting"}}"#
        )
    };
    let document = format!(
        r#"{{"version":1,"data":{{"queue":[{},{},{}]}}}}"#,
        entry(r#"{"event":"pebble-ready","container":"web"}"#, 2),
        entry(r#"{"event":"install"}"#, 1),
        entry(r#"{"event":"unknown","hook":"web-pebble-ready"}"#, 3),
    );
    let mut framework = Framework::read(Some(&document)).unwrap();
    framework.reinterpret_unknown_events(&METADATA);
    let entries = framework.queue.entries();
    assert_eq!(named(entries), ["web-pebble-ready", "install"]);
    assert_eq!((entries[0].count(), entries[0].since(), entries[0].reason()), (5, 2, "r3"));
}

#[test]
fn what_a_later_version_wrote_is_refused_by_the_version_that_was_met() {
    let version = serde_json::from_str::<Value>(EVERY_EVENT).unwrap()["version"].clone();
    assert_eq!(version, 1);
    let later = EVERY_EVENT.replace("\"version\":1", "\"version\":7");
    let error = Framework::read(Some(&later)).unwrap_err().to_string();
    assert!(error.contains("its version is 7 and this charm reads up to 1"), "{error}");
}
