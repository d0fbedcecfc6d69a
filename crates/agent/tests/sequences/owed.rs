//! The hooks that Juju owes to the units.

use std::collections::{BTreeMap, BTreeSet};

use charmwright_agent::UnitName;

/// The content of a databag without what Juju writes itself.
pub type Bag = BTreeMap<String, String>;

/// What the units were told, beside what there is to tell them.
#[derive(Debug, Default)]
pub struct Owed {
    /// `true` for Juju 4, `false` for 3.6, where each write makes a new version of a databag.
    compares_contents: bool,
    /// The contents that a unit was told of by a relation-changed, by relation and owner.
    seen_bags: BTreeMap<(UnitName, u32, String), Seen>,
    /// The units that take themselves for the leader.
    leaders: BTreeSet<UnitName>,
    /// The option `port` at the last config-changed.
    seen_port: BTreeMap<UnitName, String>,
    /// The newest revision of a secret that a secret-changed was about.
    seen_secrets: BTreeMap<(UnitName, String), u32>,
}

/// What a unit has seen of a remote databag: at the first relation-changed of which Juju has taken
/// note, and at those that have begun since.
#[derive(Debug, Default)]
struct Seen {
    bags: Vec<Bag>,
    has_succeeded: bool,
}

impl Owed {
    /// Makes the record of a model of this version of Juju.
    pub fn new(version: &str) -> Self {
        Self { compares_contents: version.starts_with('4'), ..Self::default() }
    }

    /// Takes the content of a databag that a unit was told of.
    pub fn see_bag(&mut self, unit: &UnitName, relation: u32, owner: &str, bag: Bag) {
        let seen = self.seen_bags.entry((unit.clone(), relation, owner.to_owned())).or_default();
        if std::mem::take(&mut seen.has_succeeded) {
            seen.bags.truncate(1);
        }
        seen.bags.push(bag);
    }

    /// Takes the success of the hook that told a unit of a databag.
    pub fn succeed(&mut self, unit: &UnitName, relation: u32, owner: &str) {
        let seen = self.seen_bags.entry((unit.clone(), relation, owner.to_owned())).or_default();
        seen.has_succeeded = true;
    }

    /// Takes the revision of a secret that a unit was told of.
    pub fn see_secret(&mut self, unit: &UnitName, id: &str, revision: u32) {
        self.seen_secrets.insert((unit.clone(), id.to_owned()), revision);
    }

    /// Takes a unit that was told that it leads.
    pub fn see_leader(&mut self, unit: &UnitName) {
        self.leaders.insert(unit.clone());
    }

    /// Takes a unit whose agent has looked and does not lead. One that leads again before its agent
    /// looks is not told.
    pub fn see_no_leader(&mut self, unit: &UnitName) {
        self.leaders.remove(unit);
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
        self.leaders.remove(unit);
    }

    /// Panics unless a unit was told of the present content of a remote databag. Nothing is owed
    /// for one of an application that was never written.
    pub fn check_bag(&self, unit: &UnitName, relation: u32, owner: &str, bag: &Bag) {
        let seen = self.seen_bags.get(&(unit.clone(), relation, owner.to_owned()));
        let is_told = match seen {
            // Juju 4 compares the contents. So it owes nothing if a hook failed, and the databag is
            // again as it was before the hook or when it was queued.
            Some(seen) if self.compares_contents => seen.bags.contains(bag),
            Some(seen) => seen.bags.last() == Some(bag),
            None => !owner.contains('/') && bag.is_empty(),
        };
        assert!(is_told, "{unit} was told {seen:?} of {bag:?} by {owner} in relation {relation}");
    }

    /// Panics unless a unit that leads was told so.
    pub fn check_leader(&self, unit: &UnitName) {
        assert!(self.leaders.contains(unit), "{unit} leads and was not told");
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
