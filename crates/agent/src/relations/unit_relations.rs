//! [`UnitRelations`] is what a unit's agent knows of all the unit's relations.
//!
//! Source: Juju 3.6, `internal/worker/uniter/relation/statetracker.go` and `resolver.go`.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;

use super::all_relations::Relations;
use super::hook::{RelationEvent, RelationHook};
use super::record::{Ending, RelationRecord};
use super::relation::Relation;
use crate::charm_meta::CharmMeta;

/// The records of one unit's agent, by the number of the relation.
#[derive(Debug, Default)]
pub(crate) struct UnitRelations {
    records: BTreeMap<u32, RelationRecord>,
}

/// A unit that may enter the scope of its relations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entrant<'a> {
    pub(crate) unit: &'a UnitName,
    /// The unit beside which a subordinate runs.
    pub(crate) principal: Option<&'a UnitName>,
    pub(crate) meta: &'a CharmMeta,
}

impl UnitRelations {
    pub(crate) fn get(&self, id: u32) -> Option<&RelationRecord> {
        self.records.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut RelationRecord> {
        self.records.get_mut(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &RelationRecord)> {
        self.records.iter().map(|(id, record)| (*id, record))
    }

    /// Returns the relations whose scope the unit enters when its agent looks next.
    ///
    /// A unit enters no relation that is dying, nor one whose endpoint its charm does not declare
    /// (any more). A subordinate does not enter the relation of another principal.
    pub(crate) fn scopes_to_enter<'a>(
        &'a self,
        relations: &'a Relations,
        entrant: Entrant<'a>,
    ) -> impl Iterator<Item = &'a Relation> {
        let application = entrant.unit.application().as_str();
        relations.of(application).filter(move |relation| {
            !relation.is_dying()
                && !self.records.contains_key(&relation.id())
                && relation.is_open_to(entrant.unit, entrant.principal, entrant.meta)
        })
    }

    /// Records that the unit has entered the scope of a relation.
    pub(crate) fn entered(&mut self, unit: &UnitName, relation: &Relation) {
        if let Some(record) = RelationRecord::new(relation, unit.application().as_str()) {
            self.records.entry(relation.id()).or_insert(record);
        }
    }

    /// Drops the records of dying relations that run no hooks, and returns their numbers: the unit
    /// leaves their scope at once.
    pub(crate) fn take_ended_implicit(&mut self, relations: &Relations) -> Vec<u32> {
        let has_ended = |id: &u32, record: &RelationRecord| {
            record.is_implicit && relations.get(*id).is_none_or(Relation::is_dying)
        };
        let ended: Vec<u32> = self
            .records
            .iter()
            .filter(|(id, record)| has_ended(id, record))
            .map(|(id, _)| *id)
            .collect();
        self.records.retain(|id, _| !ended.contains(id));
        ended
    }

    /// Returns the first relation-created that has not run yet. A dying relation has none.
    ///
    /// Juju goes through a Go map here, so its order is random; this is the order of the numbers.
    pub(crate) fn next_created(&self, relations: &Relations) -> Option<RelationHook> {
        self.records
            .iter()
            .filter(|(id, _)| relations.get(**id).is_some_and(|relation| !relation.is_dying()))
            .find_map(|(id, record)| record.created_hook(*id))
    }

    /// Returns the next hook of any relation after its relation-created. Peer relations come last,
    /// so that a charm still has its peers while its other relations end (Juju 3.6).
    ///
    /// `is_unit_dying` and `is_application_dying` tell the life of the unit whose records these
    /// are.
    pub(crate) fn next_hook(
        &self,
        relations: &Relations,
        unit: &UnitName,
        is_unit_dying: bool,
        is_application_dying: bool,
    ) -> Option<RelationHook> {
        let next = |id: u32, record: &RelationRecord| {
            let relation = relations.get(id)?;
            let ending = Ending {
                is_leaving: is_unit_dying || relation.is_dying(),
                is_own: is_unit_dying || is_application_dying,
            };
            record.next_hook(id, unit, &relation.view(unit), ending)
        };
        let of = |is_peer: bool| {
            self.records
                .iter()
                .filter(move |(_, record)| record.is_peer == is_peer)
                .find_map(|(id, record)| next(*id, record))
        };
        of(false).or_else(|| of(true))
    }

    /// Records that a hook counts as done. Returns `true` if the unit leaves the relation's scope
    /// now.
    pub(crate) fn complete(&mut self, hook: &RelationHook) -> bool {
        if hook.event == RelationEvent::Broken {
            return self.records.remove(&hook.id).is_some();
        }
        if let Some(record) = self.records.get_mut(&hook.id) {
            record.complete(hook);
        }
        false
    }

    /// Prepares the caches for the next hook or action. `own` is the hook if it is a relation's.
    pub(crate) fn begin_hook(&mut self, own: Option<&RelationHook>) {
        for (id, record) in &mut self.records {
            let mut cache = std::mem::take(&mut record.cache);
            cache.begin_hook(&record.members());
            if let Some(hook) = own.filter(|hook| hook.id == *id) {
                cache.begin_own_hook(hook);
            }
            record.cache = cache;
        }
    }

    /// Records that the agent has restarted. The new agent has read no databag yet, takes a
    /// relation that the unit has entered for one whose relation-created has run, and forgets one
    /// that has been removed meanwhile (Juju 3.6).
    pub(crate) fn agent_restarted(&mut self, relations: &Relations) {
        self.records.retain(|id, _| relations.get(*id).is_some());
        for (id, record) in &mut self.records {
            record.cache.forget();
            record.is_created = true;
            record.is_known_to_end |= relations.get(*id).is_some_and(Relation::is_dying);
        }
    }
}
