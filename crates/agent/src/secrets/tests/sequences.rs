//! Any sequence of calls by several units keeps the rules of secrets.

use std::collections::BTreeSet;

use charmwright_juju::SecretRotation;
use proptest::prelude::*;

use super::*;

const UNITS: [&str; 4] = ["web/0", "web/1", "pg/0", "pg/1"];

/// One call of a unit. Numbers choose among the units, the secrets and the relations.
#[derive(Debug, Clone)]
enum Step {
    Add { unit: usize, is_shared: bool, label: u8, rotates: bool },
    Set { unit: usize, secret: usize, value: u8 },
    Read { unit: usize, secret: usize, mode: u8, label: u8 },
    Grant { unit: usize, secret: usize, relation: u32, subject: usize, is_application: bool },
    Revoke { unit: usize, secret: usize, subject: usize, is_application: bool },
    Remove { unit: usize, secret: usize, revision: u32 },
    EndRelation(u32),
    Advance(u64),
    Run(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (unit, secret) = (0..UNITS.len(), 0..6_usize);
    prop_oneof![
        3 => (unit.clone(), any::<bool>(), 0..4_u8, any::<bool>()).prop_map(
            |(unit, is_shared, label, rotates)| Step::Add { unit, is_shared, label, rotates }
        ),
        4 => (unit.clone(), secret.clone(), 0..4_u8)
            .prop_map(|(unit, secret, value)| Step::Set { unit, secret, value }),
        6 => (unit.clone(), secret.clone(), 0..3_u8, 0..4_u8)
            .prop_map(|(unit, secret, mode, label)| Step::Read { unit, secret, mode, label }),
        4 => (unit.clone(), secret.clone(), 1..3_u32, unit.clone(), any::<bool>()).prop_map(
            |(unit, secret, relation, subject, is_application)| {
                Step::Grant { unit, secret, relation, subject, is_application }
            }
        ),
        2 => (unit.clone(), secret.clone(), unit.clone(), any::<bool>()).prop_map(
            |(unit, secret, subject, is_application)| {
                Step::Revoke { unit, secret, subject, is_application }
            }
        ),
        1 => (unit.clone(), secret, 0..3_u32)
            .prop_map(|(unit, secret, revision)| Step::Remove { unit, secret, revision }),
        1 => (1..3_u32).prop_map(Step::EndRelation),
        1 => (0..4000_u64).prop_map(Step::Advance),
        3 => unit.prop_map(Step::Run),
    ]
}

/// A model of the rules, made only of the calls that have succeeded.
#[derive(Default)]
struct Rules {
    /// The grants of each secret: the subject and the relation.
    grants: BTreeMap<String, BTreeMap<String, u32>>,
    owners: BTreeMap<String, Party>,
    /// The newest revision that a unit must be told of.
    owed: BTreeMap<(String, String), u32>,
}

impl Rules {
    fn may_read(&self, unit: &str, id: &str) -> bool {
        let application = unit.split('/').next().unwrap_or_default();
        let is_owner = self.owners.get(id).is_some_and(|owner| {
            *owner == Party::Unit(unit.to_owned())
                || *owner == Party::Application(application.to_owned())
        });
        let grants = self.grants.get(id);
        is_owner
            || grants
                .is_some_and(|grants| grants.contains_key(unit) || grants.contains_key(application))
    }
}

fn party(subject: usize, is_application: bool) -> (Party, String) {
    let name = UNITS[subject];
    if is_application {
        let name = name.split('/').next().unwrap();
        (application(name), name.to_owned())
    } else {
        (unit(name), name.to_owned())
    }
}

/// Does a step on the store, and writes down in the rules what has succeeded.
fn take(store: &mut Store, rules: &mut Rules, ids: &mut Vec<String>, step: &Step) {
    let id = |secret: &usize| ids.get(*secret).cloned().unwrap_or_default();
    match step {
        Step::Add { unit: name, is_shared, label, rotates } => {
            let name = UNITS[*name];
            let owner = if *is_shared { Party::application_of(name) } else { unit(name) };
            let changes = Changes {
                label: (*label > 0).then(|| label.to_string()),
                rotate: rotates.then_some(SecretRotation::Hourly),
                ..with_content("0")
            };
            let id = store.secrets.new_id();
            let added = store.commit(name, |pending| {
                pending.add(id.clone(), owner.clone(), changes).unwrap();
            });
            if added.is_ok() {
                rules.owners.insert(id.clone(), owner);
                ids.push(id);
            }
        }
        Step::Set { unit: name, secret, value } => {
            let id = id(secret);
            let before = store.secrets.get(&id).map(|secret| secret.latest);
            let set = store.set(UNITS[*name], &id, with_content(&value.to_string()));
            let after = store.secrets.get(&id).map(|secret| secret.latest);
            assert!(set.is_ok() || before == after);
            if before == after {
                return;
            }
            // Each unit that has read an older revision is owed a hook.
            for reader in UNITS {
                let tracked =
                    store.secrets.get(&id).and_then(|secret| secret.consumers.get(reader));
                if tracked.is_some() {
                    rules.owed.insert((reader.to_owned(), id.clone()), after.unwrap());
                }
            }
        }
        Step::Read { unit: name, secret, mode, label } => {
            let id = id(secret);
            let mode = match mode {
                0 => ReadMode::Tracked,
                1 => ReadMode::Peek,
                _ => ReadMode::Refresh,
            };
            let label = if *label > 0 { label.to_string() } else { String::new() };
            let Ok(uri) = SecretUri::parse(&id) else { return };
            let name = UNITS[*name];
            let is_leader = Store::is_leader(name);
            let read = store.secrets.read(name, is_leader, Some(&uri), &label, mode);
            if read.is_ok() {
                assert!(rules.may_read(name, &id), "{name} has read {id}");
            } else if store.secrets.get(&id).is_some() && label.is_empty() {
                let is_gone = read.is_err_and(|text| text.contains("not found"));
                assert!(is_gone || !rules.may_read(name, &id), "{name} could not read {id}");
            }
        }
        Step::Grant { unit: name, secret, relation: number, subject, is_application } => {
            let id = id(secret);
            let name = UNITS[*name];
            let owned = store.secrets.owned_by(name, Store::is_leader(name));
            let Some(metadata) = owned.get(&id) else { return };
            let (subject, text) = party(*subject, *is_application);
            let mut is_new = false;
            let granted = store.commit(name, |pending| {
                let taken = pending.grant(&id, subject, relation(*number), metadata);
                is_new = taken.is_ok() && !pending.is_empty();
            });
            if granted.is_ok() && is_new {
                rules.grants.entry(id).or_default().insert(text, *number);
            }
        }
        Step::Revoke { unit: name, secret, subject, is_application } => {
            let id = id(secret);
            let (subject, text) = party(*subject, *is_application);
            // The owner's own permission is not a grant.
            if rules.owners.get(&id) == Some(&subject) {
                return;
            }
            let revoked = store.commit(UNITS[*name], |pending| pending.revoke(&id, subject));
            if revoked.is_ok() {
                rules.grants.entry(id).or_default().remove(&text);
            }
        }
        Step::Remove { unit: name, secret, revision } => {
            let id = id(secret);
            let revision = (*revision > 0).then_some(*revision);
            let _ = store.commit(UNITS[*name], |pending| pending.remove(&id, revision));
        }
        Step::EndRelation(number) => {
            store.secrets.keep_grants_of(|id| id != *number);
            for grants in rules.grants.values_mut() {
                grants.retain(|_, relation| relation != number);
            }
        }
        Step::Advance(seconds) => store.advance(*seconds),
        Step::Run(name) => run(store, rules, UNITS[*name]),
    }
}

fn run(store: &mut Store, rules: &mut Rules, name: &str) {
    let Ok(due) = store.due(name) else { return };
    if let SecretEvent::Changed { revision } = due.event {
        assert!(rules.may_read(name, &due.id), "{name} is told of {}", due.id);
        let owed = rules.owed.remove(&(name.to_owned(), due.id.clone()));
        assert_eq!(owed, Some(revision), "{name} is told once of {}", due.id);
    }
    store.run(name);
}

/// Checks that no label of an application is used twice.
fn check_labels(store: &Store) {
    let mut labels = BTreeSet::new();
    for secret in store.secrets.by_id.values() {
        if !secret.label.is_empty() {
            assert!(labels.insert((secret.owner.to_string(), secret.label.clone())));
        }
        for (name, consumer) in &secret.consumers {
            if !consumer.label.is_empty() {
                let party = unit(name).to_string();
                assert!(labels.insert((party, consumer.label.clone())));
                let shared = Party::application_of(name).to_string();
                assert!(!labels.contains(&(shared, consumer.label.clone())));
            }
        }
    }
}

proptest! {
    #[test]
    fn every_sequence_keeps_the_rules(steps in prop::collection::vec(step(), 1..60)) {
        let mut store = Store::new();
        let mut rules = Rules::default();
        let mut ids = Vec::new();
        for step in &steps {
            take(&mut store, &mut rules, &mut ids, step);
            check_labels(&store);
        }
        // At the end every unit runs what is due. Rotations that are late come one by one.
        for name in UNITS {
            for _ in 0..500 {
                run(&mut store, &mut rules, name);
            }
            prop_assert!(store.due(name).is_err(), "{:?}", store.due(name));
        }
        rules.owed.retain(|(name, id), _| {
            store.secrets.get(id).is_some_and(|secret| secret.may_read(name))
        });
        prop_assert!(rules.owed.is_empty(), "{:?}", rules.owed);
        // What nobody tracks is told to the owner, or is the latest revision.
        for (id, secret) in &store.secrets.by_id {
            for (number, revision) in &secret.revisions {
                let is_tracked =
                    secret.consumers.values().any(|consumer| consumer.tracked == *number);
                prop_assert_eq!(
                    revision.is_obsolete,
                    *number != secret.latest && !is_tracked,
                    "{} {}", id, number
                );
            }
        }
    }
}
