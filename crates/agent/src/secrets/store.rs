//! [`Secrets`] holds every secret of the model, as Juju's controller does.

use std::collections::BTreeMap;

use charmwright_juju::SecretRotation;
use jiff::Timestamp;

use super::id;
use super::metadata::{Access, SecretMetadata};
use super::party::{Party, Scope};
use super::rotation::next_rotation;
use super::secret::{Role, Secret};
use crate::go_text::go_quote;

/// The secrets of a model, by id.
///
/// A clone shares the contents, so it is cheap: a commit works on a clone, which replaces the
/// original only when nothing was refused.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    pub(super) by_id: BTreeMap<String, Secret>,
    /// The number of ids that were made. An id that a failed hook has printed is never used again.
    made: u64,
    seed: u64,
    /// The UUID of the model, which owns the user secrets.
    pub(super) model: String,
    /// `true` for Juju 4, which refuses some things that Juju 3 allows, and the other way round.
    pub(super) is_juju_4: bool,
}

impl Secrets {
    pub(crate) fn new(model_uuid: &str, is_juju_4: bool, seed: u64) -> Self {
        Self { by_id: BTreeMap::new(), made: 0, seed, model: model_uuid.to_owned(), is_juju_4 }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Secret> {
        self.by_id.get(id)
    }

    /// Makes the id of a new secret.
    pub(crate) fn new_id(&mut self) -> String {
        loop {
            let id = id::nth_id(self.seed, self.made);
            self.made = self.made.wrapping_add(1);
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    /// Sorts ids into the order in which `secret-ids` prints them.
    pub(crate) fn sort_for_output(&self, ids: &mut [String]) {
        ids.sort_by_key(|id| id::order(self.seed, id));
    }

    /// Returns what Juju tells a unit of the secrets that it owns. The leader also owns those of
    /// its application.
    pub(crate) fn owned_by(&self, unit: &str, is_leader: bool) -> BTreeMap<String, SecretMetadata> {
        let owned = self.by_id.iter().filter(|(_, secret)| match &secret.owner {
            Party::Unit(owner) => owner == unit,
            owner @ Party::Application(_) => is_leader && owner.includes(unit),
            Party::Model(_) => false,
        });
        owned.map(|(id, secret)| (id.clone(), metadata(secret))).collect()
    }

    /// Refuses an owner's label that is already in use.
    ///
    /// An application and each of its units share their labels, those of read secrets too (Juju
    /// 3.6). An empty label is none.
    pub(super) fn check_owner_label(&self, owner: &Party, label: &str) -> Result<(), ()> {
        let is_taken = !label.is_empty()
            && self.by_id.values().any(|secret| {
                let shares = match (owner, &secret.owner) {
                    (Party::Application(_), Party::Unit(unit)) => owner.includes(unit),
                    (Party::Unit(unit), other @ Party::Application(_)) => other.includes(unit),
                    (owner, other) => owner == other,
                };
                let is_read_by = |unit: &str| match owner {
                    Party::Model(_) => false,
                    owner => owner.includes(unit),
                };
                (shares && secret.label == label)
                    || secret
                        .consumers
                        .iter()
                        .any(|(unit, consumer)| consumer.label == label && is_read_by(unit))
            });
        if is_taken { Err(()) } else { Ok(()) }
    }

    /// Refuses a label that a unit gives to a secret of another owner, if the label is in use.
    ///
    /// # Errors
    /// Returns Juju's text (Juju 3.6).
    pub(super) fn check_consumer_label(&self, unit: &str, label: &str) -> Result<(), String> {
        let application = Party::application_of(unit);
        let party = Party::Unit(unit.to_owned());
        let used_by_owner = |owner: &Party| {
            self.by_id.values().any(|secret| secret.owner == *owner && secret.label == label)
        };
        let refuse = |whose: String| {
            Err(format!("secret label {} for {whose} already exists", go_quote(label)))
        };
        if used_by_owner(&application) {
            let name = match &application {
                Party::Application(name) => name,
                _ => unit,
            };
            return refuse(format!("application {}", go_quote(name)));
        }
        if used_by_owner(&party) {
            return refuse(format!("owner {}", go_quote(&party.to_string())));
        }
        let used = |secret: &Secret| {
            secret.consumers.get(unit).is_some_and(|consumer| consumer.label == label)
        };
        if self.by_id.values().any(used) {
            return refuse(format!("consumer {}", go_quote(&party.to_string())));
        }
        Ok(())
    }

    /// Removes the grants of the relations that have been removed: a grant ends with its relation.
    pub(crate) fn keep_grants_of(&mut self, is_related: impl Fn(u32) -> bool) {
        for secret in self.by_id.values_mut() {
            secret.permissions.retain(|_, permission| match &permission.scope {
                Scope::Relation(scope) => is_related(scope.id),
                Scope::Owner(_) => true,
            });
        }
    }

    /// Removes what belongs to a unit that has been removed: its secrets, its grants, and the
    /// records of what it has read. Revisions that only it tracked become obsolete with the next
    /// change of their secret, not now (Juju 3.6).
    pub(crate) fn unit_removed(&mut self, unit: &str) {
        let party = Party::Unit(unit.to_owned());
        self.by_id.retain(|_, secret| secret.owner != party);
        for secret in self.by_id.values_mut() {
            secret.permissions.remove(&party);
            secret.consumers.remove(unit);
        }
    }

    /// Removes the secrets and the grants of an application that has been removed.
    pub(crate) fn application_removed(&mut self, application: &str) {
        let party = Party::Application(application.to_owned());
        self.by_id.retain(|_, secret| secret.owner != party);
        for secret in self.by_id.values_mut() {
            secret.permissions.remove(&party);
        }
    }

    /// Sets the next time of a secret whose secret-rotate hook has ended.
    ///
    /// `revision` is the latest revision before the hook. If it is still the latest, the charm has
    /// not rotated the secret, and the hook comes again after five minutes. It also comes earlier
    /// than the policy says if the secret expires before (Juju 3.6).
    pub(crate) fn rotated(&mut self, id: &str, revision: u32, now: Timestamp) {
        let Some(secret) = self.by_id.get_mut(id) else {
            return;
        };
        let last = secret.next_rotation.unwrap_or(now);
        let policy = secret.rotate.unwrap_or(SecretRotation::Never);
        let Some(next) = next_rotation(policy, last) else {
            return;
        };
        let forced = super::rotation::later(last, super::rotation::RETRY_DELAY);
        let expires_before =
            secret.expires.is_some_and(|expires| expires < next && forced < expires);
        let is_unchanged = secret.latest == revision;
        secret.next_rotation = Some(if expires_before || is_unchanged { forced } else { next });
    }
}

/// Returns what Juju tells the owner of a secret.
fn metadata(secret: &Secret) -> SecretMetadata {
    let view = |permission: &super::secret::Permission| permission.role == Role::View;
    SecretMetadata {
        owner: secret.owner.clone(),
        label: secret.label.clone(),
        description: secret.description.clone(),
        // A stored secret without a policy has the policy `never` here (Juju 3.6).
        rotate: Some(secret.rotate.unwrap_or(SecretRotation::Never)),
        expires: secret.expires,
        next_rotation: secret.next_rotation,
        latest: secret.latest,
        latest_content: secret.latest_content.clone(),
        access: secret
            .permissions
            .iter()
            .filter(|(_, permission)| view(permission))
            .map(|(party, permission)| Access {
                target: party.clone(),
                scope: permission.scope.clone(),
            })
            .collect(),
    }
}
