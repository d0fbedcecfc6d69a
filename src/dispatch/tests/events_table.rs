//! Compares the table of events in the docs with the code. `UPDATE_DOCS=1 cargo test -p charmwright
//! events_table` writes the table anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::events::{self, LEGACY_HOOKS, Sample, table};
use super::fakes::{begin, idle_tools};
use super::vanished::{Lookup, Presence};
use crate::event::Event;

/// Returns the hooks of every kind, each in all its forms.
fn samples() -> Vec<Sample> {
    let web = || "web".parse().unwrap();
    let check = [("JUJU_PEBBLE_CHECK_NAME", "up")];
    let notice = [
        ("JUJU_NOTICE_ID", "12"),
        ("JUJU_NOTICE_TYPE", "custom"),
        ("JUJU_NOTICE_KEY", "example.com/done"),
    ];
    let up = || "up".parse().unwrap();
    let id = "12".parse().unwrap();
    let mut samples: Vec<Sample> = vec![
        ("install", Vec::new(), Event::Install),
        ("start", Vec::new(), Event::Start),
        ("config-changed", Vec::new(), Event::ConfigChanged),
        ("upgrade-charm", Vec::new(), Event::UpgradeCharm),
        ("leader-elected", Vec::new(), Event::LeaderElected),
        ("update-status", Vec::new(), Event::UpdateStatus),
        ("stop", Vec::new(), Event::Stop),
        ("remove", Vec::new(), Event::Remove),
        ("web-pebble-ready", Vec::new(), Event::pebble_ready(web())),
        ("web-pebble-check-failed", check.into(), Event::pebble_check_failed(web(), up())),
        ("web-pebble-check-recovered", check.into(), Event::pebble_check_recovered(web(), up())),
        (
            "web-pebble-custom-notice",
            notice.into(),
            Event::pebble_custom_notice(web(), id, "example.com/done"),
        ),
    ];
    samples.extend(table());
    samples.extend(LEGACY_HOOKS.map(|hook| (hook, Vec::new(), Event::unknown(hook, []))));
    samples
}

/// Returns the name of the event's variant.
fn variant(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split('(').next().unwrap().to_owned()
}

/// Returns what becomes of the deferred event when nothing else is left of what it is about.
fn deferral(event: &Event) -> &'static str {
    if !event.is_deferrable() {
        return "no";
    }
    // The unit of the tests has no relation and no storage.
    let tools = idle_tools();
    begin(&tools, "hooks/update-status");
    let hook_tools = tools.juju();
    let presence = Lookup::new(&hook_tools, &Event::UpdateStatus).presence_for(event).unwrap();
    match (presence, event.storage()) {
        (Presence::Gone(_), None) => "yes; dropped if its relation is gone",
        (Presence::Gone(_), Some(_)) => "yes; dropped if its storage is gone",
        _ if event.container().is_some() => "yes; dropped if its container is no longer declared",
        _ => "yes",
    }
}

/// Returns `true` if the hook is another event than `Unknown` without this variable.
fn can_lack(name: &str, hook: &str, variables: &[(&'static str, &'static str)]) -> bool {
    let rest: Vec<_> = variables.iter().filter(|(other, _)| *other != name).copied().collect();
    !matches!(events::event(hook, &rest).unwrap(), Event::Unknown(_))
}

/// Returns the rows of the table, in the order of the samples.
fn rows() -> Vec<String> {
    let mut hooks: Vec<&str> = Vec::new();
    // Each variable of a hook, and whether a form of the hook can lack it.
    let mut all: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    let mut cells: BTreeMap<&str, BTreeSet<(String, &str)>> = BTreeMap::new();
    for (hook, variables, event) in samples() {
        assert_eq!(events::event(hook, &variables).unwrap(), event, "{hook}");
        if !hooks.contains(&hook) {
            hooks.push(hook);
        }
        let of_hook = all.entry(hook).or_default();
        for (name, _) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            *of_hook.entry(name).or_default() |= can_lack(name, hook, &variables);
        }
        cells.entry(hook).or_default().insert((variant(&event), deferral(&event)));
    }
    let row = |hook: &&str| {
        let variables: Vec<String> = all[hook]
            .iter()
            .map(
                |(name, can_lack)| {
                    if *can_lack { format!("[`{name}`]") } else { format!("`{name}`") }
                },
            )
            .collect();
        let [(variant, deferral)] = cells[hook].iter().collect::<Vec<_>>()[..] else {
            panic!("the forms of {hook} are not alike: {:?}", cells[hook]);
        };
        let mut name = (*hook).to_owned();
        for (stem, what) in [
            ("web-pebble-", "<container>-pebble-"),
            ("db-relation-", "<endpoint>-relation-"),
            ("data-storage-", "<storage>-storage-"),
        ] {
            name = name.replacen(stem, what, 1);
        }
        format!("| `{name}` | `{variant}` | {} | {deferral} |", variables.join(", "))
    };
    hooks.iter().map(row).collect()
}

const BEGIN: &str = "<!-- events: written by a test, see src/dispatch/tests/events_table.rs -->\n";
const END: &str = "<!-- end of events -->\n";

#[test]
fn the_table_in_the_docs_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let head = "| Hook | `Event::` | Variables | Deferred |\n|---|---|---|---|\n";
    let table = format!("{head}{}\n", rows().join("\n"));
    if found != table && std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
    }
    assert_eq!(found, table, "write it anew with UPDATE_DOCS=1");
}
