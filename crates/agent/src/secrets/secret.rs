//! [`Secret`] is one secret as Juju's controller stores it.

use std::collections::BTreeMap;

use charmwright_juju::SecretRotation;
use jiff::Timestamp;

use super::content::SecretContent;
use super::party::{Party, Scope};
use super::rotation::{next_rotation, to_the_second};

/// What a party may do with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    View,
    Manage,
}

/// The permission of one party. Juju stores one for each party and secret, whatever the relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) role: Role,
    pub(crate) scope: Scope,
}

/// One revision of a secret.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) content: SecretContent,
    pub(crate) expires: Option<Timestamp>,
    /// Set when it is not the latest revision and no unit tracks it, and never reset.
    pub(crate) is_obsolete: bool,
}

/// What Juju knows of a unit that has read a secret. Units of the owner have a record too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consumer {
    /// The label that the unit has given to the secret; empty for a unit of the owner.
    pub(crate) label: String,
    /// The revision that `secret-get` prints without an option.
    pub(crate) tracked: u32,
    /// The newest revision that was stored while the unit tracked an older one; 0 before. The unit
    /// runs secret-changed for it.
    pub(crate) announced: u32,
}

/// A secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) owner: Party,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) rotate: Option<SecretRotation>,
    pub(crate) next_rotation: Option<Timestamp>,
    /// The expiry of the latest revision.
    pub(crate) expires: Option<Timestamp>,
    /// The number of the latest revision, which may have been removed.
    pub(crate) latest: u32,
    /// The content of the latest revision. It is kept when that revision is removed: an equal
    /// content makes no new revision even then, since Juju keeps the checksum with the secret.
    pub(crate) latest_content: SecretContent,
    pub(crate) revisions: BTreeMap<u32, Revision>,
    pub(crate) permissions: BTreeMap<Party, Permission>,
    /// The units that have read the secret, by name.
    pub(crate) consumers: BTreeMap<String, Consumer>,
    /// A user secret's obsolete revisions are removed (`juju update-secret --auto-prune`).
    pub(crate) is_pruned: bool,
}

/// The new values of a secret; `None` leaves a value as it is. `secret-add` and `secret-set` give
/// no empty label or description (measured).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) rotate: Option<SecretRotation>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) content: Option<SecretContent>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Replaces the values that `later` has.
    pub(super) fn merge(&mut self, later: Self) {
        let Self { label, description, rotate, expires, content } = later;
        self.label = label.or(self.label.take());
        self.description = description.or(self.description.take());
        self.rotate = rotate.or(self.rotate);
        self.expires = expires.or(self.expires);
        self.content = content.or(self.content.take());
    }
}

impl Secret {
    /// Makes a secret with its first revision. The owner may manage it.
    pub(super) fn new(owner: Party, content: SecretContent) -> Self {
        let scope = Scope::Owner(owner.clone());
        let permission = Permission { role: Role::Manage, scope };
        let revision = Revision { content: content.clone(), expires: None, is_obsolete: false };
        Self {
            permissions: BTreeMap::from([(owner.clone(), permission)]),
            owner,
            label: String::new(),
            description: String::new(),
            rotate: None,
            next_rotation: None,
            expires: None,
            latest: 1,
            latest_content: content,
            revisions: BTreeMap::from([(1, revision)]),
            consumers: BTreeMap::new(),
            is_pruned: false,
        }
    }

    /// Sets the label and the other values that are not the content.
    pub(super) fn set_metadata(&mut self, changes: &Changes, now: Timestamp) {
        if let Some(label) = &changes.label {
            self.label.clone_from(label);
        }
        if let Some(description) = &changes.description {
            self.description.clone_from(description);
        }
        if let Some(policy) = changes.rotate {
            self.rotate = Some(policy);
            let next = next_rotation(policy, now).map(to_the_second);
            // A rotation that is due earlier stays (Juju 3.6).
            self.next_rotation = match (next, self.next_rotation) {
                (Some(next), Some(old)) => Some(next.min(old)),
                (next, _) => next,
            };
        }
        if let Some(expires) = changes.expires.map(to_the_second) {
            self.expires = Some(expires);
            if let Some(revision) = self.revisions.get_mut(&self.latest) {
                revision.expires = Some(expires);
            }
        }
    }

    /// Adds a revision. An expiry is that of one revision, so the new one has none.
    pub(super) fn add_revision(&mut self, content: SecretContent) {
        self.latest = self.latest.saturating_add(1);
        self.latest_content = content.clone();
        self.expires = None;
        let revision = Revision { content, expires: None, is_obsolete: false };
        self.revisions.insert(self.latest, revision);
    }

    /// Announces the latest revision to the units that track an older one.
    pub(super) fn announce(&mut self) {
        for consumer in self.consumers.values_mut() {
            if consumer.tracked < self.latest {
                consumer.announced = self.latest;
            }
        }
    }

    /// Marks the revisions that no unit tracks. Juju looks for them only when a revision is added
    /// and when a unit refreshes: not when a unit goes (Juju 3.6).
    pub(super) fn mark_obsolete(&mut self) {
        let latest = self.latest;
        for (number, revision) in &mut self.revisions {
            let is_tracked = self.consumers.values().any(|consumer| consumer.tracked == *number);
            revision.is_obsolete |= *number != latest && !is_tracked;
        }
        if self.is_pruned {
            self.revisions.retain(|_, revision| !revision.is_obsolete);
        }
    }

    /// Returns the role of a party that has been granted to the party itself.
    pub(super) fn role_of(&self, party: &Party) -> Option<Role> {
        self.permissions.get(party).map(|permission| permission.role)
    }

    /// Returns `true` if a unit may read the secret: by a grant to itself or to its application.
    pub(crate) fn may_read(&self, unit: &str) -> bool {
        self.role_of(&Party::Unit(unit.to_owned())).is_some()
            || self.role_of(&Party::application_of(unit)).is_some()
    }

    /// Returns the label by which a unit knows the secret: its own, or else the owner's for a unit
    /// of the owner.
    pub(crate) fn label_for(&self, unit: &str) -> &str {
        let own = self.consumers.get(unit).map_or("", |consumer| &consumer.label);
        if own.is_empty() && self.owner.includes(unit) { &self.label } else { own }
    }
}
