//! Random writes to the own databags in random hooks, against a plain map: nothing is lost, nothing
//! of others is deleted, and nothing is sent that has not changed.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::related_unit::{Declared, Does, RelatedUnit, Site};
use crate::{Bag, Hook, JsonPerKey, Plain, Result, Stop};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Offer {
    url: String,
    note: Option<String>,
}

impl Bag for Offer {
    type Codec = Plain;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Routes {
    hosts: Vec<String>,
    ports: BTreeMap<String, u8>,
    scheme: Option<String>,
}

impl Bag for Routes {
    type Codec = JsonPerKey;
}

#[derive(Debug, Clone)]
enum Write {
    Offer(Offer),
    Routes(Routes),
    Set(String, String),
    Remove(String),
}

/// The way in which a hook ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Done,
    NotReady,
    Failed,
}

/// The databag of the application, and that of the unit.
type Bags = [BTreeMap<String, String>; 2];

impl Write {
    /// Does what the write is to do to a databag.
    fn apply(&self, bag: &mut BTreeMap<String, String>) {
        let mut set = |key: &str, value: Option<String>| match value {
            Some(value) if !value.is_empty() => drop(bag.insert(key.to_owned(), value)),
            _ => drop(bag.remove(key)),
        };
        match self {
            Self::Offer(Offer { url, note }) => {
                set("url", Some(url.clone()));
                set("note", note.clone());
            }
            Self::Routes(Routes { hosts, ports, scheme }) => {
                set("hosts", serde_json::to_string(hosts).ok());
                set("ports", serde_json::to_string(ports).ok());
                set("scheme", scheme.as_ref().and_then(|text| serde_json::to_string(text).ok()));
            }
            Self::Set(key, value) => set(key, Some(value.clone())),
            Self::Remove(key) => set(key, None),
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    "[a-c\"{}: \u{7f}\u{2028}]{1,4}"
}

fn write() -> impl Strategy<Value = Write> {
    let key = || prop_oneof!["url|note|hosts|scheme|other", text()];
    let offer = (text(), proptest::option::of(text()));
    let routes = (
        proptest::collection::vec(text(), 0..3),
        proptest::collection::btree_map(text(), 0..3_u8, 0..3),
        proptest::option::of(text()),
    );
    prop_oneof![
        offer.prop_map(|(url, note)| Write::Offer(Offer { url, note })),
        routes.prop_map(|(hosts, ports, scheme)| Write::Routes(Routes { hosts, ports, scheme })),
        // It is never JSON of a text, which would stay as it is if the same text is written.
        (key(), "[a-c{}: \u{7f}]{0,4}").prop_map(|(key, value)| Write::Set(key, value)),
        key().prop_map(Write::Remove),
    ]
}

/// The writes of one hook, each with the databag that it is to, and the end of the hook.
fn hook() -> impl Strategy<Value = (Vec<(usize, Write)>, End)> {
    let end = prop_oneof![Just(End::Done), Just(End::NotReady), Just(End::Failed)];
    (proptest::collection::vec((0..2_usize, write()), 0..6), end)
}

/// Makes a hook's writes, and checks after each that a read has it.
fn run(hook: &Hook<Declared>, writes: &[(usize, Write)], bags: &mut Bags) -> Result {
    let leader = hook.leader()?.unwrap();
    let site = &hook.related(Site)?[0];
    let (app, unit) = (site.app_bag(), site.unit_bag());
    for (place, write) in writes {
        match (place, write) {
            (0, Write::Offer(offer)) => app.write(&leader, offer)?,
            (0, Write::Routes(routes)) => app.write(&leader, routes)?,
            (0, Write::Set(key, value)) => app.set(&leader, key, value)?,
            (0, Write::Remove(key)) => app.remove(&leader, key)?,
            (_, Write::Offer(offer)) => unit.write(hook, offer)?,
            (_, Write::Routes(routes)) => unit.write(hook, routes)?,
            (_, Write::Set(key, value)) => unit.set(hook, key, value)?,
            (_, Write::Remove(key)) => unit.remove(hook, key)?,
        }
        write.apply(&mut bags[*place]);
        assert_eq!([app.entries(&leader)?, unit.entries()?], *bags);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_write_of_a_hook_that_succeeds_is_kept_and_no_other(
        hooks in proptest::collection::vec(hook(), 1..6)
    ) {
        let juju = RelatedUnit::new();
        juju.relate("site", "one", 0);
        juju.lead(true);
        let mut bags = Bags::default();
        for (writes, end) in hooks {
            let mut changed = bags.clone();
            let handler = |hook: &Hook<Declared>| {
                run(hook, &writes, &mut changed)?;
                match end {
                    End::Done => Ok(()),
                    End::NotReady => Err(Stop::waiting("for the moon")),
                    End::Failed => Err(Stop::failed("cannot go on")),
                }
            };
            let report = juju.run(Does(handler), "hooks/config-changed", &[]);
            prop_assert_eq!(report.exit_code(), u8::from(end == End::Failed), "{:?}", report);
            let sent = if end == End::Failed {
                0
            } else {
                let before = std::mem::replace(&mut bags, changed);
                before.iter().zip(&bags).filter(|(before, after)| before != after).count()
            };
            prop_assert_eq!(juju.sets().len(), sent);
            prop_assert_eq!(&juju.app_bag(1, "web"), &bags[0]);
            prop_assert_eq!(juju.unit_keys(1), bags[1].keys().cloned().collect::<Vec<_>>());
        }
    }
}
