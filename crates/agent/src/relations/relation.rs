//! [`Relation`] is one relation as Juju's controller stores it: its sides, their databags, and the
//! units that take part.
//!
//! This file does not know which hooks have run. Source: Juju 3.6, `state/relation.go` and
//! `state/relationunit.go`.

use std::collections::BTreeMap;
use std::time::Instant;

use charmwright_juju::UnitName;

use super::databag::Databag;
use super::rules::RelationRules;
use crate::charm_meta::CharmMeta;
use crate::endpoint::{EndpointMeta, EndpointRole, EndpointScope};

/// The endpoint that Juju provides for every application, without a declaration.
pub(crate) const JUJU_INFO: &str = "juju-info";

/// A relation between two applications, or between the units of one (a peer relation).
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    id: u32,
    rules: RelationRules,
    /// The one side of a peer relation, or the requirer and the provider.
    sides: Vec<Side>,
    scope: EndpointScope,
    is_dying: bool,
    /// `true` once a leader has entered the scope.
    is_joined: bool,
    /// The time from which the relation has its status.
    status_since: Option<Instant>,
}

/// One application in a relation.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    application: String,
    endpoint: EndpointMeta,
    bag: Databag,
    participants: BTreeMap<UnitName, Participant>,
}

/// One unit in a relation. Its databag stays readable after it has left.
#[derive(Debug, Clone)]
struct Participant {
    bag: Databag,
    presence: Presence,
    /// The unit's own name, or that of the unit beside which a subordinate runs. In a relation of
    /// scope `container` units see each other only if they have this in common.
    container: UnitName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// The unit is in the relation's scope.
    Present,
    /// The unit is dying: the others see it as gone while it still runs its last hooks.
    Departing,
    Left,
}

/// The other side of a relation as one unit sees it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RemoteView {
    /// The versions of the remote units' databags. The order is that of the names as texts, in
    /// which Juju's agent takes the units: `pg/10` stands before `pg/2`.
    pub(crate) units: Vec<(UnitName, u64)>,
    /// The remote application with the version of its databag. In a peer relation it is the own
    /// application.
    pub(crate) application: Option<(String, u64)>,
}

impl RemoteView {
    pub(crate) fn unit_version(&self, name: &UnitName) -> Option<u64> {
        self.units.iter().find(|(unit, _)| unit == name).map(|(_, version)| *version)
    }
}

impl Relation {
    /// Makes the peer relation of an application.
    pub(crate) fn peer(
        id: u32,
        rules: RelationRules,
        application: &str,
        endpoint: EndpointMeta,
    ) -> Self {
        let scope = endpoint.scope();
        let sides = vec![Side::new(application, endpoint, rules)];
        Self { id, rules, sides, scope, is_dying: false, is_joined: false, status_since: None }
    }

    /// Makes the relation of two applications. It is of scope `container` if one of the endpoints
    /// is.
    pub(crate) fn between(
        id: u32,
        rules: RelationRules,
        first: (&str, EndpointMeta),
        second: (&str, EndpointMeta),
    ) -> Self {
        let is_container =
            [&first.1, &second.1].iter().any(|ep| ep.scope() == EndpointScope::Container);
        let mut sides =
            vec![Side::new(first.0, first.1, rules), Side::new(second.0, second.1, rules)];
        // The requirer stands first in a relation's key.
        sides.sort_by_key(|side| side.endpoint.role() != EndpointRole::Requirer);
        let scope = if is_container { EndpointScope::Container } else { EndpointScope::Global };
        Self { id, rules, sides, scope, is_dying: false, is_joined: false, status_since: None }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Returns the key by which Juju's texts name the relation, such as `web:db pg:database`.
    pub(crate) fn key(&self) -> String {
        let sides: Vec<String> = self
            .sides
            .iter()
            .map(|side| format!("{}:{}", side.application, side.endpoint.name()))
            .collect();
        sides.join(" ")
    }

    pub(crate) fn scope(&self) -> EndpointScope {
        self.scope
    }

    pub(crate) fn is_peer(&self) -> bool {
        self.sides.len() == 1
    }

    pub(crate) fn is_dying(&self) -> bool {
        self.is_dying
    }

    pub(crate) fn set_dying(&mut self) {
        self.is_dying = true;
    }

    /// Returns the status of the relation, `joining` or `joined`, and the time from which it has
    /// it.
    pub(crate) fn status(&self) -> (&'static str, Option<Instant>) {
        (if self.is_joined { "joined" } else { "joining" }, self.status_since)
    }

    pub(crate) fn set_joining(&mut self, now: Option<Instant>) {
        self.status_since = now;
    }

    /// Records that a leader has entered the scope, which makes the relation's status `joined`
    /// (Juju 3.6).
    pub(crate) fn set_joined(&mut self, now: Option<Instant>) {
        self.is_joined = true;
        self.status_since = now;
    }

    /// Returns the side of an application, or `None` if it is not in the relation.
    pub(crate) fn side(&self, application: &str) -> Option<&Side> {
        self.sides.iter().find(|side| side.application == application)
    }

    fn side_mut(&mut self, application: &str) -> Option<&mut Side> {
        self.sides.iter_mut().find(|side| side.application == application)
    }

    /// Returns the side that an application sees: the other one, or the own one in a peer relation.
    pub(crate) fn other_side(&self, application: &str) -> Option<&Side> {
        self.side(application)?;
        match self.sides.as_slice() {
            [peers] => Some(peers),
            sides => sides.iter().find(|side| side.application != application),
        }
    }

    /// Returns `true` if this side of the relation is the endpoint that Juju itself provides. A
    /// unit of that side runs no hooks for it (Juju 3.6).
    pub(crate) fn is_implicit_for(&self, application: &str) -> bool {
        self.side(application).is_some_and(|side| {
            side.endpoint.name() == JUJU_INFO && side.endpoint.interface() == JUJU_INFO
        })
    }

    /// Returns `true` if a charm declares this application's endpoint of the relation.
    pub(crate) fn is_declared_by(&self, application: &str, meta: &CharmMeta) -> bool {
        let Some(side) = self.side(application) else { return false };
        let declared = meta.endpoints().get(side.endpoint.name());
        self.is_implicit_for(application)
            || declared.is_some_and(|declared| {
                declared.role() == side.endpoint.role()
                    && declared.interface() == side.endpoint.interface()
            })
    }

    /// Returns `true` if a unit with this charm may take part in the relation. A unit of a
    /// subordinate takes no part in the relation of another principal.
    pub(crate) fn is_open_to(
        &self,
        unit: &UnitName,
        principal: Option<&UnitName>,
        meta: &CharmMeta,
    ) -> bool {
        let application = unit.application().as_str();
        let principal = principal.map(|unit| unit.application().as_str());
        let is_beside = self.scope == EndpointScope::Global
            || self.is_peer()
            || !meta.is_subordinate()
            || self.other_side(application).map(Side::application) == principal;
        is_beside && self.is_declared_by(application, meta)
    }

    /// Lets a unit enter the scope with its first values. Does nothing if the relation is dying,
    /// or if the unit's application is not in it.
    pub(crate) fn enter(
        &mut self,
        unit: &UnitName,
        principal: Option<&UnitName>,
        seed: impl IntoIterator<Item = (String, String)>,
    ) {
        if self.is_dying {
            return;
        }
        let container = principal.unwrap_or(unit).clone();
        let rules = self.rules;
        if let Some(side) = self.side_mut(unit.application().as_str()) {
            let entering = Participant {
                bag: Databag::seeded(rules, seed),
                presence: Presence::Present,
                container,
            };
            side.participants.entry(unit.clone()).or_insert(entering);
        }
    }

    /// Lets the others see a dying unit as gone, while it is still in the scope itself.
    pub(crate) fn prepare_to_leave(&mut self, unit: &UnitName) {
        if let Some(participant) = self.participant_mut(unit)
            && participant.presence == Presence::Present
        {
            participant.presence = Presence::Departing;
        }
    }

    /// Lets a unit leave the scope. Its databag stays readable while the relation exists.
    pub(crate) fn leave(&mut self, unit: &UnitName) {
        if let Some(participant) = self.participant_mut(unit) {
            participant.presence = Presence::Left;
        }
    }

    /// Returns `true` if any unit is in the scope. A dying relation ends when none is.
    pub(crate) fn has_units(&self) -> bool {
        self.sides
            .iter()
            .any(|side| side.participants.values().any(|unit| unit.presence != Presence::Left))
    }

    /// Returns `true` if the unit is in the scope and not about to leave it.
    pub(crate) fn has_joined(&self, unit: &UnitName) -> bool {
        self.participant(unit).is_some_and(|unit| unit.presence == Presence::Present)
    }

    /// Returns `true` if the unit is in the scope, be it that it is about to leave it.
    pub(crate) fn is_in_scope(&self, unit: &UnitName) -> bool {
        self.participant(unit).is_some_and(|unit| unit.presence != Presence::Left)
    }

    /// Returns the units of an application that are in the scope and not about to leave it.
    pub(crate) fn units_of(&self, application: &str) -> Vec<&UnitName> {
        let side = self.side(application).into_iter();
        side.flat_map(|side| &side.participants)
            .filter(|(_, unit)| unit.presence == Presence::Present)
            .map(|(name, _)| name)
            .collect()
    }

    /// Returns the other side as a unit sees it. A unit that is not in the relation sees nothing.
    pub(crate) fn view(&self, unit: &UnitName) -> RemoteView {
        let application = unit.application().as_str();
        let Some((side, own)) = self.other_side(application).zip(self.participant(unit)) else {
            return RemoteView::default();
        };
        let mut units: Vec<(UnitName, u64)> = side
            .participants
            .iter()
            .filter(|(name, other)| {
                other.presence == Presence::Present
                    && *name != unit
                    && (self.scope == EndpointScope::Global || other.container == own.container)
            })
            .map(|(name, other)| (name.clone(), other.bag.version()))
            .collect();
        units.sort_by_cached_key(|(name, _)| name.to_string());
        let version = side.bag.version();
        RemoteView { units, application: Some((side.application.clone(), version)) }
    }

    /// Returns the databag of an application in the relation.
    pub(crate) fn application_bag(&self, application: &str) -> Option<&Databag> {
        self.side(application).map(|side| &side.bag)
    }

    /// Returns the databag of a unit that is or was in the relation's scope.
    pub(crate) fn unit_bag(&self, unit: &UnitName) -> Option<&Databag> {
        self.participant(unit).map(|participant| &participant.bag)
    }

    /// Returns the databag of a unit as another unit may read it. In a relation of scope
    /// `container` only the units that run beside each other can.
    pub(crate) fn bag_beside(&self, reader: &UnitName, unit: &UnitName) -> Option<&Databag> {
        let (own, other) = (self.participant(reader)?, self.participant(unit)?);
        let is_open = self.scope == EndpointScope::Global || own.container == other.container;
        is_open.then_some(&other.bag)
    }

    /// Returns the databag of an application, to write it.
    pub(crate) fn application_bag_mut(&mut self, application: &str) -> Option<&mut Databag> {
        self.side_mut(application).map(|side| &mut side.bag)
    }

    /// Returns the databag of a unit that is or was in the relation's scope, to write it.
    pub(crate) fn unit_bag_mut(&mut self, unit: &UnitName) -> Option<&mut Databag> {
        self.participant_mut(unit).map(|participant| &mut participant.bag)
    }

    fn participant(&self, unit: &UnitName) -> Option<&Participant> {
        self.side(unit.application().as_str())?.participants.get(unit)
    }

    fn participant_mut(&mut self, unit: &UnitName) -> Option<&mut Participant> {
        self.side_mut(unit.application().as_str())?.participants.get_mut(unit)
    }
}

impl Side {
    fn new(application: &str, endpoint: EndpointMeta, rules: RelationRules) -> Self {
        Self {
            application: application.to_owned(),
            endpoint,
            bag: Databag::new(rules),
            participants: BTreeMap::new(),
        }
    }

    pub(crate) fn application(&self) -> &str {
        &self.application
    }

    pub(crate) fn endpoint(&self) -> &EndpointMeta {
        &self.endpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> UnitName {
        name.parse().unwrap()
    }

    fn endpoint(name: &str, role: EndpointRole) -> EndpointMeta {
        EndpointMeta::new(name, role, "i")
    }

    fn database() -> Relation {
        Relation::between(
            7,
            RelationRules::Juju3,
            ("pg", endpoint("server", EndpointRole::Provider)),
            ("web", endpoint("db", EndpointRole::Requirer)),
        )
    }

    fn seen(relation: &Relation, by: &str) -> Vec<String> {
        relation.view(&unit(by)).units.into_iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn the_key_names_the_requirer_first() {
        assert_eq!(database().key(), "web:db pg:server");
        let peer =
            Relation::peer(0, RelationRules::Juju3, "web", endpoint("ring", EndpointRole::Peer));
        assert_eq!((peer.key().as_str(), peer.is_peer()), ("web:ring", true));
    }

    #[test]
    fn a_unit_sees_the_units_of_the_other_side_as_texts_sort() {
        let mut relation = database();
        for name in ["pg/2", "pg/10", "web/0", "web/1"] {
            relation.enter(&unit(name), None, []);
        }
        assert_eq!(seen(&relation, "web/0"), ["pg/10", "pg/2"]);
        assert_eq!(seen(&relation, "pg/2"), ["web/0", "web/1"]);
        assert!(seen(&relation, "web/9").is_empty(), "it has not entered the scope");
        assert!(seen(&relation, "other/0").is_empty());
    }

    #[test]
    fn peers_see_each_other_and_not_themselves() {
        let mut relation =
            Relation::peer(0, RelationRules::Juju3, "web", endpoint("ring", EndpointRole::Peer));
        for name in ["web/0", "web/1", "web/2"] {
            relation.enter(&unit(name), None, []);
        }
        assert_eq!(seen(&relation, "web/1"), ["web/0", "web/2"]);
        let view = relation.view(&unit("web/1"));
        assert_eq!(view.application, Some(("web".to_owned(), 0)));
    }

    #[test]
    fn a_departing_unit_is_gone_for_the_others_and_keeps_its_databag() {
        let mut relation = database();
        relation.enter(&unit("web/0"), None, []);
        relation.enter(&unit("pg/0"), None, [("host".to_owned(), "h".to_owned())]);
        relation.prepare_to_leave(&unit("pg/0"));
        assert!(seen(&relation, "web/0").is_empty());
        assert_eq!(seen(&relation, "pg/0"), ["web/0"], "it still sees the others itself");
        assert!(relation.has_units() && !relation.has_joined(&unit("pg/0")));
        relation.leave(&unit("pg/0"));
        relation.leave(&unit("web/0"));
        assert!(!relation.has_units());
        assert_eq!(relation.unit_bag(&unit("pg/0")).unwrap().values().len(), 1);
    }

    #[test]
    fn no_unit_enters_a_dying_relation() {
        let mut relation = database();
        relation.set_dying();
        relation.enter(&unit("web/0"), None, []);
        assert!(!relation.has_units());
    }

    #[test]
    fn in_the_scope_container_a_unit_sees_only_its_own_counterpart() {
        let mut relation = Relation::between(
            3,
            RelationRules::Juju3,
            (
                "logger",
                endpoint("host", EndpointRole::Requirer).with_scope(EndpointScope::Container),
            ),
            ("web", endpoint(JUJU_INFO, EndpointRole::Provider)),
        );
        for number in 0..2 {
            let principal = unit(&format!("web/{number}"));
            relation.enter(&principal, None, []);
            relation.enter(&unit(&format!("logger/{}", number + 5)), Some(&principal), []);
        }
        assert_eq!(relation.scope(), EndpointScope::Container);
        assert_eq!(seen(&relation, "web/1"), ["logger/6"]);
        assert_eq!(seen(&relation, "logger/5"), ["web/0"]);
    }
}
