//! Tests the golden files: documents that released versions wrote and that every later version
//! reads.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::charm_state::CharmState;
use super::super::framework::Framework;
use crate::declaration::Metadata;
use crate::dispatch::{Deferred, deferred_events};
use crate::event::Event;
use crate::juju::{RelationId, StatusKind, StorageKind, UnitName};
use crate::phase::Phase;

const METADATA: Metadata = Metadata::new("example").containers(&["web", "db"]);

/// A document of version 1 with an entry for each form of an event.
const EVERY_EVENT: &str = include_str!("golden/framework-1-every-event.json");
/// A document of version 1 with the events of relations, storage and secrets.
const RELATIONS: &str = include_str!("golden/framework-1-relations-storage-secrets.json");
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
    // The version that wrote the document knew this hook by its name and variables only.
    let changed = Event::relation_changed("db".parse().unwrap(), id(), "pg/0".parse().unwrap());
    assert_eq!(entries[10].event(), &changed);
}

fn id() -> RelationId {
    "db:7".parse().unwrap()
}

#[test]
fn the_events_of_relations_storage_and_secrets_have_the_form_that_every_version_reads() {
    let entries = deferred_events(RELATIONS).unwrap();
    let db = || "db".parse().unwrap();
    let pg = || "pg".parse().unwrap();
    let unit = || "pg/0".parse::<UnitName>().unwrap();
    let data = || "data/0".parse().unwrap();
    let secret = || "secret:9m4e2mr0ui3e8a215n4g".parse().unwrap();
    let expected = [
        Event::relation_created(db(), id(), pg()),
        Event::relation_joined(db(), id(), unit()),
        Event::relation_changed(db(), id(), unit()),
        Event::relation_application_changed(db(), id(), pg()),
        Event::relation_departed(db(), id(), unit(), Some(unit())),
        Event::relation_broken(db(), id(), Some(pg())),
        Event::relation_broken(db(), id(), None),
        Event::storage_attached(data(), StorageKind::Filesystem, "/srv/é"),
        Event::storage_detaching(data(), StorageKind::Filesystem, "/srv/é"),
        Event::unprovisioned_storage_detaching("data".parse().unwrap()),
        Event::secret_changed(secret(), Some("user \"key\"".to_owned())),
        Event::secret_changed(secret(), None),
        Event::secret_remove(secret(), None, 4),
        Event::unknown("collect-metrics", []),
    ];
    assert!(entries.iter().map(Deferred::event).eq(&expected), "{entries:#?}");
    // They are written as they were read, so that a version without these events reads them too.
    let framework = Framework::read(Some(RELATIONS)).unwrap();
    assert_eq!(framework.to_write(Some(RELATIONS.trim_end())).unwrap(), None);
}

#[test]
fn the_forms_that_an_older_version_reads_are_the_only_ones_that_are_written() {
    // The names of the forms in the version that had no events of relations, storage and secrets.
    // It refuses any other form, and with it the whole document.
    let known = [
        "install",
        "start",
        "config-changed",
        "upgrade-charm",
        "leader-elected",
        "update-status",
        "pebble-ready",
        "pebble-check-failed",
        "pebble-check-recovered",
        "pebble-custom-notice",
        "unknown",
    ];
    for document in [EVERY_EVENT, RELATIONS] {
        let mut framework = Framework::read(Some(document)).unwrap();
        framework.queue.cut_reasons(7);
        let text = framework.to_write(Some(document)).unwrap().unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["version"], 1);
        for entry in value["data"]["queue"].as_array().unwrap() {
            let form = entry["event"]["event"].as_str().unwrap();
            assert!(known.contains(&form), "{entry}");
        }
    }
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
    assert_eq!(framework.queue.entries().iter().filter(unknown).count(), 2);
    framework.reinterpret_unknown_events(&later);
    let cache = Event::pebble_ready("cache".parse().unwrap());
    assert_eq!(framework.queue.entries()[11].event(), &cache);
    assert_eq!(framework.queue.entries().iter().filter(unknown).count(), 1);
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
