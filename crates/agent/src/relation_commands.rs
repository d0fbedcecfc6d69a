//! The methods of [`Model`] that are the operator's commands on relations.
//!
//! The texts of refusals are Juju's. Source: Juju 3.6, `state/state.go`.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;

use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::model::Model;
use super::relations::{
    Candidate, Databag, Provider, Relation, RelationNumber, candidate, match_endpoints,
    relation_key, split_name,
};

impl Model {
    /// Relates two applications, as `juju integrate` does, and returns the number of the relation.
    ///
    /// Each argument is `APPLICATION` or `APPLICATION:ENDPOINT`. Without an endpoint the model
    /// looks for the one pair that fits: the same interface, a provider and a requirer. The units
    /// enter the relation and run its hooks when their agents look next.
    ///
    /// # Errors
    /// [`ErrorKind::Relation`] if an application or endpoint does not exist, no pair fits or more
    /// than one, the relation exists already, or an endpoint's limit is reached.
    pub fn integrate(&mut self, first: &str, second: &str) -> Result<RelationNumber, Error> {
        let refuse = |why: String| {
            let named = go_quote(&format!("{first} {second}"));
            Error::new(ErrorKind::Relation, format!("cannot add relation {named}: {why}"))
        };
        let (one, other) = (self.candidate(first), self.candidate(second));
        let (one, other) = (one.map_err(refuse)?, other.map_err(refuse)?);
        let (endpoint, counterpart) =
            match_endpoints(&one, &other, [first, second]).map_err(refuse)?;
        // From here on Juju's text names the two endpoints.
        let key = relation_key((&one, &endpoint), (&other, &counterpart));
        let refuse = |why: String| {
            let text = format!("cannot add relation {}: {why}", go_quote(&key));
            Error::new(ErrorKind::Relation, text)
        };
        let id = self
            .relations
            .add((&one.application, endpoint), (&other.application, counterpart))
            .map_err(refuse)?;
        let now = self.now();
        if let Some(relation) = self.relations.get_mut(id) {
            relation.set_joining(now);
        }
        self.settle_remotes();
        Ok(id.into())
    }

    /// Returns the endpoints that `APPLICATION` or `APPLICATION:ENDPOINT` stands for.
    fn candidate(&self, named: &str) -> Result<Candidate, String> {
        let (application, endpoint) = split_name(named)?;
        let known = self.applications.get(application);
        let known =
            known.ok_or_else(|| format!("application {} not found", go_quote(application)))?;
        if known.is_dying {
            return Err(format!("application {} is not alive", go_quote(application)));
        }
        let declared = known.meta.endpoints().values();
        candidate(application, known.meta.is_subordinate(), declared, endpoint)
    }

    /// Ends the relation of two applications, as `juju remove-relation` does. On each unit
    /// relation-departed becomes due for every remote unit, then relation-broken; the relation is
    /// removed when the last unit has left it.
    ///
    /// Each argument is `APPLICATION` or `APPLICATION:ENDPOINT`.
    ///
    /// # Errors
    /// [`ErrorKind::Relation`] if there is no such relation, or more than one.
    pub fn remove_relation(&mut self, first: &str, second: &str) -> Result<(), Error> {
        let named = [first, second];
        let find = || {
            let sides = [split_name(first)?, split_name(second)?];
            self.relations.find(sides, named)
        };
        let id = find().map_err(|why| cannot_remove(&named.join(" "), &why))?;
        self.remove_relation_number(id)
    }

    /// Ends the relation with this number, as `juju remove-relation NUMBER` does
    /// ([`Model::remove_relation`]).
    ///
    /// # Errors
    /// [`ErrorKind::Relation`] if there is no such relation, or if it is a peer relation.
    pub fn remove_relation_number(
        &mut self,
        relation: impl Into<RelationNumber>,
    ) -> Result<(), Error> {
        let relation = relation.into().get();
        let known = self.relation(relation)?;
        if known.is_peer() {
            return Err(cannot_remove(&known.key(), "is a peer relation"));
        }
        self.relations.destroy(relation);
        self.settle_remotes();
        Ok(())
    }

    /// Appoints a provider that plays an application without a charm. It is asked at once, and then
    /// whenever something that it can see has changed.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if the application has a charm.
    pub fn play(
        &mut self,
        application: &str,
        provider: impl Provider + 'static,
    ) -> Result<(), Error> {
        if self.application(application)?.has_charm {
            return Err(has_charm(&format!("play application {application:?}")));
        }
        self.players.appoint(application, Box::new(provider));
        self.settle_remotes();
        Ok(())
    }

    /// Writes keys of the application databag of an application without a charm, or of one that is
    /// led by a unit on which no charm runs; an empty value deletes its key. relation-changed
    /// becomes due on the units of the other side if a value has changed.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if a charm writes the databag.
    /// - [`ErrorKind::Relation`] if the application has no relation with this number.
    pub fn set_remote_app_data<'k>(
        &mut self,
        relation: impl Into<RelationNumber>,
        application: &str,
        data: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) -> Result<(), Error> {
        let relation = relation.into().get();
        let owner = self.application(application)?;
        // The leader of a charm's application may be a unit on which no charm runs.
        let leader = owner.leader().and_then(|leader| self.units.get(leader));
        let is_played = !owner.has_charm || leader.is_some_and(|leader| !leader.has_agent);
        if !is_played {
            return Err(has_charm(&format!("write relation data of application {application:?}")));
        }
        let known = self.relations.get_mut(relation);
        let bag = known.and_then(|known| known.application_bag_mut(application));
        bag.ok_or_else(|| not_in(relation, application))?.set(data);
        self.settle_remotes();
        Ok(())
    }

    /// Writes keys of the databag of a unit on which no charm runs; an empty value deletes its key.
    /// relation-changed becomes due on the units that see this one if a value has changed.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::State`] if a charm runs on the unit.
    /// - [`ErrorKind::Relation`] if the unit is not in a relation with this number.
    pub fn set_remote_unit_data<'k>(
        &mut self,
        relation: impl Into<RelationNumber>,
        unit: &UnitName,
        data: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) -> Result<(), Error> {
        let relation = relation.into().get();
        if self.live_mut(unit)?.has_agent {
            return Err(has_charm(&format!("write relation data of {unit}")));
        }
        let known = self.relations.get_mut(relation);
        let bag = known.and_then(|known| known.unit_bag_mut(unit));
        bag.ok_or_else(|| not_in(relation, &unit.to_string()))?.set(data);
        self.settle_remotes();
        Ok(())
    }

    /// Returns the application databag of an application in a relation, as `juju show-unit` shows
    /// it. The values may be secret.
    ///
    /// # Errors
    /// [`ErrorKind::Relation`] if the application has no relation with this number.
    pub fn app_data(
        &self,
        relation: impl Into<RelationNumber>,
        application: &str,
    ) -> Result<&BTreeMap<String, String>, Error> {
        let relation = relation.into().get();
        let bag = self.relation(relation)?.application_bag(application);
        bag.map(Databag::values).ok_or_else(|| not_in(relation, application))
    }

    /// Returns the databag of a unit in a relation, as `juju show-unit` shows it. That of a unit
    /// that has left stays while the relation exists. The values may be secret.
    ///
    /// # Errors
    /// [`ErrorKind::Relation`] if the unit was never in a relation with this number.
    pub fn unit_data(
        &self,
        relation: impl Into<RelationNumber>,
        unit: &UnitName,
    ) -> Result<&BTreeMap<String, String>, Error> {
        let relation = relation.into().get();
        let bag = self.relation(relation)?.unit_bag(unit);
        bag.map(Databag::values).ok_or_else(|| not_in(relation, &unit.to_string()))
    }

    fn relation(&self, id: u32) -> Result<&Relation, Error> {
        self.relations.get(id).ok_or_else(|| {
            let why = format!("cannot use relation {id}: relation {id} not found");
            Error::new(ErrorKind::Relation, why)
        })
    }
}

fn has_charm(attempt: &str) -> Error {
    let why = format!("cannot {attempt}: a charm acts for it");
    Error::new(ErrorKind::State, why)
}

fn cannot_remove(named: &str, why: &str) -> Error {
    let named = go_quote(named);
    Error::new(ErrorKind::Relation, format!("cannot destroy relation {named}: {why}"))
}

fn not_in(relation: u32, name: &str) -> Error {
    let why = format!("cannot use the data of {name} in relation {relation}: it is not in it");
    Error::new(ErrorKind::Relation, why)
}
