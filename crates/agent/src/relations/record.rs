//! [`RelationRecord`] is what a unit's agent knows of one relation, and chooses its next hook.
//!
//! The agent compares its own record of what it has told the charm with the other side as it is
//! now. So however many writes there were, one relation-changed tells of them all. Source: Juju
//! 3.6, `internal/worker/uniter/relation/resolver.go` and `state.go`.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;

use super::cache::RelationCache;
use super::hook::{RelationEvent, RelationHook};
use super::relation::{Relation, RemoteView};

/// The record of one relation in one unit's agent. It begins when the unit enters the scope, and
/// ends when relation-broken has succeeded.
#[derive(Debug, Clone, Default)]
pub(crate) struct RelationRecord {
    /// The name of the unit's own endpoint.
    pub(crate) endpoint: String,
    /// The other application. In a peer relation it is the unit's own.
    pub(crate) remote_app: String,
    pub(crate) is_peer: bool,
    /// `true` for the side of `juju-info` that provides it: such a unit runs no hooks.
    pub(crate) is_implicit: bool,
    /// `true` once relation-created has succeeded.
    pub(crate) is_created: bool,
    /// `true` if the agent has started since the relation began to die. An agent learns only then
    /// that a relation is dying, as `relation-ids` shows (Juju 3.6, 4.0).
    pub(crate) is_known_to_end: bool,
    /// The units that have joined, each with the version of which the charm was told.
    members: BTreeMap<UnitName, u64>,
    /// The version of the remote application's databag of which the charm was told: 0 before the
    /// first relation-changed. A databag that was never written has version 0 too, so it makes no
    /// hook.
    application_version: u64,
    /// The unit that has joined just now. Its relation-changed comes next.
    changed_pending: Option<UnitName>,
    pub(crate) cache: RelationCache,
}

/// The state of the unit and of the relation that decides how a relation ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ending {
    /// The unit or the relation is dying: the unit leaves the relation.
    pub(crate) is_leaving: bool,
    /// The unit or its application is dying: then it is this unit that departs, and not the other.
    pub(crate) is_own: bool,
}

impl RelationRecord {
    /// Makes the record of a relation that a unit of this application has just entered, or returns
    /// `None` if the application is not in the relation.
    pub(crate) fn new(relation: &Relation, application: &str) -> Option<Self> {
        Some(Self {
            endpoint: relation.side(application)?.endpoint().name().to_owned(),
            remote_app: relation.other_side(application)?.application().to_owned(),
            is_peer: relation.is_peer(),
            is_implicit: relation.is_implicit_for(application),
            ..Self::default()
        })
    }

    /// Returns the units that have joined, sorted as texts.
    pub(crate) fn members(&self) -> Vec<&UnitName> {
        let mut members: Vec<&UnitName> = self.members.keys().collect();
        members.sort_by_cached_key(ToString::to_string);
        members
    }

    /// Returns `true` if the agent knows that the relation has ended: `relation-ids` leaves it out.
    pub(crate) fn is_known_as_broken(&self) -> bool {
        self.is_known_to_end && !self.is_peer && self.members.is_empty()
    }

    /// Returns relation-created if it has not run yet.
    pub(crate) fn created_hook(&self, id: u32) -> Option<RelationHook> {
        let is_due = !self.is_created && !self.is_implicit;
        is_due.then(|| self.hook(id, RelationEvent::Created))
    }

    /// Returns the next hook of the relation after relation-created, or `None` if the charm was
    /// told of everything.
    ///
    /// The order of the conditions is Juju's: a joined unit's changed, departures, broken, the
    /// application's changed, joins, the units' changed. Units are taken as their names sort.
    pub(crate) fn next_hook(
        &self,
        id: u32,
        unit: &UnitName,
        view: &RemoteView,
        ending: Ending,
    ) -> Option<RelationHook> {
        if self.is_implicit {
            return None;
        }
        // A unit that leaves sees the other side as empty.
        let empty = RemoteView::default();
        let view = if ending.is_leaving { &empty } else { view };
        if let Some(joined) = &self.changed_pending {
            let version = view.unit_version(joined).unwrap_or_default();
            return Some(self.unit_hook(id, RelationEvent::Changed, joined, version));
        }
        let is_gone = |member: &&UnitName| view.unit_version(member).is_none();
        if let Some(gone) = self.members().into_iter().find(is_gone) {
            let departing = if ending.is_own { unit } else { gone };
            let version = self.members.get(gone).copied().unwrap_or_default();
            return Some(RelationHook {
                departing_unit: Some(departing.clone()),
                ..self.unit_hook(id, RelationEvent::Departed, gone, version)
            });
        }
        // A peer relation has no relation-broken: it lives as long as its application.
        if ending.is_leaving && !self.is_peer {
            return Some(self.hook(id, RelationEvent::Broken));
        }
        if let Some((_, version)) = &view.application
            && *version != self.application_version
        {
            let changed = self.hook(id, RelationEvent::Changed);
            return Some(RelationHook { version: *version, ..changed });
        }
        let joining = view.units.iter().find(|(name, _)| !self.members.contains_key(name));
        if let Some((name, version)) = joining {
            return Some(self.unit_hook(id, RelationEvent::Joined, name, *version));
        }
        let changed = view.units.iter().find(|(name, now)| self.members.get(name) != Some(now));
        let (name, version) = changed?;
        Some(self.unit_hook(id, RelationEvent::Changed, name, *version))
    }

    /// Records that a hook counts as done. relation-broken ends the record, which the caller drops.
    pub(crate) fn complete(&mut self, hook: &RelationHook) {
        match (hook.event, &hook.remote_unit) {
            (RelationEvent::Broken, _) => {}
            (RelationEvent::Created, _) => self.is_created = true,
            (RelationEvent::Departed, Some(unit)) => {
                self.members.remove(unit);
            }
            (RelationEvent::Joined, Some(unit)) => {
                self.members.insert(unit.clone(), hook.version);
                self.changed_pending = Some(unit.clone());
            }
            (_, Some(unit)) => {
                self.members.insert(unit.clone(), hook.version);
                self.changed_pending = None;
            }
            (_, None) => self.application_version = hook.version,
        }
    }

    fn hook(&self, id: u32, event: RelationEvent) -> RelationHook {
        RelationHook {
            event,
            endpoint: self.endpoint.clone(),
            id,
            remote_app: self.remote_app.clone(),
            remote_unit: None,
            departing_unit: None,
            version: 0,
        }
    }

    fn unit_hook(
        &self,
        id: u32,
        event: RelationEvent,
        remote_unit: &UnitName,
        version: u64,
    ) -> RelationHook {
        RelationHook {
            remote_unit: Some(remote_unit.clone()),
            // A unit's application is always the remote one, so the record's own name is the same.
            remote_app: remote_unit.application().to_string(),
            version,
            ..self.hook(id, event)
        }
    }
}
