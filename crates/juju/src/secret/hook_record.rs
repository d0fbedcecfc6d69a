//! What one hook has read of secrets, and what it has changed.
//!
//! It answers repeated reads, and it knows what Juju accepts in a hook and then loses or refuses
//! when the hook is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::content::SecretFields;
use super::info::SecretInfo;
use super::options::SecretOwner;
use crate::names::{RelationId, SecretId, UnitName};

/// A reference to a secret: its id, or the label that its owner or this unit gave it.
///
/// A call takes `&SecretId` for an id and `&str` for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretRef<'a> {
    /// The id.
    Id(&'a SecretId),
    /// The label.
    Label(&'a str),
}

impl<'a> From<&'a SecretId> for SecretRef<'a> {
    fn from(id: &'a SecretId) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a str> for SecretRef<'a> {
    fn from(label: &'a str) -> Self {
        Self::Label(label)
    }
}

impl<'a> From<&'a String> for SecretRef<'a> {
    fn from(label: &'a String) -> Self {
        Self::Label(label)
    }
}

impl fmt::Display for SecretRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "the secret {id}"),
            Self::Label(label) => write!(f, "the secret labelled {label:?}"),
        }
    }
}

/// The way in which a content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReadMode {
    /// The revision that the unit tracks.
    Tracked,
    /// The newest revision.
    Peek,
    /// The newest revision, which the unit tracks from now on.
    Refresh,
}

/// The key of a cached content. A secret that is read by its id and by its label is read twice: the
/// agent alone knows that the two are one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ContentKey {
    Id(String),
    Label(String),
}

impl From<SecretRef<'_>> for ContentKey {
    fn from(secret: SecretRef<'_>) -> Self {
        match secret {
            // Two spellings of one id are one secret.
            SecretRef::Id(id) => Self::Id(id.id().to_owned()),
            SecretRef::Label(label) => Self::Label(label.to_owned()),
        }
    }
}

/// The change that a hook made to a secret, as far as later calls of the hook have to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The hook added it.
    Created,
    /// The hook set, granted or revoked it.
    Changed,
    /// The hook removed a revision of it.
    RevisionRemoved,
    /// The hook removed it.
    Removed,
}

/// The record of one hook.
#[derive(Default)]
pub(crate) struct HookRecord {
    contents: BTreeMap<(ContentKey, ReadMode), Arc<SecretFields>>,
    /// The properties by the bare id; `None` is a secret that the unit does not own or that is
    /// gone.
    infos: BTreeMap<String, Option<Arc<SecretInfo>>>,
    /// The labels that are taken as far as the hook knows, by the secret that has each.
    labels: BTreeMap<String, SecretId>,
    ids: Option<BTreeSet<SecretId>>,
    changes: BTreeMap<String, Change>,
    /// The owners of the secrets that the hook added. Juju does not show their properties yet.
    added_for: BTreeMap<String, SecretOwner>,
    /// The unit that each secret was granted to in a relation; `None` is the whole application.
    grants: BTreeMap<(String, u32), (RelationId, Option<UnitName>)>,
    /// The relations in which each secret was revoked.
    revoked: BTreeMap<String, Vec<RelationId>>,
    /// The hook changed a secret that the application owns, so it has to be the leader at its end.
    needs_leader: bool,
}

impl HookRecord {
    pub(crate) fn content(
        &self,
        secret: SecretRef<'_>,
        mode: ReadMode,
    ) -> Option<Arc<SecretFields>> {
        self.contents.get(&(secret.into(), mode)).cloned()
    }

    /// Records a content that was read.
    pub(crate) fn read(
        &mut self,
        secret: SecretRef<'_>,
        mode: ReadMode,
        content: &Arc<SecretFields>,
    ) {
        self.contents.insert((secret.into(), mode), Arc::clone(content));
        if mode == ReadMode::Refresh {
            // The newest revision is now the one that the unit tracks, under every name.
            self.forget_refreshed(secret);
            for mode in [ReadMode::Tracked, ReadMode::Peek] {
                self.contents.insert((secret.into(), mode), Arc::clone(content));
            }
        }
    }

    /// Drops the contents that were read before a refresh of `secret` and may be older: those of
    /// its id, and those of all labels, since only the agent knows which secret a label is of. A
    /// refresh by label drops all.
    fn forget_refreshed(&mut self, secret: SecretRef<'_>) {
        let refreshed = ContentKey::from(secret);
        self.contents.retain(|(key, mode), _| {
            let may_be_same = match (key, &refreshed) {
                (ContentKey::Id(key), ContentKey::Id(id)) => key == id,
                _ => true,
            };
            *mode == ReadMode::Refresh || !may_be_same
        });
    }

    /// Drops every content that a change of the secret may have changed.
    fn forget_contents(&mut self, id: &SecretId) {
        self.contents.retain(|(key, _), _| match key {
            ContentKey::Id(key) => key != id.id(),
            ContentKey::Label(_) => false,
        });
    }

    /// Returns the secret that has the label, as far as the hook knows.
    pub(crate) fn owner_of_label(&self, label: &str) -> Option<&SecretId> {
        self.labels.get(label)
    }

    /// Records that a secret has the label.
    pub(crate) fn label_is_taken(&mut self, label: &str, id: &SecretId) {
        self.labels.insert(label.to_owned(), id.clone());
    }

    /// Returns the properties of a secret if they are known; the inner `None` means that the unit
    /// does not own it.
    pub(crate) fn info(&self, id: &SecretId) -> Option<Option<Arc<SecretInfo>>> {
        self.infos.get(id.id()).cloned()
    }

    /// Records the properties of a secret.
    pub(crate) fn record_info(&mut self, info: &Arc<SecretInfo>) {
        if let Some(label) = info.label() {
            self.label_is_taken(label, info.id());
        }
        self.infos.insert(info.id().id().to_owned(), Some(Arc::clone(info)));
    }

    /// Records that the unit does not own the secret.
    pub(crate) fn record_foreign(&mut self, id: &SecretId) {
        self.infos.insert(id.id().to_owned(), None);
    }

    pub(crate) fn ids(&self) -> Option<&BTreeSet<SecretId>> {
        self.ids.as_ref()
    }

    pub(crate) fn record_ids(&mut self, ids: BTreeSet<SecretId>) {
        self.ids = Some(ids);
    }

    pub(crate) fn needs_leader(&self) -> bool {
        self.needs_leader
    }

    /// Returns the owner of a secret that the unit may change, as far as the hook knows.
    pub(crate) fn owner(&self, id: &SecretId) -> Option<SecretOwner> {
        let added = self.added_for.get(id.id()).copied();
        added.or_else(|| Some(self.infos.get(id.id())?.as_ref()?.owner()))
    }

    /// Records that the hook is about to change a secret of this owner.
    fn changes_secret_of(&mut self, owner: SecretOwner) {
        self.needs_leader |= owner == SecretOwner::Application;
    }

    pub(crate) fn change(&self, id: &SecretId) -> Option<Change> {
        self.changes.get(id.id()).copied()
    }

    /// Returns `true` if the hook removed the secret.
    pub(crate) fn is_removed(&self, secret: SecretRef<'_>) -> bool {
        let id = match secret {
            SecretRef::Id(id) => Some(id),
            SecretRef::Label(label) => self.owner_of_label(label),
        };
        id.is_some_and(|id| self.change(id) == Some(Change::Removed))
    }

    /// Records that the hook added a secret.
    pub(crate) fn added(&mut self, id: &SecretId, owner: SecretOwner, label: Option<&str>) {
        self.changes_secret_of(owner);
        self.added_for.insert(id.id().to_owned(), owner);
        self.changes.insert(id.id().to_owned(), Change::Created);
        if let Some(ids) = &mut self.ids {
            ids.insert(bare(id));
        }
        if let Some(label) = label {
            self.label_is_taken(label, id);
        }
        self.forget_contents(id);
    }

    /// Records that the hook set content or options of a secret.
    pub(crate) fn set(&mut self, id: &SecretId, label: Option<&str>) {
        self.note_owner(id);
        self.note_change(id);
        self.forget_contents(id);
        // Juju shows the new options at once (measured 3.5), so they are asked for again.
        self.infos.remove(id.id());
        if let Some(label) = label {
            // The old label stays taken: Juju checks labels when it commits the hook.
            self.label_is_taken(label, id);
        }
    }

    /// Returns the grant of this hook in a relation.
    pub(crate) fn grant(&self, id: &SecretId, relation: &RelationId) -> Option<&Option<UnitName>> {
        Some(&self.grants.get(&(id.id().to_owned(), relation.number()))?.1)
    }

    /// Returns the grants of this hook in all relations but this one.
    pub(crate) fn grants_in_other_relations(
        &self,
        id: &SecretId,
        relation: &RelationId,
    ) -> Vec<(RelationId, Option<UnitName>)> {
        let grants = self
            .grants
            .iter()
            .filter(|((secret, number), _)| secret == id.id() && *number != relation.number());
        grants.map(|(_, grant)| grant.clone()).collect()
    }

    /// Returns the relations in which the hook revoked the secret.
    pub(crate) fn revoked_in(&self, id: &SecretId) -> Vec<RelationId> {
        self.revoked.get(id.id()).cloned().unwrap_or_default()
    }

    /// Records a grant.
    pub(crate) fn granted(&mut self, id: &SecretId, relation: &RelationId, unit: Option<UnitName>) {
        self.note_owner(id);
        self.note_change(id);
        let key = (id.id().to_owned(), relation.number());
        self.grants.insert(key, (relation.clone(), unit));
    }

    /// Records a revocation.
    pub(crate) fn revoked(&mut self, id: &SecretId, relation: &RelationId) {
        self.note_owner(id);
        self.note_change(id);
        self.revoked.entry(id.id().to_owned()).or_default().push(relation.clone());
        self.grants.remove(&(id.id().to_owned(), relation.number()));
    }

    /// Records that the hook removed a revision.
    pub(crate) fn revision_removed(&mut self, id: &SecretId) {
        self.note_owner(id);
        self.changes.insert(id.id().to_owned(), Change::RevisionRemoved);
        self.forget_contents(id);
    }

    /// Records that the hook removed a secret. Its label stays taken until the hook is committed.
    pub(crate) fn removed(&mut self, id: &SecretId) {
        self.note_owner(id);
        self.changes.insert(id.id().to_owned(), Change::Removed);
        self.forget_contents(id);
        self.infos.insert(id.id().to_owned(), None);
        if let Some(ids) = &mut self.ids {
            ids.retain(|other| other.id() != id.id());
        }
    }

    fn note_owner(&mut self, id: &SecretId) {
        if let Some(Some(info)) = self.info(id) {
            self.changes_secret_of(info.owner());
        }
    }

    fn note_change(&mut self, id: &SecretId) {
        self.changes.entry(id.id().to_owned()).or_insert(Change::Changed);
    }
}

/// Returns the id in the form in which the list of ids has it.
fn bare(id: &SecretId) -> SecretId {
    format!("secret:{}", id.id()).parse().unwrap_or_else(|_| id.clone())
}
