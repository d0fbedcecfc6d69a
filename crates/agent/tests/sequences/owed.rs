//! The hooks that Juju owes to the units.

use std::collections::BTreeMap;

use charmwright_agent::UnitName;

/// The content of a databag without what Juju writes itself.
pub type Bag = BTreeMap<String, String>;

/// What the units were told, beside what there is to tell them.
#[derive(Debug, Default)]
pub struct Owed {
    /// The content that a unit was told of by a relation-changed, by relation and owner.
    seen_bags: BTreeMap<(UnitName, u32, String), Bag>,
    /// The leader that was not told yet.
    elected: BTreeMap<String, UnitName>,
    leaders: BTreeMap<String, UnitName>,
    /// The option `port` at the last config-changed.
    seen_port: BTreeMap<UnitName, String>,
    /// The newest revision of a secret that a secret-changed was about.
    seen_secrets: BTreeMap<(UnitName, String), u32>,
}

impl Owed {
    /// Takes the present leader of an application.
    pub fn set_leader(&mut self, application: &str, leader: Option<&UnitName>) {
        if self.leaders.get(application) == leader {
            return;
        }
        self.leaders.remove(application);
        self.elected.remove(application);
        if let Some(leader) = leader {
            self.leaders.insert(application.to_owned(), leader.clone());
            self.elected.insert(application.to_owned(), leader.clone());
        }
    }

    /// Takes the content of a databag that a unit was told of.
    pub fn see_bag(&mut self, unit: &UnitName, relation: u32, owner: &str, bag: Bag) {
        self.seen_bags.insert((unit.clone(), relation, owner.to_owned()), bag);
    }

    /// Takes the revision of a secret that a unit was told of.
    pub fn see_secret(&mut self, unit: &UnitName, id: &str, revision: u32) {
        self.seen_secrets.insert((unit.clone(), id.to_owned()), revision);
    }

    /// Takes a unit that was told that it leads.
    pub fn see_leader(&mut self, unit: &UnitName) {
        self.elected.remove(unit.application().as_str());
    }

    /// Takes the value of the option `port` that a unit was told of.
    pub fn see_port(&mut self, unit: &UnitName, port: String) {
        self.seen_port.insert(unit.clone(), port);
    }

    /// Forgets what was told to a unit that is gone: another one may get its name.
    pub fn forget(&mut self, unit: &UnitName) {
        self.seen_bags.retain(|(told, _, _), _| told != unit);
        self.seen_secrets.retain(|(told, _), _| told != unit);
        self.seen_port.remove(unit);
    }

    /// Panics unless a unit was told of the present content of a remote databag. Nothing is owed
    /// for one of an application that was never written.
    pub fn check_bag(&self, unit: &UnitName, relation: u32, owner: &str, bag: &Bag) {
        let empty = Bag::new();
        let is_application = !owner.contains('/');
        let seen = self.seen_bags.get(&(unit.clone(), relation, owner.to_owned()));
        let seen = seen.or(Some(&empty).filter(|_| is_application));
        assert_eq!(seen, Some(bag), "{unit} was told of what {owner} wrote in relation {relation}");
    }

    /// Panics unless every leader was told that it leads.
    pub fn check_leaders(&self) {
        assert!(self.elected.is_empty(), "these leaders were not told: {:?}", self.elected);
    }

    /// Panics unless a unit was told of the present value of its option.
    pub fn check_port(&self, unit: &UnitName, port: &str) {
        let seen = self.seen_port.get(unit).map(String::as_str);
        assert_eq!(seen, Some(port), "{unit} was not told of its config");
    }

    /// Panics unless a unit that tracks an older revision of a secret was told of the newest one.
    pub fn check_secret(&self, unit: &UnitName, id: &str, newest: u32) {
        let seen = self.seen_secrets.get(&(unit.clone(), id.to_owned()));
        assert_eq!(seen, Some(&newest), "{unit} was not told of a new revision of {id}");
    }
}
