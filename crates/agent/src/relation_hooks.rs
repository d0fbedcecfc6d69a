//! The methods of [`Model`] through which the hooks of a unit and its relations act on each other.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;

use super::hook::HookKind;
use super::model::Model;
use super::relations::{Commit, Entrant, Relation, SIZE_LIMIT, network_values};
use super::running::PendingWrites;
use super::unit::Unit;

impl Unit<'_> {
    /// Returns the relations whose scope the unit has still to enter.
    pub(super) fn scopes_to_enter(&self) -> impl Iterator<Item = &Relation> {
        let entrant = Entrant {
            unit: &self.record.name,
            principal: self.record.principal.as_ref(),
            meta: &self.application.meta,
        };
        let is_able = self.record.has_agent && !self.record.is_dying;
        self.record
            .relations
            .scopes_to_enter(&self.model.relations, entrant)
            .filter(move |_| is_able)
    }
}

impl Model {
    /// Lets a unit enter the scope of each relation that its agent sees for the first time. Only a
    /// unit that is installed and free looks, so its install hook sees no relation (Juju 3.6).
    pub(super) fn synchronize_scopes(&mut self, unit: &UnitName) {
        let Ok(own) = self.unit(unit) else { return };
        let lifecycle = &own.record.lifecycle;
        let is_free = lifecycle.error.is_none()
            && lifecycle.queued.is_none()
            && !lifecycle.is_start_queued
            // Juju looks for the endpoint in the charm that the unit has, and not in the new one.
            && !lifecycle.is_upgrade_due
            && !lifecycle.is_pod_ending;
        if !lifecycle.is_installed || lifecycle.is_stopped || !is_free {
            return;
        }
        let ids: Vec<u32> = own.scopes_to_enter().map(Relation::id).collect();
        let is_leader = own.is_leader();
        let now = self.now();
        for id in &ids {
            if !self.ensure_subordinate(unit, *id) {
                continue;
            }
            let Some(record) = self.units.get_mut(unit) else { return };
            if let Some(relation) = self.relations.get_mut(*id) {
                let seed = network_values(&record.address);
                relation.enter(unit, record.principal.as_ref(), seed);
                record.relations.entered(unit, relation);
                if is_leader {
                    relation.set_joined(now);
                }
            }
        }
        let record = self.units.get_mut(unit);
        let ended = record.map(|record| record.relations.take_ended_implicit(&self.relations));
        let ended = ended.unwrap_or_default();
        for id in &ended {
            self.relations.leave(*id, unit);
        }
        self.remove_if_lone_subordinate(unit);
        if !ids.is_empty() || !ended.is_empty() {
            self.settle_remotes();
        }
    }

    /// Takes the effects of a hook that counts as done: after relation-broken the unit leaves the
    /// scope, and after `remove` it is gone.
    pub(super) fn take_done_hook(&mut self, unit: &UnitName, kind: &HookKind) {
        self.complete_storage_hook(unit, kind);
        match kind {
            HookKind::Relation(hook) => {
                let record = self.units.get_mut(unit);
                if record.is_some_and(|record| record.relations.complete(hook)) {
                    self.relations.leave(hook.id, unit);
                }
            }
            HookKind::Remove => self.unit_gone(unit),
            _ => return,
        }
        self.settle_remotes();
    }

    /// Lets a unit that is gone leave the relations that it is still in, such as that to its peers.
    pub(super) fn leave_relations(&mut self, unit: &UnitName) {
        self.relations.leave_all(unit);
        self.settle_remotes();
    }

    /// Ends every relation of an application that is being removed.
    pub(super) fn end_relations(&mut self, application: &str) {
        self.relations.destroy_all_of(application);
        self.settle_remotes();
    }

    /// Returns `true` if a relation with another application is still there, so that an application
    /// that is being removed must stay.
    pub(super) fn is_still_related(&self, application: &str) -> bool {
        self.relations.of(application).any(|relation| !relation.is_peer())
    }

    /// Forgets the peer relations of an application that goes, and the provider that played it.
    pub(super) fn forget_relations(&mut self, application: &str) {
        self.relations.remove_all_of(application);
        self.players.dismiss(application);
    }

    /// Records that the unit's agent has restarted: it has lost what it had in memory only.
    pub(super) fn forget_relation_reads(&mut self, unit: &UnitName) {
        if let Some(record) = self.units.get_mut(unit) {
            record.relations.agent_restarted(&self.relations);
        }
    }

    /// Refuses the relation data of a hook if the controller refuses it.
    ///
    /// # Errors
    /// Returns Juju's text if a relation is gone, if application data was written by a unit that
    /// does not lead (any more), or if a databag is larger than Juju 4.0 allows.
    pub(super) fn check_relation_writes(
        &self,
        unit: &UnitName,
        writes: &PendingWrites,
    ) -> Result<(), String> {
        let application = unit.application().as_str();
        let leader = self.applications.get(application).and_then(|it| it.leader.as_ref());
        for commit in writes.relations.commits() {
            let relation = self.relations.get(commit.relation);
            if relation.is_none_or(|relation| relation.unit_bag(unit).is_none()) {
                return Err("permission denied".to_owned());
            }
            let is_juju_4 = self.is_juju_at_least(4, 0);
            if commit.application.is_some() && leader != Some(unit) {
                return Err(if is_juju_4 {
                    "checking lease token: lease not held".to_owned()
                } else {
                    format!(
                        "checking leadership continuity: \"{unit}\" is not leader of \
                         \"{application}\""
                    )
                });
            }
            if is_juju_4 {
                check_size(commit.unit, "checking relation unit settings size")?;
                check_size(
                    commit.application,
                    "setting relation application settings: checking relation application \
                     settings size",
                )?;
            }
        }
        Ok(())
    }

    /// Commits the relation data of a hook, which has been checked.
    pub(super) fn commit_relation_writes(&mut self, unit: &UnitName, writes: &PendingWrites) {
        let application = unit.application().as_str();
        let record = self.units.get(unit).filter(|_| writes.refreshes_network);
        let network = record.map(|record| network_values(&record.address));
        let mut commits: BTreeMap<u32, Commit<'_>> =
            writes.relations.commits().map(|commit| (commit.relation, commit)).collect();
        for relation in self.relations.of_mut(application) {
            let commit = commits.remove(&relation.id()).unwrap_or_default();
            let has_joined = relation.has_joined(unit);
            let refreshed = network.as_ref().filter(|_| has_joined);
            if let Some(bag) = relation.unit_bag_mut(unit) {
                bag.commit(commit.unit, refreshed.map(<[_; 3]>::as_slice).unwrap_or_default());
            }
            if let Some((whole, bag)) =
                commit.application.zip(relation.application_bag_mut(application))
            {
                bag.commit(Some(whole), &[]);
            }
        }
        self.settle_remotes();
    }

    /// Lets the units on which no charm runs enter and leave their relations, and asks the
    /// providers that play applications. An application that was only kept by a relation goes.
    pub(super) fn settle_remotes(&mut self) {
        let played: Vec<UnitName> = self
            .units
            .values()
            .filter(|unit| !unit.has_agent)
            .map(|unit| unit.name.clone())
            .collect();
        for unit in &played {
            self.settle_played(unit);
        }
        let now = self.time_of_day(self.now());
        self.players.ask(&mut self.relations, &mut self.secrets, now);
        let dying: Vec<String> = self
            .applications
            .values()
            .filter(|application| application.is_dying)
            .map(|application| application.name.clone())
            .collect();
        for application in dying {
            self.drop_application_if_done(&application);
        }
        self.end_grants();
    }

    /// Ends the grants of secrets whose relation has been removed.
    pub(super) fn end_grants(&mut self) {
        let relations = &self.relations;
        self.secrets.keep_grants_of(|id| relations.get(id).is_some());
    }

    /// Lets a unit on which no charm runs enter the relations that are open to it, and leave those
    /// that end.
    pub(super) fn settle_played(&mut self, unit: &UnitName) {
        let application = unit.application().as_str();
        let Some((record, known)) = self.units.get(unit).zip(self.applications.get(application))
        else {
            return;
        };
        let is_leaving = record.is_dying || record.lifecycle.is_gone;
        let principal = record.principal.clone();
        let seed = network_values(&record.address);
        let (mut to_leave, mut to_enter) = (Vec::new(), Vec::new());
        for relation in self.relations.of(application) {
            let is_inside = relation.is_in_scope(unit);
            if is_leaving || relation.is_dying() {
                to_leave.extend(is_inside.then_some(relation.id()));
            } else if !is_inside && relation.is_open_to(unit, principal.as_ref(), &known.meta) {
                to_enter.push(relation.id());
            }
        }
        for id in to_leave {
            self.relations.leave(id, unit);
        }
        for id in to_enter {
            if self.ensure_subordinate(unit, id)
                && let Some(relation) = self.relations.get_mut(id)
            {
                relation.enter(unit, principal.as_ref(), seed.clone());
            }
        }
    }
}

/// Refuses a whole databag that is larger than Juju 4.0 allows.
fn check_size(bag: Option<&BTreeMap<String, String>>, attempt: &str) -> Result<(), String> {
    let sizes = bag.into_iter().flatten().map(|(key, value)| match value.is_empty() {
        // An empty value deletes the key.
        true => 0,
        false => key.len().saturating_add(value.len()),
    });
    if sizes.fold(0, usize::saturating_add) > SIZE_LIMIT {
        return Err(format!(
            "{attempt}: max allowed total size ({SIZE_LIMIT}): quota limit exceeded"
        ));
    }
    Ok(())
}
