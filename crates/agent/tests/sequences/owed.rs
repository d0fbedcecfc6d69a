//! The hooks that Juju owes to the units.

use std::collections::BTreeMap;

use charmwright_agent::{HookKind, HookRun, RelationEvent, UnitName};

/// The content of a databag without what Juju writes itself.
pub type Bag = BTreeMap<String, String>;

/// What the units were told, beside what there is to tell them.
#[derive(Debug, Default)]
pub struct Owed {
    /// The present content, by relation and owner.
    bags: BTreeMap<(u32, String), Bag>,
    /// The content that a unit was told of by a relation-changed.
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
    /// Takes the present content of a databag.
    pub fn set_bag(&mut self, relation: u32, owner: &str, bag: Bag) {
        self.bags.insert((relation, owner.to_owned()), bag);
    }

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

    /// Takes a hook that begins. `port` is the option's present value.
    pub fn begin(&mut self, unit: &UnitName, run: &HookRun, port: String) {
        match run.kind() {
            HookKind::LeaderElected => {
                self.elected.remove(unit.application().as_str());
            }
            HookKind::ConfigChanged => {
                self.see_port(unit, port);
            }
            HookKind::SecretChanged(secret) => {
                self.seen_secrets.insert((unit.clone(), secret.id.clone()), secret.revision);
            }
            HookKind::Relation(hook) if hook.event() == RelationEvent::Changed => {
                let owner = hook.remote_unit().map(ToString::to_string);
                let owner = owner.unwrap_or_else(|| hook.remote_app().to_owned());
                let key = (hook.relation().get(), owner);
                let bag = self.bags.get(&key).cloned().unwrap_or_default();
                self.seen_bags.insert((unit.clone(), key.0, key.1), bag);
            }
            _ => {}
        }
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
    pub fn check_bag(&self, unit: &UnitName, relation: u32, owner: &str) {
        let empty = Bag::new();
        let bag = self.bags.get(&(relation, owner.to_owned())).unwrap_or(&empty);
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
