//! The hook tools of a whole hook, counted: each is a process, so nothing is read that the handler
//! does not ask for, and nothing is read twice.

use serde::{Deserialize, Serialize};

use super::related_unit::{Database, Declared, Does, RelatedUnit, Site};
use crate::juju::Port;
use crate::{Bag, Hook, Plain, Result};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    value: String,
}

impl Bag for Row {
    type Codec = Plain;
}

fn row(value: &str) -> Row {
    Row { value: value.to_owned() }
}

/// A leader with a database of two units and with one site.
fn related() -> RelatedUnit {
    let juju = RelatedUnit::new();
    juju.relate("database", "pg", 2);
    juju.relate("site", "proxy", 1);
    juju.lead(true);
    juju.write(1, "pg", &[("value", "a")]);
    juju.write(1, "pg/0", &[("value", "b")]);
    juju.write(1, "pg/1", &[("value", "c")]);
    juju
}

/// Runs a handler in a hook, and returns the hook tools that it started, in their order.
fn tools(
    juju: &RelatedUnit,
    hook: &str,
    variables: &[(&str, &str)],
    handler: impl FnMut(&Hook<Declared>) -> Result,
) -> Vec<String> {
    let report = juju.run(Does(handler), hook, variables);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    juju.tools.calls().iter().map(|call| call.argv().join(" ")).collect()
}

/// Reads and writes what a charm with a database does, and each thing twice.
fn serve(hook: &Hook<Declared>) -> Result {
    for _ in 0..2 {
        hook.set_ports([Port::tcp(80)])?;
        let database = hook.related(Database)?.unwrap();
        database.unit_bag().write(hook, &row("1"))?;
        let leader = hook.leader()?.unwrap();
        database.app_bag().write(&leader, &row("2"))?;
        assert_eq!(database.remote_app().read::<Row>()?, row("a"));
        let rows: Vec<Row> =
            database.units_written::<Row>()?.into_iter().map(|(_, row)| row).collect();
        assert_eq!(rows, [row("b"), row("c")]);
    }
    Ok(())
}

/// All that a hook of a unit in operation has to start for [`serve`], after the relation is found.
const READS: [&str; 6] = [
    "relation-get -r database:1 --format=json - web/0",
    "is-leader --format=json",
    "relation-get -r database:1 --app --format=json - web",
    "relation-get -r database:1 --app --format=json - pg",
    "relation-get -r database:1 --format=json - pg/0",
    "relation-get -r database:1 --format=json - pg/1",
];
const UNITS: &str = "relation-list -r database:1 --format=json";
const STATE: &str = "state-get --format=json";
const PORTS: &str = "opened-ports --endpoints --format=json";
const IDS: &str = "relation-ids --format=json database";
/// The framework reads the config for the status, which says when an option does not fit.
const CONFIG: &str = "config-get --format=json";
const STATUS: &str = "status-set waiting -- waiting for Pebble in \"web\"";

#[test]
fn a_handler_that_asks_for_nothing_reads_the_state_and_the_config() {
    let juju = related();
    let idle = || tools(&juju, "hooks/update-status", &[], |_| Ok(()));
    idle();
    assert_eq!(idle(), [STATE, CONFIG, STATUS]);
}

#[test]
fn each_thing_is_read_once_and_what_is_written_already_is_not_written() {
    let juju = related();
    tools(&juju, "hooks/config-changed", &[], serve);
    let [own, leader, own_app, remote_app, first, second] = READS;
    assert_eq!(
        tools(&juju, "hooks/config-changed", &[], serve),
        [STATE, PORTS, IDS, UNITS, own, leader, own_app, remote_app, first, second, CONFIG, STATUS]
    );
}

#[test]
fn a_hook_of_the_relation_starts_a_tool_for_its_units_when_the_handler_asks_for_them() {
    let juju = related();
    let variables = [
        ("JUJU_RELATION", "database"),
        ("JUJU_RELATION_ID", "database:1"),
        ("JUJU_REMOTE_APP", "pg"),
        ("JUJU_REMOTE_UNIT", "pg/0"),
    ];
    let run = |handler: fn(&Hook<Declared>) -> Result| {
        tools(&juju, "hooks/database-relation-changed", &variables, handler)
    };
    run(serve);
    let [own, leader, own_app, remote_app, first, second] = READS;
    assert_eq!(
        run(serve),
        [STATE, PORTS, IDS, own, leader, own_app, remote_app, UNITS, first, second, CONFIG, STATUS]
    );
    let read = |hook: &Hook<Declared>| {
        assert_eq!(hook.related(Database)?.unwrap().remote_app().read::<Row>()?, row("a"));
        Ok(())
    };
    assert_eq!(run(read), [STATE, IDS, remote_app, CONFIG, STATUS]);
}

#[test]
fn a_relation_without_remote_units_is_asked_for_its_application() {
    let juju = RelatedUnit::new();
    juju.relate("site", "proxy", 0);
    let read = |hook: &Hook<Declared>| {
        assert_eq!(hook.related(Site)?[0].remote_app_name().unwrap().as_str(), "proxy");
        Ok(())
    };
    tools(&juju, "hooks/config-changed", &[], read);
    assert_eq!(
        tools(&juju, "hooks/config-changed", &[], read),
        [
            STATE,
            "relation-ids --format=json site",
            "relation-list -r site:1 --format=json",
            "relation-list -r site:1 --app --format=json",
            CONFIG,
            STATUS,
        ]
    );
}
