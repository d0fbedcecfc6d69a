//! [`Relations`] holds every relation of a model, and checks what the operator wants of them.
//!
//! The texts are Juju's. Source: Juju 3.6, `state/state.go`, `state/relation.go` and
//! `state/application.go`.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;

use super::relation::{Relation, Side};
use super::rules::RelationRules;
use crate::charm_meta::CharmMeta;
use crate::endpoint::{EndpointMeta, EndpointRole};
use crate::go_text::go_quote;

/// The relations of a model by number. A number is never used again.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    relations: BTreeMap<u32, Relation>,
    next_id: u32,
    rules: RelationRules,
}

impl Relations {
    pub(crate) fn new(rules: RelationRules) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Relation> {
        self.relations.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut Relation> {
        self.relations.get_mut(&id)
    }

    /// Returns the relations of an application, in the order of their numbers.
    pub(crate) fn of<'a>(&'a self, application: &'a str) -> impl Iterator<Item = &'a Relation> {
        self.relations.values().filter(move |relation| relation.side(application).is_some())
    }

    /// Returns the relations of an application, to be changed.
    pub(crate) fn of_mut<'a>(
        &'a mut self,
        application: &'a str,
    ) -> impl Iterator<Item = &'a mut Relation> {
        self.relations.values_mut().filter(move |relation| relation.side(application).is_some())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Relation> {
        self.relations.values()
    }

    fn next_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        id
    }

    /// Adds the peer relations of an application that is deployed.
    pub(crate) fn add_peers<'a>(
        &mut self,
        application: &str,
        endpoints: impl IntoIterator<Item = &'a EndpointMeta>,
    ) {
        for endpoint in endpoints {
            let is_known = self.of(application).any(|relation| {
                relation.is_peer()
                    && relation.side(application).map(Side::endpoint) == Some(endpoint)
            });
            if endpoint.role() == EndpointRole::Peer && !is_known {
                let id = self.next_id();
                self.relations
                    .insert(id, Relation::peer(id, self.rules, application, endpoint.clone()));
            }
        }
    }

    /// Refuses another charm for an application if the application could not keep its relations.
    /// A peer relation that the new charm does not declare is no reason: it goes (Juju 3.6).
    ///
    /// # Errors
    /// Returns Juju's text for an endpoint that has more relations than its new limit allows, and
    /// for one that the new charm does not declare.
    pub(crate) fn check_refresh(&self, application: &str, meta: &CharmMeta) -> Result<(), String> {
        for endpoint in meta.endpoints().values() {
            let (name, count) = (endpoint.name(), self.count(application, endpoint));
            if let Some(limit) = endpoint.limit().filter(|limit| count > limit_of(*limit)) {
                return Err(format!(
                    "new charm version imposes a maximum relation limit of {limit} for \
                     {application}:{name} which cannot be satisfied by the number of already \
                     established relations ({count})"
                ));
            }
        }
        let broken = self
            .of(application)
            .find(|relation| !relation.is_peer() && !relation.is_declared_by(application, meta));
        match broken {
            Some(relation) => Err(format!("would break relation {}", go_quote(&relation.key()))),
            None => Ok(()),
        }
    }

    /// Removes the peer relations that an application's new charm does not declare. They go at
    /// once, and no hook tells of it (Juju 3.6).
    pub(crate) fn remove_stale_peers(&mut self, application: &str, meta: &CharmMeta) {
        self.relations.retain(|_, relation| {
            !relation.is_peer()
                || relation.side(application).is_none()
                || relation.is_declared_by(application, meta)
        });
    }

    /// Returns the number of relations that an endpoint of an application has.
    fn count(&self, application: &str, endpoint: &EndpointMeta) -> usize {
        let has_endpoint = |relation: &&Relation| {
            let side = relation.side(application);
            side.is_some_and(|side| side.endpoint().name() == endpoint.name())
        };
        self.of(application).filter(has_endpoint).count()
    }

    /// Adds the relation of two matching endpoints, and returns its number.
    ///
    /// # Errors
    /// Returns Juju's text if the relation exists already, or an endpoint has all the relations
    /// that its limit allows.
    pub(crate) fn add(
        &mut self,
        first: (&str, EndpointMeta),
        second: (&str, EndpointMeta),
    ) -> Result<u32, String> {
        let new = Relation::between(self.next_id, self.rules, first.clone(), second.clone());
        let key = new.key();
        if let Some(same) = self.relations.values().find(|relation| relation.key() == key) {
            return Err(if same.is_dying() {
                format!("relation {key} is dying, but not yet removed")
            } else {
                format!("relation {key} already exists")
            });
        }
        for (application, endpoint) in [&first, &second] {
            if let Some(limit) = endpoint.limit()
                && self.count(application, endpoint) >= limit_of(limit)
            {
                return Err(format!(
                    "establishing a new relation for {application}:{} would exceed its maximum \
                     relation limit of {limit}",
                    endpoint.name()
                ));
            }
        }
        let id = self.next_id();
        self.relations.insert(id, new);
        Ok(id)
    }

    /// Returns the one relation between two sides, each an application and perhaps the name of its
    /// endpoint.
    ///
    /// # Errors
    /// Returns Juju's text if there is none, or more than one.
    pub(crate) fn find(
        &self,
        sides: [(&str, Option<&str>); 2],
        named: [&str; 2],
    ) -> Result<u32, String> {
        let [first, second] = sides;
        let has = |relation: &Relation, (application, endpoint): (&str, Option<&str>)| {
            relation.side(application).is_some_and(|side| {
                endpoint.is_none_or(|endpoint| side.endpoint().name() == endpoint)
            })
        };
        // Both names stand for one side only in a peer relation.
        let may_be = |relation: &&Relation| relation.is_peer() || first.0 != second.0;
        let found: Vec<&Relation> = self
            .iter()
            .filter(may_be)
            .filter(|relation| has(relation, first) && has(relation, second))
            .collect();
        let named = go_quote(&named.join(" "));
        match found.as_slice() {
            [] => Err(format!("relation matching {named} not found")),
            [relation] => Ok(relation.id()),
            several => {
                let keys: Vec<String> =
                    several.iter().map(|relation| go_quote(&relation.key())).collect();
                Err(format!("ambiguous relation: {named} could refer to {}", keys.join("; ")))
            }
        }
    }

    /// Ends a relation: its units leave it, and the last one removes it. Without units it is
    /// removed at once. Returns `true` if it is removed.
    pub(crate) fn destroy(&mut self, id: u32) -> bool {
        let Some(relation) = self.relations.get_mut(&id) else { return false };
        relation.set_dying();
        self.remove_if_ended(id)
    }

    /// Lets a unit leave the scope of a relation. Returns `true` if the relation was dying and this
    /// was the last unit, so that the relation is removed.
    pub(crate) fn leave(&mut self, id: u32, unit: &UnitName) -> bool {
        let Some(relation) = self.relations.get_mut(&id) else { return false };
        relation.leave(unit);
        self.remove_if_ended(id)
    }

    fn remove_if_ended(&mut self, id: u32) -> bool {
        let has_ended = self.relations.get(&id).is_some_and(|it| it.is_dying() && !it.has_units());
        has_ended && self.relations.remove(&id).is_some()
    }

    /// Ends every relation of an application that is removed. Its peer relations stay until the
    /// application goes, but the units depart from them as from the others.
    pub(crate) fn destroy_all_of(&mut self, application: &str) {
        let ids: Vec<u32> = self.of(application).map(Relation::id).collect();
        for id in ids {
            self.destroy(id);
        }
    }

    /// Removes what is left of an application's relations when the application goes.
    pub(crate) fn remove_all_of(&mut self, application: &str) {
        self.relations.retain(|_, relation| relation.side(application).is_none());
    }

    /// Lets the others see a dying unit as gone from all its relations, if its version of Juju does
    /// so before the unit has left by itself.
    pub(crate) fn prepare_to_leave(&mut self, unit: &UnitName) {
        if self.rules == RelationRules::Juju4 {
            return;
        }
        for relation in self.relations.values_mut() {
            relation.prepare_to_leave(unit);
        }
    }

    /// Lets a unit that is gone leave every scope. Returns the relations that this removes.
    pub(crate) fn leave_all(&mut self, unit: &UnitName) -> Vec<u32> {
        let ids: Vec<u32> = self.relations.keys().copied().collect();
        ids.into_iter().filter(|id| self.leave(*id, unit)).collect()
    }
}

fn limit_of(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, role: EndpointRole) -> EndpointMeta {
        EndpointMeta::new(name, role, "sql")
    }

    fn web() -> (&'static str, EndpointMeta) {
        ("web", endpoint("db", EndpointRole::Requirer).with_limit(1))
    }

    fn pg(application: &'static str) -> (&'static str, EndpointMeta) {
        (application, endpoint("server", EndpointRole::Provider))
    }

    #[test]
    fn numbers_count_up_and_are_never_used_again() {
        let mut relations = Relations::default();
        let peers = [endpoint("ring", EndpointRole::Peer), endpoint("db", EndpointRole::Requirer)];
        relations.add_peers("web", &peers);
        relations.add_peers("web", &peers);
        assert_eq!(relations.of("web").map(Relation::id).collect::<Vec<_>>(), [0]);
        assert_eq!(relations.add(web(), pg("pg")), Ok(1));
        assert!(relations.destroy(1), "it has no units");
        assert_eq!(relations.add(pg("pg"), web()), Ok(2));
        assert_eq!(relations.of("pg").map(Relation::id).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_second_equal_relation_is_refused() {
        let mut relations = Relations::default();
        relations.add(web(), pg("pg")).unwrap();
        assert_eq!(
            relations.add(pg("pg"), web()),
            Err("relation web:db pg:server already exists".to_owned())
        );
        relations.get_mut(0).unwrap().enter(&"web/0".parse().unwrap(), None, []);
        assert!(!relations.destroy(0), "a unit is still in it");
        assert_eq!(
            relations.add(web(), pg("pg")),
            Err("relation web:db pg:server is dying, but not yet removed".to_owned())
        );
    }

    #[test]
    fn a_limit_that_is_reached_refuses_a_further_relation() {
        let mut relations = Relations::default();
        relations.add(web(), pg("pg")).unwrap();
        assert_eq!(
            relations.add(web(), pg("pg2")),
            Err("establishing a new relation for web:db would exceed its maximum relation limit \
                 of 1"
                .to_owned())
        );
        let other = ("other", endpoint("db", EndpointRole::Requirer));
        assert_eq!(relations.add(other, pg("pg")), Ok(1), "pg:server has no limit");
    }

    #[test]
    fn a_relation_is_found_by_applications_and_endpoints() {
        let mut relations = Relations::default();
        let second = endpoint("replica", EndpointRole::Requirer);
        relations.add(web(), pg("pg")).unwrap();
        relations.add(("web", second), pg("pg")).unwrap();
        let find = |one, other, named| relations.find([one, other], named);
        assert_eq!(find(("pg", None), ("web", Some("replica")), ["pg", "web:replica"]), Ok(1));
        assert_eq!(
            find(("web", None), ("pg", None), ["web", "pg"]),
            Err("ambiguous relation: \"web pg\" could refer to \"web:db pg:server\"; \"web:replica \
                 pg:server\""
                .to_owned())
        );
        assert_eq!(
            find(("web", None), ("web", None), ["web", "web"]),
            Err("relation matching \"web web\" not found".to_owned())
        );
        assert_eq!(
            find(("web", None), ("x", None), ["web", "x"]),
            Err("relation matching \"web x\" not found".to_owned())
        );
    }

    #[test]
    fn the_last_unit_removes_a_dying_relation() {
        let mut relations = Relations::default();
        let (one, other): (UnitName, UnitName) =
            ("web/0".parse().unwrap(), "pg/0".parse().unwrap());
        relations.add(web(), pg("pg")).unwrap();
        for unit in [&one, &other] {
            relations.get_mut(0).unwrap().enter(unit, None, []);
        }
        assert!(!relations.leave(0, &other), "an alive relation stays without units");
        relations.get_mut(0).unwrap().enter(&other, None, []);
        assert!(!relations.destroy(0));
        assert_eq!(relations.leave_all(&one), [0]);
        assert!(relations.get(0).is_none());
    }
}
