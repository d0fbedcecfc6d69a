//! Tests of the store, of the pending writes of a hook and of the hooks that are due.

mod commit;
mod due;
mod permissions;
mod sequences;
mod user;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::secret_uri::SecretUri;

const MODEL: &str = "4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10";

/// The relation between the endpoints `web:db` and `pg:server`.
fn relation(id: u32) -> RelationScope {
    RelationScope { id, key: "web:db pg:server".to_owned() }
}

fn unit(name: &str) -> Party {
    Party::Unit(name.to_owned())
}

fn application(name: &str) -> Party {
    Party::Application(name.to_owned())
}

/// Makes a content with one key.
fn content(value: &str) -> SecretContent {
    SecretContent::from_encoded(BTreeMap::from([("password".to_owned(), value.to_owned())]))
}

fn labelled(label: &str, value: &str) -> Changes {
    Changes { label: Some(label.to_owned()), content: Some(content(value)), ..Changes::default() }
}

fn with_content(value: &str) -> Changes {
    Changes { content: Some(content(value)), ..Changes::default() }
}

/// A store, and the agents' records of the units `web/0`, the leader, `web/1` and `pg/0`.
struct Store {
    secrets: Secrets,
    hooks: BTreeMap<String, SecretHooks>,
    now: Timestamp,
}

impl Store {
    fn new() -> Self {
        Self {
            secrets: Secrets::new(MODEL, false, 7),
            hooks: BTreeMap::new(),
            now: "2031-01-02T03:04:05Z".parse().unwrap(),
        }
    }

    fn is_leader(unit: &str) -> bool {
        unit.ends_with("/0")
    }

    /// Commits the writes of one hook of a unit.
    fn commit(
        &mut self,
        unit: &str,
        write: impl FnOnce(&mut PendingSecrets),
    ) -> Result<(), String> {
        let mut pending = PendingSecrets::default();
        write(&mut pending);
        let committer = Committer {
            unit,
            is_leader: Self::is_leader(unit),
            now: self.now,
            check_grant: &|_, _| Ok(()),
        };
        self.secrets = self.secrets.committed(&pending, &committer)?;
        Ok(())
    }

    /// Adds a secret of an owner in a hook of `unit`.
    fn add(&mut self, unit: &str, owner: Party, changes: Changes) -> String {
        let id = self.secrets.new_id();
        self.commit(unit, |pending| pending.add(id.clone(), owner, changes).unwrap()).unwrap();
        id
    }

    /// Adds a secret of the application `web`.
    fn add_for_web(&mut self, value: &str) -> String {
        self.add("web/0", application("web"), with_content(value))
    }

    fn set(&mut self, unit: &str, id: &str, changes: Changes) -> Result<(), String> {
        let owned = self.secrets.owned_by(unit, Self::is_leader(unit));
        self.commit(unit, |pending| pending.update(id, changes, owned.get(id)))
    }

    fn grant(&mut self, id: &str, subject: Party, scope: RelationScope) -> Result<(), String> {
        let owned = self.secrets.owned_by("web/0", true);
        self.commit("web/0", |pending| {
            pending.grant(id, subject, scope, owned.get(id).unwrap()).unwrap();
        })
    }

    fn read(&mut self, unit: &str, id: &str, mode: ReadMode) -> Result<SecretContent, String> {
        let uri = SecretUri::parse(id).unwrap();
        self.secrets.read(unit, Self::is_leader(unit), Some(&uri), "", mode)
    }

    fn get(&mut self, unit: &str, id: &str) -> Result<SecretContent, String> {
        self.read(unit, id, ReadMode::Tracked)
    }

    fn by_label(&mut self, unit: &str, label: &str) -> Result<SecretContent, String> {
        self.secrets.read(unit, Self::is_leader(unit), None, label, ReadMode::Tracked)
    }

    /// Gives a label with a URI, as `secret-get URI --label LABEL` does.
    fn name(&mut self, unit: &str, id: &str, label: &str) -> Result<SecretContent, String> {
        let uri = SecretUri::parse(id).unwrap();
        self.secrets.read(unit, Self::is_leader(unit), Some(&uri), label, ReadMode::Tracked)
    }

    fn due(&self, unit: &str) -> Result<DueSecret, Option<Timestamp>> {
        let none = SecretHooks::default();
        let hooks = self.hooks.get(unit).unwrap_or(&none);
        hooks.next(&self.secrets, unit, Self::is_leader(unit), self.now)
    }

    /// Runs the secret hook that is due, in which the charm does nothing.
    fn run(&mut self, unit: &str) -> Option<SecretEvent> {
        self.run_with(unit, |_, _| ())
    }

    /// Runs the secret hook that is due. The charm acts on the secret with this id.
    fn run_with(&mut self, unit: &str, act: impl FnOnce(&mut Self, &str)) -> Option<SecretEvent> {
        let due = self.due(unit).ok()?;
        let original = self.secrets.get(&due.id).map(|secret| secret.latest);
        act(self, &due.id);
        let hooks = self.hooks.entry(unit.to_owned()).or_default();
        hooks.complete(&mut self.secrets, due.event, &due.id, original, self.now);
        Some(due.event)
    }

    fn latest(&self, id: &str) -> u32 {
        self.secrets.get(id).unwrap().latest
    }

    fn advance(&mut self, seconds: u64) {
        self.now = rotation::later(self.now, std::time::Duration::from_secs(seconds));
    }
}
