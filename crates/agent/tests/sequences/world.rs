//! [`World`] is a model with everything that a sequence needs to know beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use charmwright_agent::{
    Ending, HookExit, HookKind, HookRun, InProcessTools, Model, ModelSettings, Next, RelationEvent,
    Report, Resolve, SecretUpdate, StorageId, Substrate, UnitName,
};
use charmwright_juju::{ToolCall, ToolError, ToolRunner as _};

use super::bags::Values;
use super::charms::{APPLICATIONS, charm, deployment};
use super::order::Order;
use super::owed::{Bag, Owed};
use super::step::Step;

/// More hooks than any sequence leaves due. A secret that its owner cannot change any more is due
/// to be rotated every five minutes of the time that has passed.
const MOST_HOOKS: usize = 50_000;

/// A model, its hooks that run, and what the rules need to know.
pub struct World {
    /// Any tools lead to the model, also those of a unit that does not exist.
    pub(super) model: InProcessTools,
    substrate: Substrate,
    pub(super) now: Instant,
    pub(super) running: BTreeMap<UnitName, HookRun>,
    /// The storage that each unit has had while its hook runs. A hook reads what it was then.
    pub(super) hook_storages: BTreeMap<UnitName, BTreeSet<StorageId>>,
    pub(super) orders: BTreeMap<UnitName, Order>,
    pub(super) values: Values,
    pub(super) owed: Owed,
    pub(super) secrets: Vec<Secret>,
    pub(super) hooks: usize,
    pub(super) reads: usize,
}

/// A secret that was added at some time. It may be gone.
pub(super) struct Secret {
    pub(super) id: String,
    /// The application or the unit that owns it; `model` for a user secret.
    pub(super) owner: String,
    /// The place in its values.
    pub(super) place: String,
    /// The applications to which it was granted at any time.
    pub(super) grantees: BTreeSet<String>,
    /// `true` if anything may have taken a right to read it back.
    pub(super) is_revoked: bool,
    /// `true` if its owner has revoked its own right to change it.
    pub(super) is_taken: bool,
}

impl Secret {
    pub(super) fn new(id: &str, owner: String, place: String) -> Self {
        let (id, grantees) = (id.to_owned(), BTreeSet::new());
        Self { id, owner, place, grantees, is_revoked: false, is_taken: false }
    }
}

impl World {
    /// Makes a model without applications.
    pub fn new(version: &str, substrate: Substrate) -> Self {
        let now = Instant::now();
        let settings = ModelSettings::new()
            .juju_version(version.parse().unwrap())
            .substrate(substrate)
            .update_status_interval(None)
            .clock(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        Self {
            model: InProcessTools::new(Model::new(settings), "nobody/0".parse().unwrap()),
            substrate,
            now,
            running: BTreeMap::new(),
            hook_storages: BTreeMap::new(),
            orders: BTreeMap::new(),
            values: Values::default(),
            owed: Owed::new(version),
            secrets: Vec::new(),
            hooks: 0,
            reads: 0,
        }
    }

    /// Returns how many hooks have begun, and how many reads of databags and secrets had content.
    pub fn counts(&self) -> (usize, usize) {
        (self.hooks, self.reads)
    }

    /// Takes one step. A step that Juju refuses changes nothing.
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Begin(unit) => {
                if let Some(unit) = self.unit(*unit) {
                    self.begin(&unit);
                }
            }
            Step::Hook { unit, calls, code } => {
                let unit = self.unit(*unit).filter(|unit| !self.running.contains_key(unit));
                let Some(unit) = unit else { return };
                if !self.begin(&unit) {
                    // Without it most charms would have no hook in which they do something.
                    self.update_status(&unit);
                    self.begin(&unit);
                }
                if self.running.contains_key(&unit) {
                    for call in calls {
                        self.call(&unit, call);
                    }
                    self.finish(&unit, *code);
                }
            }
            Step::Call(number, call) => {
                if let Some(unit) = pick(self.running.keys(), *number).cloned() {
                    self.call(&unit, call);
                }
            }
            Step::Finish(number, code) => {
                if let Some(unit) = pick(self.running.keys(), *number).cloned() {
                    self.finish(&unit, *code);
                }
            }
            Step::Wait(seconds) => self.now += Duration::from_secs(*seconds),
            Step::Settle => self.run_all(),
            step => {
                self.operate(step);
                self.look();
            }
        }
    }

    /// Carries out a command of an operator, or something that happens to a unit.
    fn operate(&mut self, step: &Step) {
        let unit = |number: &usize| self.unit(*number).unwrap_or_else(|| name("web/0"));
        let secret = |number: &u8| format!("s{number}");
        // What refuses is checked by the tests of each command.
        match step {
            Step::Deploy(name, units) => {
                let _ = self.with(|model| model.deploy(name, deployment(name, *units)));
            }
            Step::AddUnit(name) => {
                let _ = self.with(|model| match charm(name) {
                    Some(_) => model.add_unit(name),
                    None => model.add_played_unit(name),
                });
            }
            Step::RemoveUnit(number) => {
                let unit = unit(number);
                let _ = self.with(|model| model.remove_unit(&unit));
                self.revoke_all();
            }
            Step::RemoveApplication(name) => {
                let _ = self.with(|model| model.remove_application(name));
                self.revoke_all();
            }
            Step::Integrate((one, other)) => {
                let _ = self.with(|model| model.integrate(one, other));
            }
            Step::RemoveRelation((one, other)) => {
                let _ = self.with(|model| model.remove_relation(one, other));
                self.revoke_all();
            }
            Step::SetConfig(name, port) => {
                let _ = self.with(|model| model.set_config(name, "port", &port.to_string()));
            }
            Step::Lead(number) => {
                let unit = unit(number);
                let _ = self.with(|model| model.set_leader(&unit));
            }
            Step::Refresh(name) => {
                if let Some(charm) = charm(name) {
                    let _ = self.with(|model| model.refresh(name, charm));
                }
            }
            Step::RunAction(number) => {
                let unit = unit(number);
                let _ = self.with(|model| model.run_action(&unit, "act", &[]));
            }
            Step::Resolved { unit: number, retries } => {
                let unit = unit(number);
                let how = if *retries { Resolve::Retry } else { Resolve::NoRetry };
                let failed = self.with(|model| model.report(&unit)).ok();
                let failed = failed.and_then(|report| report.failed_hook).map(|hook| hook.hook);
                let is_resolved = self.with(|model| model.resolved(&unit, how)).is_ok();
                if let Some(hook) = failed.filter(|_| is_resolved && !retries) {
                    // Juju takes the present config for the one that the unit was told of.
                    if hook == "config-changed" {
                        let port = self.port(&unit);
                        self.owed.see_port(&unit, port);
                    }
                    self.orders.entry(unit).or_default().resolve(&hook);
                }
            }
            Step::AgentRestarted(number) => {
                let unit = unit(number);
                if self.with(|model| model.agent_restarted(&unit)).is_ok() {
                    self.lose_hook(&unit);
                    self.orders.entry(unit).or_default().restart();
                }
            }
            Step::PodLost(number) => {
                let unit = unit(number);
                if self.with(|model| model.pod_lost(&unit)).is_ok() {
                    self.lose_hook(&unit);
                    self.orders.entry(unit).or_default().begin_pod();
                }
            }
            Step::AddUserSecret(number) => self.add_user_secret(&secret(number)),
            Step::UpdateUserSecret(number) => self.update_user_secret(&secret(number)),
            Step::GrantUserSecret(number, name) => {
                let granted = self.with(|model| model.grant_secret(&secret(number), name));
                if granted.is_ok() {
                    self.user_secret(&secret(number)).grantees.insert((*name).to_owned());
                }
            }
            Step::RevokeUserSecret(number, name) => {
                let revoked = self.with(|model| model.revoke_secret(&secret(number), name));
                if revoked.is_ok() {
                    let secret = self.user_secret(&secret(number));
                    secret.grantees.remove(*name);
                    secret.is_revoked = true;
                }
            }
            Step::RemoveUserSecret(number) => {
                let _ = self.with(|model| model.remove_secret(&secret(number), None));
            }
            Step::WriteRemote { relation, unit, key } => self.write_remote(*relation, *unit, *key),
            Step::AddStorage(number, storage) => {
                let unit = unit(number);
                let _ = self.with(|model| model.add_storage(&unit, storage, 1));
            }
            Step::AttachStorage { unit: number, instance } => {
                let unit = unit(number);
                if let Some(id) = self.storage(*instance) {
                    let _ = self.with(|model| model.attach_storage(&unit, &id));
                }
            }
            Step::DetachStorage(instance) => {
                if let Some(id) = self.storage(*instance) {
                    let _ = self.with(|model| model.detach_storage(&id));
                }
            }
            Step::RemoveStorage(instance) => {
                if let Some(id) = self.storage(*instance) {
                    let _ = self.with(|model| model.remove_storage(&id));
                }
            }
            Step::UpdateStatus(number) => {
                self.update_status(&unit(number));
            }
            _ => {}
        }
    }

    fn update_status(&self, unit: &UnitName) {
        let _ = self.with(|model| model.update_status(unit));
    }

    /// Forgets the hook that ran in an agent or a pod which is gone.
    fn lose_hook(&mut self, unit: &UnitName) {
        if let Some(run) = self.running.remove(unit) {
            self.values.end_hook(unit, false);
            self.orders.entry(unit.clone()).or_default().fail(&run);
        }
    }

    fn add_user_secret(&mut self, label: &str) {
        let place = format!("secret-{}", self.secrets.len());
        let value = self.values.make("model", &place);
        let added = self.with(|model| model.add_secret(label, &[("key", &value)]));
        if let Ok(id) = added {
            self.values.commit(value);
            self.secrets.push(Secret::new(id.id(), format!("model {label}"), place));
        }
    }

    fn update_user_secret(&mut self, label: &str) {
        let owner = format!("model {label}");
        let Some(secret) = self.secrets.iter().rev().find(|secret| secret.owner == owner) else {
            return;
        };
        let value = self.values.make("model", &secret.place.clone());
        let update = SecretUpdate::new().value("key", &value);
        if self.with(|model| model.update_secret(label, update)).is_ok() {
            self.values.commit(value);
        }
    }

    fn user_secret(&mut self, label: &str) -> &mut Secret {
        let owner = format!("model {label}");
        self.secrets.iter_mut().rev().find(|secret| secret.owner == owner).unwrap()
    }

    /// Takes note that units may have lost the right to read what was granted to them.
    pub(super) fn revoke_all(&mut self) {
        for secret in &mut self.secrets {
            secret.is_revoked = true;
        }
    }

    fn write_remote(&mut self, relation: usize, unit: Option<usize>, key: u8) {
        let relations = self.remote_relations();
        let Some(relation) = pick(&relations, relation).copied() else { return };
        let units = self.with(|model| model.units_of("lb")).unwrap_or_default();
        let unit = unit.and_then(|unit| pick(&units, unit).cloned());
        let owner = unit.as_ref().map_or_else(|| "lb".to_owned(), ToString::to_string);
        let value = self.values.make(&owner, &relation.to_string());
        let key = format!("k{key}");
        let data = [(key.as_str(), value.as_str())];
        let written = self.with(|model| match &unit {
            Some(unit) => model.set_remote_unit_data(relation, unit, data),
            None => model.set_remote_app_data(relation, "lb", data),
        });
        if written.is_ok() {
            self.values.commit(value);
        }
    }

    /// Returns the relations of the application that has no charm.
    fn remote_relations(&self) -> BTreeSet<u32> {
        let reports = self.units().into_iter().flat_map(|unit| self.report(&unit).relations);
        let of_lb = reports.filter(|relation| relation.remote_app == "lb");
        of_lb.map(|relation| relation.id.get()).collect()
    }

    /// Begins the hook of a unit that is due, if there is one.
    fn begin(&mut self, unit: &UnitName) -> bool {
        let now = self.now;
        let next = self.with(|model| model.next(unit, now));
        if !self.leads(unit) {
            self.owed.see_no_leader(unit);
        }
        match next {
            Ok(Next::Run(run)) => {
                self.hooks += 1;
                let is_dying = self.with(|model| model.unit(unit).unwrap().is_dying());
                let is_machine = self.substrate == Substrate::Machine;
                self.orders.entry(unit.clone()).or_default().begin(&run, is_machine, is_dying);
                self.tell(unit, run.kind());
                self.running.insert(unit.clone(), run);
                self.hook_storages.insert(unit.clone(), self.storages_of(unit));
                true
            }
            Ok(Next::Gone) => {
                self.look();
                false
            }
            Ok(Next::PodEnded) => {
                self.with(|model| model.pod_started(unit)).unwrap();
                self.orders.entry(unit.clone()).or_default().begin_pod();
                self.look();
                true
            }
            _ => false,
        }
    }

    /// Takes note of what a hook that begins tells its unit.
    fn tell(&mut self, unit: &UnitName, kind: &HookKind) {
        match kind {
            HookKind::LeaderElected => self.owed.see_leader(unit),
            HookKind::ConfigChanged => {
                let port = self.port(unit);
                self.owed.see_port(unit, port);
            }
            HookKind::SecretChanged(secret) => {
                self.owed.see_secret(unit, &secret.id, secret.revision);
            }
            kind => {
                if let Some((relation, owner)) = told_bag(kind) {
                    self.owed.see_bag(unit, relation, &owner, self.bag(relation, &owner));
                }
            }
        }
    }

    fn finish(&mut self, unit: &UnitName, code: i32) {
        let now = self.now;
        let finish = |model: &mut Model| model.finish(unit, &HookExit::Code(code), now, b"", b"");
        let finished = self.with(finish).unwrap();
        let run = self.running.remove(unit).unwrap();
        self.values.end_hook(unit, finished.committed());
        let order = self.orders.entry(unit.clone()).or_default();
        match finished.ending() {
            Ending::Failed { .. } | Ending::Requeued => {
                order.fail(&run);
                let rotated = run.kind().secret().filter(|_| code == 0);
                let of_hook =
                    |secret: &&mut Secret| rotated.is_some_and(|hook| hook.id == secret.id);
                if let Some(secret) = self.secrets.iter_mut().find(of_hook) {
                    secret.is_taken = true;
                }
            }
            _ => {
                order.complete(run.kind());
                if let Some((relation, owner)) = told_bag(run.kind()) {
                    self.owed.succeed(unit, relation, &owner);
                }
            }
        }
        self.look();
    }

    /// Runs the hooks of all units, each with exit code 0, until none is due.
    fn run_all(&mut self) {
        let first = self.hooks;
        let mut is_due = true;
        while is_due {
            is_due = false;
            for unit in self.units() {
                if self.running.contains_key(&unit) {
                    self.rotate(&unit);
                    self.finish(&unit, 0);
                    is_due = true;
                } else if self.begin(&unit) {
                    is_due = true;
                }
            }
            assert!(self.hooks - first < MOST_HOOKS, "the hooks have no end");
        }
    }

    /// Lets every hook succeed that is due, also those that failed before.
    pub fn settle(&mut self) {
        self.run_all();
        // A failed hook runs again after 300 s at the latest. The commit of one that ran just now
        // may have failed too.
        for _ in 0..2 {
            self.now += Duration::from_secs(300);
            self.run_all();
        }
    }

    /// Looks at the model for what the rules need to know, and forgets what is gone.
    fn look(&mut self) {
        let units: BTreeSet<UnitName> = self.units().into_iter().collect();
        let gone: Vec<UnitName> =
            self.orders.keys().filter(|unit| !units.contains(unit)).cloned().collect();
        for unit in gone {
            self.orders.remove(&unit);
            self.running.remove(&unit);
            self.values.end_hook(&unit, false);
            self.owed.forget(&unit);
        }
        for name in APPLICATIONS {
            if self.with(|model| model.application(name).is_err()) {
                // Another application of this name has none of its rights.
                for secret in &mut self.secrets {
                    secret.grantees.remove(name);
                }
            }
        }
    }

    /// Returns what an application or a unit has written to its databag in a relation.
    pub(super) fn bag(&self, relation: u32, owner: &str) -> Bag {
        let bag = self.with(|model| match owner.parse::<UnitName>() {
            Ok(unit) => model.unit_data(relation, &unit).cloned(),
            Err(_) => model.app_data(relation, owner).cloned(),
        });
        without_jujus(bag.unwrap_or_default()).collect()
    }

    /// Returns `true` if a unit leads.
    pub(super) fn leads(&self, unit: &UnitName) -> bool {
        let name = unit.application().as_str();
        self.with(|model| model.application(name).is_ok_and(|app| app.leader() == Some(unit)))
    }

    /// Returns the option `port` of a unit's application.
    pub(super) fn port(&self, unit: &UnitName) -> String {
        self.with(|model| {
            let config = model.unit(unit).map(|unit| unit.config()).unwrap_or_default();
            config.get("port").map(ToString::to_string).unwrap_or_default()
        })
    }

    pub(super) fn report(&self, unit: &UnitName) -> Report {
        self.with(|model| model.report(unit)).unwrap()
    }

    pub(super) fn units(&self) -> Vec<UnitName> {
        self.with(|model| model.units())
    }

    fn unit(&self, number: usize) -> Option<UnitName> {
        pick(&self.units(), number).cloned()
    }

    pub(super) fn with<T>(&self, ask: impl FnOnce(&mut Model) -> T) -> T {
        self.model.with_model(|model, _| ask(model))
    }

    pub(super) fn tool(&self, unit: &UnitName, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        self.model.of_unit(unit.clone()).run(call)
    }
}

/// Returns the relation and the owner of the databag that a relation-changed is about.
fn told_bag(kind: &HookKind) -> Option<(u32, String)> {
    let HookKind::Relation(hook) = kind else { return None };
    let owner = hook.remote_unit().map(ToString::to_string);
    let owner = owner.unwrap_or_else(|| hook.remote_app().to_owned());
    Some((hook.relation().get(), owner)).filter(|_| hook.event() == RelationEvent::Changed)
}

/// Picks one of a collection by a number of any size.
pub fn pick<'a, T: 'a>(from: impl IntoIterator<Item = &'a T>, number: usize) -> Option<&'a T> {
    let all: Vec<&T> = from.into_iter().collect();
    all.get(number % all.len().max(1)).copied()
}

/// Leaves out the keys that Juju writes.
pub fn without_jujus(bag: Bag) -> impl Iterator<Item = (String, String)> {
    bag.into_iter().filter(|(key, _)| key.starts_with('k'))
}

pub fn name(unit: &str) -> UnitName {
    unit.parse().unwrap()
}
