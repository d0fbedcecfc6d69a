//! [`PendingSecrets`] holds what the running hook has asked for. It is committed when the hook
//! exits with 0, and dropped when the hook ends in any other way.
//!
//! Source: reference `juju-agent-measured.md` 3.5 to 3.7; Juju 3.6, `worker/uniter/runner/context`.

use std::collections::{BTreeMap, BTreeSet};

use super::content::SecretContent;
use super::metadata::SecretMetadata;
use super::party::{Party, RelationScope, Scope};
use super::reading::ReadMode;
use super::secret::Changes;
use crate::go_text::go_quote;

/// A secret that the hook adds.
#[derive(Debug, Clone)]
pub(super) struct Create {
    pub(super) owner: Party,
    pub(super) changes: Changes,
}

/// A grant in the scope of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) subject: Party,
    pub(super) scope: RelationScope,
}

/// The revisions of a secret that the hook removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Removal {
    All,
    Revisions(BTreeSet<u32>),
}

/// The pending writes of a hook to secrets, each by the secret's id.
#[derive(Debug, Default)]
pub(crate) struct PendingSecrets {
    pub(super) creates: BTreeMap<String, Create>,
    pub(super) updates: BTreeMap<String, Changes>,
    pub(super) removals: BTreeMap<String, Removal>,
    /// At most one grant for each relation: a later one replaces it (measured).
    pub(super) grants: BTreeMap<String, BTreeMap<RelationScope, Grant>>,
    pub(super) revokes: BTreeMap<String, Vec<Party>>,
    /// The secrets whose new revision the unit tracks from the commit on.
    pub(super) tracked: BTreeSet<String>,
}

impl PendingSecrets {
    /// Adds a secret.
    ///
    /// # Errors
    /// Returns Juju's text if this hook has added a secret with this label. A stored label is
    /// looked for at the commit.
    pub(crate) fn add(&mut self, id: String, owner: Party, changes: Changes) -> Result<(), String> {
        if let Some(label) = &changes.label
            && self.creates.values().any(|create| create.changes.label.as_ref() == Some(label))
        {
            return Err(format!("secret with label {} already exists", go_quote(label)));
        }
        self.creates.insert(id, Create { owner, changes });
        Ok(())
    }

    /// Changes a secret, of which `stored` is what the unit owns. That takes back a removal of it
    /// (measured).
    ///
    /// A content that is equal to the stored one makes no revision, and a call that changes nothing
    /// does nothing.
    pub(crate) fn update(
        &mut self,
        id: &str,
        mut changes: Changes,
        stored: Option<&SecretMetadata>,
    ) {
        changes.content.take_if(|content| {
            content.is_empty() || stored.is_some_and(|stored| stored.latest_content == *content)
        });
        if changes.is_empty() {
            return;
        }
        self.removals.remove(id);
        match self.creates.get_mut(id) {
            Some(create) => create.changes.merge(changes),
            None => self.updates.entry(id.to_owned()).or_default().merge(changes),
        }
    }

    /// Removes one revision of a secret, or all. That drops what else this hook has asked for.
    pub(crate) fn remove(&mut self, id: &str, revision: Option<u32>) {
        self.creates.remove(id);
        self.updates.remove(id);
        self.grants.remove(id);
        self.revokes.remove(id);
        self.tracked.remove(id);
        let removal = self
            .removals
            .entry(id.to_owned())
            .or_insert_with(|| Removal::Revisions(BTreeSet::new()));
        match (removal, revision) {
            (Removal::Revisions(revisions), Some(revision)) => {
                revisions.insert(revision);
            }
            (removal, None) => *removal = Removal::All,
            (Removal::All, Some(_)) => {}
        }
    }

    /// Grants a secret to an application or a unit in the scope of a relation. A grant that is
    /// stored already, also one to the unit's application, is not repeated.
    ///
    /// # Errors
    /// Returns Juju's text for the application of a unit that has a stored grant.
    pub(crate) fn grant(
        &mut self,
        id: &str,
        subject: Party,
        scope: RelationScope,
        secret: &SecretMetadata,
    ) -> Result<(), String> {
        let of_relation = Scope::Relation(scope.clone());
        let stored = secret.access.iter().filter(|access| access.scope == of_relation);
        for access in stored {
            if access.target == subject || matches!(access.target, Party::Application(_)) {
                return Ok(());
            }
            if matches!(subject, Party::Application(_)) {
                return Err("any unit level grants need to be revoked before granting access to \
                            the corresponding application"
                    .to_owned());
            }
        }
        let grants = self.grants.entry(id.to_owned()).or_default();
        grants.insert(scope.clone(), Grant { subject, scope });
        Ok(())
    }

    /// Revokes the grant of an application or a unit. The revoke of an application includes its
    /// units, if it comes first (Juju 3.6).
    pub(crate) fn revoke(&mut self, id: &str, subject: Party) {
        let revokes = self.revokes.entry(id.to_owned()).or_default();
        let is_included = revokes.iter().any(|revoked| match (revoked, &subject) {
            (Party::Application(_), Party::Unit(unit)) => revoked.includes(unit),
            (revoked, subject) => revoked == subject,
        });
        if !is_included {
            revokes.push(subject);
        }
    }

    /// Returns the content that `secret-get` prints without asking the controller, or `None`.
    ///
    /// A secret that this hook has added has no other content. The new content of a stored one is
    /// read only with `--peek` and `--refresh`; the latter also tracks it from the commit on. A
    /// label that is given with the id becomes pending too.
    pub(crate) fn read(
        &mut self,
        id: Option<&str>,
        label: &str,
        mode: ReadMode,
    ) -> Option<SecretContent> {
        let is_wanted = |other: &str, changes: &Changes| {
            id.is_some_and(|id| id == other)
                || (!label.is_empty() && changes.label.as_deref() == Some(label))
        };
        let new_label = id.filter(|_| !label.is_empty()).map(|_| label.to_owned());
        for (other, create) in &mut self.creates {
            if is_wanted(other, &create.changes) {
                create.changes.label = new_label.or(create.changes.label.take());
                return create.changes.content.clone();
            }
        }
        if mode == ReadMode::Tracked {
            return None;
        }
        for (other, changes) in &mut self.updates {
            if is_wanted(other, changes) {
                changes.label = new_label.or(changes.label.take());
                if mode == ReadMode::Refresh {
                    self.tracked.insert(other.clone());
                }
                return changes.content.clone().filter(|content| !content.is_empty());
            }
        }
        None
    }

    /// Returns the id of a secret that has a pending label.
    pub(crate) fn id_of_label(&self, label: &str) -> Option<&str> {
        let created = self.creates.iter().map(|(id, create)| (id, &create.changes));
        let mut pending = created.chain(&self.updates);
        let found = pending.find(|(_, changes)| changes.label.as_deref() == Some(label));
        found.map(|(id, _)| id.as_str())
    }

    /// Returns the secrets that the unit owns as this hook sees them: with what it has added and
    /// changed, without what it has removed, and without its new grants (measured).
    pub(crate) fn view(
        &self,
        stored: &BTreeMap<String, SecretMetadata>,
    ) -> BTreeMap<String, SecretMetadata> {
        let mut view: BTreeMap<String, SecretMetadata> = self
            .creates
            .iter()
            .map(|(id, create)| {
                (id.clone(), SecretMetadata::of_new(create.owner.clone(), &create.changes))
            })
            .collect();
        for (id, metadata) in stored.iter().filter(|(id, _)| !self.removals.contains_key(*id)) {
            let mut metadata = metadata.clone();
            if let Some(changes) = self.updates.get(id) {
                metadata.apply(changes);
            }
            view.insert(id.clone(), metadata);
        }
        view
    }

    /// Returns `true` if the hook has asked for nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.creates.is_empty()
            && self.updates.is_empty()
            && self.removals.is_empty()
            && self.grants.is_empty()
            && self.revokes.is_empty()
            && self.tracked.is_empty()
    }
}
