//! Tests the stored events of relations, storage and secrets: with which data they run in a later
//! hook, and what happens to one whose relation or storage is gone.

use super::events::{Sample, table};
use super::fakes::{HookResult, Unit};
use super::probe::Step;
use super::queue::Arrival;
use crate::juju::{LogLevel, RelationId, Status, StorageKind, ToolError, UnitName};
use crate::{Event, NotReady, Verdict};

const UPDATE_STATUS: &str = "hooks/update-status";
const READY: &str = "hooks/web-pebble-ready";

fn relation(number: u32) -> RelationId {
    format!("db:{number}").parse().unwrap()
}

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

fn created(number: u32) -> Event {
    Event::relation_created("db".parse().unwrap(), relation(number), "pg".parse().unwrap())
}

fn joined(number: u32) -> Event {
    Event::relation_joined("db".parse().unwrap(), relation(number), unit("pg/1"))
}

fn changed(number: u32) -> Event {
    Event::relation_changed("db".parse().unwrap(), relation(number), unit("pg/1"))
}

fn departed(number: u32) -> Event {
    let (db, pg) = ("db".parse().unwrap(), unit("pg/1"));
    Event::relation_departed(db, relation(number), pg.clone(), Some(pg))
}

fn broken(number: u32) -> Event {
    Event::relation_broken("db".parse().unwrap(), relation(number), None)
}

fn attached(number: u32) -> Event {
    let id = format!("data/{number}").parse().unwrap();
    Event::storage_attached(id, StorageKind::Filesystem, "/srv")
}

fn detaching(number: u32) -> Event {
    let id = format!("data/{number}").parse().unwrap();
    Event::storage_detaching(id, StorageKind::Filesystem, "/srv")
}

fn secret_changed() -> Event {
    Event::secret_changed("secret:9m4e2mr0ui3e8a215n4g".parse().unwrap(), None)
}

fn secret_remove() -> Event {
    Event::secret_remove("secret:9m4e2mr0ui3e8a215n4g".parse().unwrap(), None, 4)
}

/// Makes a unit that has deferred these events.
fn deferred(events: &[Event]) -> Unit {
    let unit = Unit::in_operation();
    unit.edit(|framework| {
        for event in events {
            let status = Status::waiting("later");
            framework.queue.store(event, &status, Arrival::FromJuju, 1).unwrap();
        }
    });
    unit
}

/// Lets the variables of the hook say this relation and this unit.
fn in_hook_of(unit: &mut Unit, relation: &str, remote: &str) {
    unit.variables = vec![
        ("JUJU_RELATION", "db".to_owned()),
        ("JUJU_RELATION_ID", relation.to_owned()),
        ("JUJU_REMOTE_APP", "pg".to_owned()),
        ("JUJU_REMOTE_UNIT", remote.to_owned()),
    ];
}

/// Returns the events that ran from the queue.
fn ran_again(ran: &HookResult) -> Vec<&Event> {
    let again = ran.report.handled().iter().filter(|handled| handled.is_deferred());
    again.map(super::Handled::event).collect()
}

fn times(ran: &HookResult, tool: &str) -> usize {
    ran.tools.iter().filter(|called| **called == tool).count()
}

/// Returns the warnings about dropped events.
fn dropped(ran: &HookResult) -> Vec<&str> {
    let lines = ran.report.log().filter(|(level, _)| *level == LogLevel::Warning);
    lines.map(|(_, line)| line).filter(|line| line.starts_with("dropped ")).collect()
}

/// Lets Juju list the relation and the storage of the table of events, once.
fn list_all(unit: &Unit) {
    unit.tools.answer_once("relation-ids", r#"["db:7"]"#);
    unit.tools.answer_once("storage-list", r#"["data/0"]"#);
}

/// Runs the hook of this sample on this unit.
fn run_sample(unit: &mut Unit, (hook, variables, _): &Sample) -> HookResult {
    let owned = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
    unit.variables = owned.collect();
    unit.run(&format!("hooks/{hook}"))
}

#[test]
fn every_event_that_ends_well_or_needs_the_user_is_done() {
    let waits = NotReady::waiting("waiting for the database");
    for sample in table() {
        for (step, status) in [
            (Step::Log(&[]), "active"),
            (Step::NotReady(waits.clone()), "waiting: waiting for the database"),
            (Step::Config, "blocked: invalid config \"port\": must be even"),
        ] {
            let mut unit = Unit::in_operation().on(sample.0, step);
            let ran = run_sample(&mut unit, &sample);
            assert_eq!((ran.code, &*ran.statuses), (0, &[status.to_owned()][..]), "{ran:?}");
            let [handled] = ran.report.handled() else { panic!("{ran:?}") };
            assert_eq!((handled.event(), handled.is_deferred()), (&sample.2, false));
            assert!(unit.stored().is_empty(), "{ran:?}");
        }
    }
}

#[test]
fn every_event_that_fails_fails_the_hook_and_changes_nothing() {
    for sample in table() {
        for step in [Step::Own("cannot do it"), Step::Panic, Step::Pebble] {
            let mut unit = Unit::in_operation().on(sample.0, step);
            let before = unit.state();
            let ran = run_sample(&mut unit, &sample);
            assert_eq!((ran.code, &*ran.seen), (1, &[sample.0.to_owned()][..]), "{ran:?}");
            assert_eq!(unit.state(), before);
        }
    }
}

#[test]
fn every_event_that_can_be_stored_runs_again_as_it_was() {
    for sample in table() {
        let (hook, _, event) = &sample;
        // Pebble is not reached, and its container is in setup.
        for step in [Step::Defer("later"), Step::Pebble] {
            let mut unit = Unit::new().on(hook, step);
            let ran = run_sample(&mut unit, &sample);
            if !event.is_deferrable() {
                assert_eq!((ran.code, unit.stored().len()), (1, 0), "{ran:?}");
                continue;
            }
            assert_eq!((ran.code, unit.stored()), (0, vec![(*hook).to_owned()]), "{ran:?}");
            assert!(ran.statuses[0].starts_with("waiting: "), "{ran:?}");
            // Juju sends it again: the two are one entry.
            list_all(&unit);
            assert_eq!(ran_again(&run_sample(&mut unit, &sample)), [] as [&Event; 0]);
            assert_eq!(unit.framework().queue.entries()[0].count(), 2);
            // It runs as it was in a hook with none of its variables.
            unit.variables.clear();
            unit.steps.clear();
            unit.tools.restore_tool("relation-ids");
            unit.tools.restore_tool("storage-list");
            list_all(&unit);
            assert_eq!(ran_again(&unit.run(UPDATE_STATUS)), [event]);
            assert!(unit.stored().is_empty());
        }
    }
}

#[test]
fn a_deferred_event_has_its_own_data_in_the_hook_of_another() {
    let mut probe = Unit::in_operation().on("db-relation-changed", Step::Defer("later"));
    in_hook_of(&mut probe, "db:7", "pg/1");
    assert_eq!(probe.run("hooks/db-relation-changed").code, 0);
    // Another relation of the same endpoint changes, and another unit of the same relation.
    in_hook_of(&mut probe, "db:8", "redis/0");
    probe.tools.answer_once("relation-ids", r#"["db:7","db:8"]"#);
    let ran = probe.run("hooks/db-relation-changed");
    assert_eq!(ran_again(&ran), [&changed(7)]);
    in_hook_of(&mut probe, "db:7", "pg/2");
    probe.tools.answer_once("relation-ids", r#"["db:7","db:8"]"#);
    let ran = probe.run("hooks/db-relation-changed");
    let of_redis = Event::relation_changed("db".parse().unwrap(), relation(8), unit("redis/0"));
    assert_eq!(ran_again(&ran), [&changed(7), &of_redis]);
    assert_eq!(probe.stored().len(), 3);
    assert_eq!(probe.framework().queue.entries()[0].attempts(), 3);
}

#[test]
fn what_began_in_a_relation_that_is_gone_is_dropped() {
    let events = [created(7), joined(7), changed(7), changed(8), departed(7), broken(7)];
    let unit = deferred(&events);
    unit.tools.answer_once("relation-ids", r#"["db:8"]"#);
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran_again(&ran), [&changed(8), &departed(7), &broken(7)]);
    assert_eq!(times(&ran, "relation-ids"), 1, "{ran:?}");
    assert_eq!(
        dropped(&ran),
        [
            "dropped the stored \"db-relation-created\": the relation db:7 is gone",
            "dropped the stored \"db-relation-joined\": the relation db:7 is gone",
            "dropped the stored \"db-relation-changed\": the relation db:7 is gone",
        ]
    );
    assert!(unit.stored().is_empty());
}

#[test]
fn the_relation_that_breaks_in_this_hook_is_gone_although_it_is_listed() {
    let mut unit = deferred(&[created(7), changed(7), departed(7), changed(8)]);
    in_hook_of(&mut unit, "db:7", "");
    unit.tools.answer_once("relation-ids", r#"["db:7","db:8"]"#);
    let ran = unit.run("hooks/db-relation-broken");
    assert_eq!(ran_again(&ran), [&departed(7), &changed(8)]);
    assert_eq!(dropped(&ran).len(), 2, "{ran:?}");
    // In its relation-departed the relation still exists.
    let mut unit = deferred(&[changed(7)]);
    in_hook_of(&mut unit, "db:7", "pg/1");
    unit.tools.answer_once("relation-ids", r#"["db:7"]"#);
    assert_eq!(ran_again(&unit.run("hooks/db-relation-departed")), [&changed(7)]);
}

#[test]
fn a_storage_that_is_gone_takes_its_attached_with_it() {
    let events = [attached(0), attached(1), detaching(0)];
    let unit = deferred(&events);
    unit.tools.answer_once("storage-list", r#"["data/1"]"#);
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran_again(&ran), [&attached(1), &detaching(0)]);
    assert_eq!(times(&ran, "storage-list"), 1, "{ran:?}");
    assert_eq!(
        dropped(&ran),
        ["dropped the stored \"data-storage-attached\": the storage data/0 is gone"]
    );

    let mut unit = deferred(&[attached(0), attached(1)]);
    unit.variables = vec![("JUJU_STORAGE_ID", "data/0".to_owned())];
    unit.tools.answer_once("storage-list", r#"["data/0","data/1"]"#);
    assert_eq!(ran_again(&unit.run("hooks/data-storage-detaching")), [&attached(1)]);
}

#[test]
fn juju_is_asked_only_about_what_a_stored_event_needs() {
    let events = [departed(7), broken(7), detaching(0), secret_changed(), secret_remove()];
    let mut unit = deferred(&events);
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran_again(&ran), events.iter().collect::<Vec<_>>());
    assert_eq!(ran.tools, ["state-get", "config-get", "status-set", "state-set"], "{ran:?}");
    // The event of this hook needs no answer, and clears the stored one.
    let changed = [changed(7)];
    for hook in ["hooks/db-relation-changed", "hooks/stop", "actions/act"] {
        let stored = deferred(&changed);
        unit = stored;
        in_hook_of(&mut unit, "db:7", "pg/1");
        let ran = unit.run(hook);
        assert_eq!((ran.code, times(&ran, "relation-ids")), (0, 0), "{hook}: {ran:?}");
        assert_eq!(unit.stored().is_empty(), hook == "hooks/db-relation-changed", "{hook}");
    }
}

#[test]
fn a_tool_that_fails_fails_the_hook_and_loses_nothing() {
    for (tool, events) in [
        ("relation-ids", [created(7), changed(8), departed(7)]),
        ("storage-list", [attached(0), attached(1), detaching(0)]),
    ] {
        let mut unit = deferred(&events);
        let before = unit.state();
        // The charm would give up each event, but its handler has not run.
        unit.verdict = Some(Verdict::Done);
        unit.break_tool(tool);
        let ran = unit.run(UPDATE_STATUS);
        assert_eq!((ran.code, times(&ran, tool)), (1, 1), "{ran:?}");
        assert!(ran.report.failure().unwrap().to_string().contains(tool), "{ran:?}");
        assert!(ran.seen.is_empty(), "{ran:?}");
        assert_eq!(unit.state(), before);
        // Juju runs the hook again.
        unit.tools.restore_tool(tool);
        unit.tools.answer_once("relation-ids", r#"["db:7","db:8"]"#);
        unit.tools.answer_once("storage-list", r#"["data/0","data/1"]"#);
        assert_eq!(ran_again(&unit.run(UPDATE_STATUS)), events.iter().collect::<Vec<_>>());
    }
}

#[test]
fn in_a_workload_hook_a_tool_that_fails_keeps_the_events_and_is_asked_once() {
    let events = [created(7), changed(7), attached(0), departed(7), attached(1)];
    let mut unit = deferred(&events);
    unit.verdict = Some(Verdict::Block("wrong".to_owned()));
    unit.break_tool("relation-ids");
    let hangs =
        ToolError::Deadline { limit: std::time::Duration::from_secs(300), stderr: String::new() };
    unit.tools.fail_once("storage-list", hangs);
    let ran = unit.run(READY);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((times(&ran, "relation-ids"), times(&ran, "storage-list")), (1, 1), "{ran:?}");
    assert_eq!(ran.seen, ["db-relation-departed", "web-pebble-ready", "collect-status"]);
    assert!(ran.statuses[0].starts_with("blocked: cannot list the relations of "), "{ran:?}");
    let entries = unit.framework().queue.entries().to_vec();
    let kept: Vec<_> = entries.iter().map(|entry| (entry.event(), entry.attempts())).collect();
    // The handler of none of them has run. Only the first of each counts, as its error is shown.
    assert_eq!(kept, [(&events[0], 2), (&events[1], 1), (&events[2], 2), (&events[4], 1)]);
    unit.tools.restore_tool("relation-ids");
    unit.tools.answer_once("relation-ids", r#"["db:7"]"#);
    unit.tools.answer_once("storage-list", r#"["data/1"]"#);
    let ran = unit.run(READY);
    assert_eq!(ran_again(&ran), [&events[0], &events[1], &events[4]]);
    assert!(unit.stored().is_empty());
}

#[test]
fn what_a_tool_prints_that_is_no_list_of_ids_is_an_error() {
    for garbage in ["{}", "[7]", r#"["db"]"#, "not JSON", "\"db:7\"", "[null]"] {
        let unit = deferred(&[changed(7)]);
        unit.tools.answer_once("relation-ids", garbage);
        let ran = unit.run(UPDATE_STATUS);
        assert_eq!((ran.code, ran.seen.len()), (1, 0), "{garbage}: {ran:?}");
        assert_eq!(unit.stored(), ["db-relation-changed"]);
    }
}
