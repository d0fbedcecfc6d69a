//! What has to hold at the end of a sequence, when nothing is due any more.

use std::collections::BTreeSet;

use charmwright_agent::{RelationReport, SecretId, UnitName};

use super::charms::has_charm;
use super::order::Order;
use super::world::{World, name};

impl World {
    /// Checks what has to hold when nothing is due any more.
    pub fn check_end(&self) {
        let applications: BTreeSet<String> = self.with(|model| {
            model.applications().map(|application| application.name().to_owned()).collect()
        });
        let units = self.units();
        for unit in &units {
            let report = self.report(unit);
            for relation in &report.relations {
                assert!(applications.contains(&relation.remote_app), "{relation:?} leads nowhere");
                self.check_relation(unit, relation);
            }
            if !has_charm(unit.application().as_str()) {
                continue;
            }
            let order = self.orders.get(unit);
            assert!(order.is_some_and(Order::is_up), "{unit} has not started: {order:?}");
            assert_eq!(report.failed_hook, None, "{unit} is in error");
            if self.leads(unit) {
                self.owed.check_leader(unit);
            }
            let told = order.map(Order::storages).unwrap();
            assert_eq!(told, &self.storages_of(unit), "{unit} knows its storage");
            self.owed.check_port(unit, &self.port(unit));
            for secret in &report.secrets {
                let known = self.secrets.iter().find(|known| secret.id.ends_with(&known.id));
                let is_revoked = known.is_none_or(|known| known.is_revoked);
                let is_behind = secret.tracked.is_some_and(|tracked| tracked < secret.revision);
                if is_behind && !is_revoked {
                    self.owed.check_secret(unit, &known.unwrap().id, secret.revision);
                }
            }
        }
        self.check_nothing_left(&applications, &units);
    }

    /// Checks that a unit knows its remote units and what they have written, and that the other
    /// side has the same.
    fn check_relation(&self, unit: &UnitName, relation: &RelationReport) {
        let id = relation.id.get();
        let own = unit.application().as_str();
        let is_peer = relation.remote_app == own;
        let others = self.with(|model| model.units_of(&relation.remote_app)).unwrap();
        let others: BTreeSet<UnitName> = others.into_iter().filter(|other| other != unit).collect();
        for other in &others {
            let sides = self.report(other).relations;
            let other_side = sides.iter().find(|side| side.id == relation.id).unwrap();
            assert_eq!(other_side.remote_app, own, "relation {id} has two sides");
            assert_eq!(other_side.remote_app_keys, relation.app_keys, "relation {id}");
        }
        if !has_charm(own) {
            return;
        }
        let members = self.orders.get(unit).and_then(|order| order.members(id));
        assert_eq!(members, Some(others.clone()), "{unit} knows the units in relation {id}");
        for other in &others {
            self.check_bag(unit, id, &other.to_string());
        }
        // The leader wrote it itself.
        if !is_peer {
            self.check_bag(unit, id, &relation.remote_app);
        }
    }

    /// Checks that a unit was told of the present content of a remote databag.
    fn check_bag(&self, unit: &UnitName, relation: u32, owner: &str) {
        self.owed.check_bag(unit, relation, owner, &self.bag(relation, owner));
    }

    /// Checks that nothing is left of what was removed.
    fn check_nothing_left(&self, applications: &BTreeSet<String>, units: &[UnitName]) {
        let anybody = name("web/0");
        for secret in &self.secrets {
            let id: SecretId = format!("secret:{}", secret.id).parse().unwrap();
            let is_there = self.with(|model| model.secret_report(&anybody, &id)).is_some();
            let has_owner = secret.owner.starts_with("model ")
                || applications.contains(&secret.owner)
                || units.iter().any(|unit| unit.to_string() == secret.owner);
            assert!(has_owner || !is_there, "a secret of {} is left", secret.owner);
        }
        self.check_no_storage_left(units);
        let is_dying = |unit: &UnitName| self.with(|model| model.unit(unit).unwrap().is_dying());
        assert!(!units.iter().any(is_dying), "a unit that was removed is left");
    }
}
