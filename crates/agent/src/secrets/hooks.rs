//! [`SecretHooks`] is the agent's own record of the secret hooks that a unit has run. With the
//! controller's data it says which one is due.
//!
//! Source: reference `juju-agent.md` 6; Juju 3.6, `worker/uniter/secrets`, `worker/secretrotate`
//! and `worker/secretexpire`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::party::Party;
use super::rotation::{RETRY_DELAY, later};
use super::secret::Secret;
use super::store::Secrets;

/// A secret hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SecretEvent {
    Expired { revision: u32 },
    Rotate,
    Changed { revision: u32 },
    Remove { revision: u32 },
}

/// A secret hook that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueSecret {
    pub(crate) event: SecretEvent,
    pub(crate) id: String,
    /// The label by which the unit knows the secret; empty if it has none.
    pub(crate) label: String,
    /// The latest revision of the secret.
    pub(crate) latest: u32,
}

/// The secret hooks that a unit has run.
#[derive(Debug, Default)]
pub(crate) struct SecretHooks {
    /// The newest revision of each secret for which secret-changed has succeeded.
    changed: BTreeMap<String, u32>,
    /// The revisions for which secret-remove has succeeded.
    removed: BTreeSet<(String, u32)>,
    /// The revisions for which secret-expired has succeeded, each with its expiry at that time and
    /// the time at which the hook comes again.
    expired: BTreeMap<(String, u32), (Timestamp, Timestamp)>,
}

impl SecretHooks {
    /// Returns the secret hook that is due now, and else the time of the next one.
    ///
    /// Juju's order is expired, rotate, changed, remove. Of the first two the leader has those of
    /// its application, of the last one too.
    pub(crate) fn next(
        &self,
        secrets: &Secrets,
        unit: &str,
        is_leader: bool,
        now: Timestamp,
    ) -> Result<DueSecret, Option<Timestamp>> {
        let due = |id: &str, secret: &Secret, event| DueSecret {
            event,
            id: id.to_owned(),
            label: secret.label_for(unit).to_owned(),
            latest: secret.latest,
        };
        let owned = || {
            secrets.by_id.iter().filter(|(_, secret)| match &secret.owner {
                Party::Unit(owner) => owner == unit,
                owner @ Party::Application(_) => is_leader && owner.includes(unit),
                Party::Model(_) => false,
            })
        };
        let expiries = owned().flat_map(|(id, secret)| {
            let expiring = secret.revisions.iter();
            expiring.filter_map(move |(number, revision)| {
                let expires = revision.expires?;
                Some((self.expires_at(id, *number, expires), id, *number, secret))
            })
        });
        let rotations =
            owned().filter_map(|(id, secret)| Some((secret.next_rotation?, id, secret)));
        let expiry = expiries.min_by_key(|(at, ..)| *at);
        let rotation = rotations.min_by_key(|(at, ..)| *at);
        if let Some((_, id, revision, secret)) = expiry.filter(|(at, ..)| *at <= now) {
            return Ok(due(id, secret, SecretEvent::Expired { revision }));
        }
        if let Some((_, id, secret)) = rotation.filter(|(at, ..)| *at <= now) {
            return Ok(due(id, secret, SecretEvent::Rotate));
        }
        for (id, secret) in &secrets.by_id {
            let revision = secret.consumers.get(unit).map_or(0, |consumer| consumer.announced);
            // A unit whose grant was revoked is told of nothing new.
            if revision > self.changed.get(id).copied().unwrap_or(0) && secret.may_read(unit) {
                return Ok(due(id, secret, SecretEvent::Changed { revision }));
            }
        }
        for (id, secret) in owned() {
            let obsolete = secret.revisions.iter().find(|(number, revision)| {
                revision.is_obsolete && !self.removed.contains(&(id.clone(), **number))
            });
            if let Some((revision, _)) = obsolete {
                return Ok(due(id, secret, SecretEvent::Remove { revision: *revision }));
            }
        }
        let times = [expiry.map(|(at, ..)| at), rotation.map(|(at, ..)| at)];
        Err(times.into_iter().flatten().min())
    }

    /// Returns the time at which secret-expired is due: the expiry of the revision, or the time of
    /// its repetition. A new expiry counts again.
    fn expires_at(&self, id: &str, revision: u32, expires: Timestamp) -> Timestamp {
        match self.expired.get(&(id.to_owned(), revision)) {
            Some((then, again)) if *then == expires => *again,
            _ => expires,
        }
    }

    /// Records that a secret hook counts as done. `original` is the latest revision before the
    /// hook; `None` if the hook was skipped.
    pub(crate) fn complete(
        &mut self,
        secrets: &mut Secrets,
        event: SecretEvent,
        id: &str,
        original: Option<u32>,
        now: Timestamp,
    ) {
        match event {
            SecretEvent::Changed { revision } => {
                self.changed.insert(id.to_owned(), revision);
            }
            SecretEvent::Remove { revision } => {
                self.removed.insert((id.to_owned(), revision));
            }
            SecretEvent::Expired { revision } => {
                let stored = secrets.get(id).and_then(|secret| secret.revisions.get(&revision));
                if let Some(expires) = stored.and_then(|revision| revision.expires) {
                    let again = later(now, RETRY_DELAY);
                    self.expired.insert((id.to_owned(), revision), (expires, again));
                }
            }
            SecretEvent::Rotate => {
                let latest = secrets.get(id).map(|secret| secret.latest);
                if let Some(original) = original.or(latest) {
                    secrets.rotated(id, original, now);
                }
            }
        }
        // What is gone needs no record, so that a unit which runs for ever does not fill the
        // memory.
        let is_stored = |id: &str, revision: u32| {
            secrets.get(id).is_some_and(|secret| secret.revisions.contains_key(&revision))
        };
        self.changed.retain(|id, _| secrets.get(id).is_some());
        self.removed.retain(|(id, revision)| is_stored(id, *revision));
        self.expired.retain(|(id, revision), _| is_stored(id, *revision));
    }

    /// Records that the agent has restarted. It has the repetitions of secret-expired in its memory
    /// only.
    pub(crate) fn agent_restarted(&mut self) {
        self.expired.clear();
    }
}
