//! The methods of [`Model`] for the units of a subordinate application, each of which runs beside a
//! unit of another application, its principal.
//!
//! Source: Juju 3.6, `state/relationunit.go` and `internal/worker/uniter/relation/statetracker.go`.

use charmwright_juju::UnitName;

use super::endpoint::EndpointScope;
use super::model::Model;
use super::relations::{Relation, Side};

impl Model {
    /// Gives a unit that enters a relation of scope `container` a unit of the subordinate beside
    /// it. A unit of the subordinate that has no principal yet is taken, or else one is added.
    ///
    /// Returns `false` if the last one is still being removed: the unit enters the relation when
    /// that is gone.
    pub(super) fn ensure_subordinate(&mut self, principal: &UnitName, relation: u32) -> bool {
        let Some(subordinate) = self.subordinate_of(principal, relation) else { return true };
        let beside = self
            .records_of(&subordinate)
            .find(|unit| unit.principal.as_ref() == Some(principal))
            .map(|unit| unit.is_dying);
        if let Some(is_dying) = beside {
            return !is_dying;
        }
        let free = self
            .records_of(&subordinate)
            .find(|unit| unit.principal.is_none() && !unit.is_dying)
            .map(|unit| unit.name.clone());
        let unit = free.or_else(|| self.add_subordinate_unit(&subordinate).ok());
        let machine_id = self.units.get(principal).map(|record| record.machine_id.clone());
        // The operator may have given the application a machine.
        let machine_id = machine_id.filter(|_| {
            self.applications.get(&subordinate).is_some_and(|known| known.machine_id.is_empty())
        });
        if let Some(unit) = unit
            && let Some(record) = self.units.get_mut(&unit)
        {
            record.principal = Some(principal.clone());
            if let Some(machine_id) = machine_id {
                record.machine_id = machine_id;
            }
            if !record.has_agent {
                self.settle_played(&unit);
            }
        }
        true
    }

    /// Returns the subordinate application that a relation wants beside a unit, or `None` if the
    /// relation wants none there.
    fn subordinate_of(&self, unit: &UnitName, relation: u32) -> Option<String> {
        let own = unit.application().as_str();
        let relation = self.relations.get(relation)?;
        let is_subordinate =
            |name: &str| self.applications.get(name).is_some_and(|it| it.meta.is_subordinate());
        let other = relation.other_side(own)?.application();
        let wants_one = relation.scope() == EndpointScope::Container
            && !relation.is_peer()
            && is_subordinate(other)
            && !is_subordinate(own);
        wants_one.then(|| other.to_owned())
    }

    /// Removes the units that run beside a unit that is being removed.
    pub(super) fn remove_subordinates(&mut self, principal: &UnitName) {
        let beside: Vec<UnitName> = self
            .units
            .values()
            .filter(|unit| unit.principal.as_ref() == Some(principal))
            .filter(|unit| !unit.is_dying && !unit.lifecycle.is_gone)
            .map(|unit| unit.name.clone())
            .collect();
        for unit in beside {
            // The unit was found in the model just now.
            let _ = self.begin_removal(&unit);
        }
    }

    /// Removes a unit of a subordinate if its application has no relation of scope `container` with
    /// its principal's any more that is not ending (Juju 3.6).
    pub(super) fn remove_if_lone_subordinate(&mut self, unit: &UnitName) {
        let Some(record) = self.units.get(unit).filter(|record| !record.is_dying) else { return };
        let Some(principal) = &record.principal else { return };
        let own = unit.application().as_str();
        let holds = |relation: &Relation| {
            relation.scope() == EndpointScope::Container
                && !relation.is_dying()
                && relation.other_side(own).map(Side::application)
                    == Some(principal.application().as_str())
        };
        if !self.relations.of(own).any(holds) {
            // The unit was found in the model just now.
            let _ = self.begin_removal(unit);
        }
    }
}
