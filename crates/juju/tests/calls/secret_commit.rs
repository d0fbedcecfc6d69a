//! A test of the promise of the calls that change secrets: what they accept is what Juju has after
//! the hook, in whatever order a hook makes them, and the commit does not fail.
//!
//! The agent of this test forgets and refuses as Juju's does (3.6 and 4.0,
//! `internal/worker/uniter/runner/context`). Beside it stands the sequence of the calls as an
//! author means them.

#![expect(clippy::indexing_slicing, reason = "a test's helper fails the test that called it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Arc, Mutex};

use charmwright_juju::{
    ErrorKind, HookTools, NewSecret, RelationId, SecretFields, SecretId, SecretOwner, SecretText,
    SecretUpdate, ToolCall, ToolError, ToolRunner, UnitName,
};
use proptest::prelude::*;
use serde_json::json;

/// The remote application of each relation.
const RELATIONS: [(&str, &str); 3] = [("db:7", "pg"), ("db:8", "my"), ("admin:9", "pg")];
const LABELS: [&str; 2] = ["one", "two"];

/// A stored secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stored {
    label: String,
    /// The contents by revision.
    revisions: BTreeMap<u64, String>,
    /// The tags of those who may read it, with the relation.
    grants: BTreeSet<(String, String)>,
}

type Store = BTreeMap<String, Stored>;

/// The agent: what is stored, and what this hook changed.
#[derive(Debug, Default)]
struct Agent {
    stored: Store,
    next: u32,
    creates: BTreeMap<String, (Option<String>, String)>,
    updates: BTreeMap<String, (Option<String>, Option<String>)>,
    grants: BTreeMap<(String, String), String>,
    revokes: BTreeSet<(String, String)>,
    /// The revisions to delete; `None` are all.
    deletes: BTreeMap<String, Option<BTreeSet<u64>>>,
}

fn failed(text: &str) -> ToolError {
    ToolError::Exited { code: 1, stderr: format!("ERROR {text}") }
}

fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
}

fn content(args: &[String]) -> Option<String> {
    let file = fs::read(option(args, "--file")?).unwrap();
    let pairs: BTreeMap<String, String> = serde_json::from_slice(&file).unwrap();
    Some(pairs["password"].clone())
}

fn tag(relation: &str, unit: Option<&str>) -> String {
    let app = RELATIONS.iter().find(|(id, _)| *id == relation).unwrap().1;
    unit.map_or_else(
        || format!("application-{app}"),
        |unit| format!("unit-{}", unit.replace('/', "-")),
    )
}

impl Agent {
    /// Returns the label and the grants of a secret that Juju shows in this hook.
    fn shown(&self, id: &str) -> Option<Stored> {
        if let Some((label, _)) = self.creates.get(id) {
            let label = label.clone().unwrap_or_default();
            return Some(Stored { label, ..Stored::default() });
        }
        // A secret of which anything is removed is not shown, not even for one revision.
        let mut shown = self.stored.get(id).filter(|_| !self.deletes.contains_key(id))?.clone();
        if let Some((Some(label), _)) = self.updates.get(id) {
            shown.label.clone_from(label);
        }
        Some(shown)
    }

    fn answer(&mut self, tool: &str, args: &[String]) -> Result<String, ToolError> {
        let label = option(args, "--label").map(str::to_owned);
        let id = args.iter().find(|arg| !arg.starts_with("--"));
        let id = id.map(|id| id.trim_start_matches("secret:").to_owned());
        let relation = option(args, "--relation").unwrap_or_default().to_owned();
        match (tool, id) {
            ("secret-info-get", id) => {
                let ids = self.stored.keys().chain(self.creates.keys());
                let found = ids.filter_map(|key| Some((key.clone(), self.shown(key)?)));
                let mut found = found.filter(|(key, shown)| match &id {
                    Some(id) => key == id,
                    None => Some(&shown.label) == label.as_ref(),
                });
                let Some((key, shown)) = found.next() else {
                    return Err(failed(&format!("secret {:?} not found", id.or(label).unwrap())));
                };
                let revision = shown.revisions.keys().last().copied().unwrap_or(1);
                let access: Vec<_> = shown
                    .grants
                    .iter()
                    .map(|(target, relation)| {
                        let app = RELATIONS.iter().find(|(id, _)| id == relation).unwrap().1;
                        let endpoint = relation.split(':').next().unwrap();
                        let scope = format!("relation-web.{endpoint}#{app}.server");
                        json!({"target": target, "scope": scope, "role": "view"})
                    })
                    .collect();
                Ok(json!({key: {
                    "revision": revision, "label": shown.label, "owner": "unit", "access": access,
                }})
                .to_string())
            }
            ("relation-list", _) => {
                Ok(json!(RELATIONS.iter().find(|(id, _)| *id == relation).unwrap().1).to_string())
            }
            ("secret-add", _) => {
                if label.is_some() && self.creates.values().any(|(other, _)| *other == label) {
                    return Err(failed("secret with label \"x\" already exists"));
                }
                self.next += 1;
                let id = format!("9m4e2mr0ui3e8a2{:05}", self.next);
                self.creates.insert(id.clone(), (label, content(args).unwrap()));
                Ok(format!("secret:{id}\n"))
            }
            ("secret-set", Some(id)) => {
                self.deletes.remove(&id);
                let content = content(args);
                if let Some(create) = self.creates.get_mut(&id) {
                    create.0 = label.or(create.0.take());
                    create.1 = content.unwrap_or(std::mem::take(&mut create.1));
                } else {
                    let update = self.updates.entry(id).or_default();
                    update.0 = label.or(update.0.take());
                    update.1 = content.or(update.1.take());
                }
                Ok(String::new())
            }
            ("secret-grant", Some(id)) => {
                let Some(shown) = self.shown(&id) else {
                    return Err(failed(&format!("secret {id:?} not found")));
                };
                let target = tag(&relation, option(args, "--unit"));
                let pending = self.grants.get(&(id.clone(), relation.clone()));
                let stored = shown.grants.iter().filter(|(_, other)| *other == relation);
                for existing in stored.map(|(target, _)| target).chain(pending) {
                    if *existing == target || existing.starts_with("application-") {
                        return Ok(String::new());
                    }
                    if target.starts_with("application-") {
                        return Err(failed("any unit level grants need to be revoked before"));
                    }
                }
                self.grants.insert((id, relation), target);
                Ok(String::new())
            }
            ("secret-revoke", Some(id)) => {
                self.revokes.insert((id, tag(&relation, option(args, "--unit"))));
                Ok(String::new())
            }
            ("secret-remove", Some(id)) => {
                self.creates.remove(&id);
                self.updates.remove(&id);
                self.grants.retain(|(other, _), _| *other != id);
                self.revokes.retain(|(other, _)| *other != id);
                let revision = option(args, "--revision").map(|text| text.parse().unwrap());
                let deleted = self.deletes.entry(id).or_insert_with(|| Some(BTreeSet::new()));
                match (revision, deleted) {
                    (Some(revision), Some(revisions)) => drop(revisions.insert(revision)),
                    (Some(_), None) => {}
                    (None, deleted) => *deleted = None,
                }
                Ok(String::new())
            }
            (tool, _) => Err(failed(&format!("nobody expected {tool}"))),
        }
    }

    /// Commits the hook: everything in the controller's order, or an error.
    fn commit(mut self) -> Result<Store, String> {
        let free = |store: &Store, label: &str, id: &str| {
            let mut others = store.iter().filter(|(other, _)| *other != id);
            if others.any(|(_, secret)| !label.is_empty() && secret.label == label) {
                return Err(format!("the label {label} exists"));
            }
            Ok(())
        };
        for (id, (label, content)) in std::mem::take(&mut self.creates) {
            let label = label.unwrap_or_default();
            free(&self.stored, &label, &id)?;
            let revisions = BTreeMap::from([(1, content)]);
            self.stored.insert(id, Stored { label, revisions, grants: BTreeSet::new() });
        }
        for (id, (label, content)) in std::mem::take(&mut self.updates) {
            if let Some(label) = &label {
                free(&self.stored, label, &id)?;
            }
            let secret = self.stored.get_mut(&id).ok_or("an update of nothing")?;
            secret.label = label.unwrap_or(std::mem::take(&mut secret.label));
            if let Some(content) = content {
                let next = secret.revisions.keys().last().map_or(1, |last| last + 1);
                secret.revisions.insert(next, content);
            }
        }
        for ((id, relation), target) in std::mem::take(&mut self.grants) {
            let secret = self.stored.get_mut(&id).ok_or("a grant of nothing")?;
            if secret.grants.iter().any(|(other, scope)| *other == target && *scope != relation) {
                return Err("another relation of the same grantee".to_owned());
            }
            secret.grants.insert((target, relation));
        }
        for (id, target) in std::mem::take(&mut self.revokes) {
            let secret = self.stored.get_mut(&id).ok_or("a revocation of nothing")?;
            secret.grants.retain(|(other, _)| *other != target);
        }
        for (id, revisions) in std::mem::take(&mut self.deletes) {
            let secret = self.stored.get_mut(&id).ok_or("a removal of nothing")?;
            if let Some(revisions) = revisions {
                secret.revisions.retain(|revision, _| !revisions.contains(revision));
            } else {
                secret.revisions.clear();
            }
            if secret.revisions.is_empty() {
                self.stored.remove(&id);
            }
        }
        Ok(self.stored)
    }
}

struct Runner(Arc<Mutex<Agent>>);

impl ToolRunner for Runner {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        self.0.lock().unwrap().answer(call.tool, &call.args).map(String::into_bytes)
    }
}

/// A call of a hook. A secret is named by its place among those that there are.
#[derive(Debug, Clone)]
enum Step {
    Add(Option<usize>),
    Content(usize),
    Label(usize, usize),
    Grant(usize, usize, Option<u8>),
    Revoke(usize, usize, Option<u8>),
    Remove(usize),
    RemoveRevision(usize, u64),
    Info(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (secret, label, relation) = (0..3_usize, 0..2_usize, 0..3_usize);
    let unit = proptest::option::of(0..2_u8);
    prop_oneof![
        proptest::option::of(label.clone()).prop_map(Step::Add),
        secret.clone().prop_map(Step::Content),
        (secret.clone(), label).prop_map(|(secret, label)| Step::Label(secret, label)),
        (secret.clone(), relation.clone(), unit.clone())
            .prop_map(|(secret, relation, unit)| Step::Grant(secret, relation, unit)),
        (secret.clone(), relation, unit)
            .prop_map(|(secret, relation, unit)| Step::Revoke(secret, relation, unit)),
        secret.clone().prop_map(Step::Remove),
        (secret.clone(), 1..4_u64).prop_map(|(secret, at)| Step::RemoveRevision(secret, at)),
        secret.prop_map(Step::Info),
    ]
}

/// Does one step, and on the store that the author means as well if the call was accepted. Returns
/// the error's kind if it was refused.
fn act(
    tools: &HookTools,
    meant: &mut Store,
    ids: &mut Vec<String>,
    step: &Step,
    number: usize,
) -> Result<(), ErrorKind> {
    let fields = || SecretFields::new().with("password", &SecretText::from(format!("p{number}")));
    let kind = |error: charmwright_juju::Error| error.kind().clone();
    let secret = |place: usize| -> SecretId {
        // A secret that is not there is asked for too.
        let id = ids.get(place).map_or("9m4e2mr0ui3e8a299999", String::as_str);
        id.parse().unwrap()
    };
    let unit_of = |relation: usize, number: &Option<u8>| -> Option<UnitName> {
        number.map(|number| format!("{}/{number}", RELATIONS[relation].1).parse().unwrap())
    };
    let next = |revisions: &BTreeMap<u64, String>| revisions.keys().last().map_or(1, |at| at + 1);
    match step {
        Step::Add(label) => {
            let mut request = NewSecret::new(SecretOwner::Unit, fields());
            if let Some(label) = label {
                request = request.label(LABELS[*label]);
            }
            let id = tools.add_secret(&request).map_err(kind)?.id().to_owned();
            let label = label.map_or_else(String::new, |label| LABELS[label].to_owned());
            let revisions = BTreeMap::from([(1, format!("p{number}"))]);
            meant.insert(id.clone(), Stored { label, revisions, grants: BTreeSet::new() });
            ids.push(id);
        }
        Step::Content(place) => {
            let id = secret(*place);
            tools.set_secret(&id, &SecretUpdate::new().content(fields())).map_err(kind)?;
            let revisions = &mut meant.get_mut(id.id()).unwrap().revisions;
            revisions.insert(next(revisions), format!("p{number}"));
        }
        Step::Label(place, label) => {
            let id = secret(*place);
            tools.set_secret(&id, &SecretUpdate::new().label(LABELS[*label])).map_err(kind)?;
            meant.get_mut(id.id()).unwrap().label = LABELS[*label].to_owned();
        }
        Step::Grant(place, relation, unit) => {
            let (id, unit) = (secret(*place), unit_of(*relation, unit));
            let relation = RELATIONS[*relation].0;
            let relation_id: RelationId = relation.parse().unwrap();
            tools.grant_secret(&id, &relation_id, unit.as_ref()).map_err(kind)?;
            let grants = &mut meant.get_mut(id.id()).unwrap().grants;
            // Who has the grant of the application needs none of its own.
            if !grants.contains(&(tag(relation, None), relation.to_owned())) {
                let unit = unit.map(|unit| unit.to_string());
                grants.insert((tag(relation, unit.as_deref()), relation.to_owned()));
            }
        }
        Step::Revoke(place, relation, unit) => {
            let (id, unit) = (secret(*place), unit_of(*relation, unit));
            let relation = RELATIONS[*relation].0;
            let relation_id: RelationId = relation.parse().unwrap();
            if tools.revoke_secret(&id, &relation_id, unit.as_ref()).map_err(kind)? {
                let unit = unit.map(|unit| unit.to_string());
                let target = tag(relation, unit.as_deref());
                let grants = &mut meant.get_mut(id.id()).unwrap().grants;
                grants.remove(&(target, relation.to_owned()));
            }
        }
        Step::Remove(place) => {
            let id = secret(*place);
            let was_sent = tools.remove_secret(&id).map_err(kind)?;
            assert_eq!(was_sent, meant.remove(id.id()).is_some());
        }
        Step::RemoveRevision(place, revision) => {
            let id = secret(*place);
            if tools.remove_secret_revision(&id, *revision).map_err(kind)? {
                // Without its last revision the secret is gone, but only when the hook has ended.
                meant.get_mut(id.id()).unwrap().revisions.remove(revision);
            }
        }
        Step::Info(place) => {
            tools.secret_info(&secret(*place)).map(drop).map_err(kind)?;
        }
    }
    Ok(())
}

/// Keeps of each secret the newest content alone: several contents that one hook set are one
/// revision to Juju.
fn newest(store: &Store) -> Store {
    let newest = |secret: &Stored| {
        let content = secret.revisions.values().next_back().cloned();
        let revisions = content.map(|content| (0, content)).into_iter().collect();
        Stored { revisions, ..secret.clone() }
    };
    store.iter().map(|(id, secret)| (id.clone(), newest(secret))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_is_what_juju_has_after_the_hook(
        hooks in proptest::collection::vec(proptest::collection::vec(step(), 1..9), 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut stored = Store::new();
        let mut next = 0;
        for (hook, steps) in hooks.iter().enumerate() {
            let mut meant = stored.clone();
            let mut ids: Vec<String> = stored.keys().cloned().collect();
            let agent = Arc::new(Mutex::new(Agent { stored, next, ..Agent::default() }));
            let tools = HookTools::new(Box::new(Runner(Arc::clone(&agent))))
                .secret_folder(folder.path());
            for (number, step) in steps.iter().enumerate() {
                if let Err(kind) = act(&tools, &mut meant, &mut ids, step, 10 * hook + number) {
                    let expected = [ErrorKind::Invalid, ErrorKind::Gone, ErrorKind::WrongContext];
                    prop_assert!(expected.contains(&kind), "{:?} gave {:?}", step, kind);
                }
            }
            drop(tools);
            let agent = Arc::try_unwrap(agent).unwrap().into_inner().unwrap();
            next = agent.next;
            stored = agent.commit().map_err(|error| {
                TestCaseError::fail(format!("the commit failed: {error}"))
            })?;
            meant.retain(|_, secret| !secret.revisions.is_empty());
            prop_assert_eq!(newest(&stored), newest(&meant));
        }
    }
}
