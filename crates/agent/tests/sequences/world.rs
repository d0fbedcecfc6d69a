//! [`World`] is a model with everything that a sequence needs to know beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use charmwright_agent::{
    Ending, HookExit, HookRun, InProcessTools, Model, ModelSettings, Next, RelationReport, Report,
    Resolve, SecretId, SecretUpdate, UnitName,
};
use charmwright_juju::{ToolCall, ToolError, ToolRunner as _};

use super::bags::{Values, may_read};
use super::charms::{APPLICATIONS, charm, deployment};
use super::order::Order;
use super::owed::{Bag, Owed};
use super::step::{Call, Step};

/// More hooks than any sequence leaves due.
const MOST_HOOKS: usize = 2000;

/// A model, its hooks that run, and what the rules need to know.
pub struct World {
    /// Any tools lead to the model, also those of a unit that does not exist.
    model: InProcessTools,
    now: Instant,
    running: BTreeMap<UnitName, HookRun>,
    orders: BTreeMap<UnitName, Order>,
    values: Values,
    owed: Owed,
    secrets: Vec<Secret>,
    hooks: usize,
    reads: usize,
}

/// A secret that was added at some time. It may be gone.
struct Secret {
    id: String,
    /// The application or the unit that owns it; `model` for a user secret.
    owner: String,
    /// The place in its values.
    place: String,
    /// The applications to which it was granted at any time.
    grantees: BTreeSet<String>,
    /// `true` if anything may have taken a right to read it back.
    is_revoked: bool,
}

impl World {
    /// Makes a model without applications.
    pub fn new(version: &str) -> Self {
        let now = Instant::now();
        let settings = ModelSettings::new()
            .juju_version(version.parse().unwrap())
            .update_status_interval(None)
            .clock(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        Self {
            model: InProcessTools::new(Model::new(settings), "nobody/0".parse().unwrap()),
            now,
            running: BTreeMap::new(),
            orders: BTreeMap::new(),
            values: Values::default(),
            owed: Owed::default(),
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
                if let Some(unit) = unit
                    && self.begin(&unit)
                    && self.running.contains_key(&unit)
                {
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
                if is_resolved && !retries {
                    // Juju takes the present config for the one that the unit was told of.
                    if failed.as_deref() == Some("config-changed") {
                        let port = self.port(&unit);
                        self.owed.see_port(&unit, port);
                    }
                    self.orders.entry(unit).or_default().forget_failure();
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
                if self.with(|model| model.revoke_secret(&secret(number), name)).is_ok() {
                    let secret = self.user_secret(&secret(number));
                    secret.grantees.remove(*name);
                    secret.is_revoked = true;
                }
            }
            Step::RemoveUserSecret(number) => {
                let _ = self.with(|model| model.remove_secret(&secret(number), None));
            }
            Step::WriteRemote { relation, unit, key } => self.write_remote(*relation, *unit, *key),
            Step::UpdateStatus(number) => {
                let unit = unit(number);
                let _ = self.with(|model| model.update_status(&unit));
            }
            _ => {}
        }
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
            let (id, owner) = (id.id().to_owned(), format!("model {label}"));
            let (grantees, is_revoked) = (BTreeSet::new(), false);
            self.secrets.push(Secret { id, owner, place, grantees, is_revoked });
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
    fn revoke_all(&mut self) {
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
        match self.with(|model| model.next(unit, now)) {
            Ok(Next::Run(run)) => {
                self.hooks += 1;
                self.orders.entry(unit.clone()).or_default().begin(&run);
                let port = self.port(unit);
                self.owed.begin(unit, &run, port);
                self.running.insert(unit.clone(), run);
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

    fn finish(&mut self, unit: &UnitName, code: i32) {
        let now = self.now;
        let finish = |model: &mut Model| model.finish(unit, &HookExit::Code(code), now, b"", b"");
        let finished = self.with(finish).unwrap();
        let run = self.running.remove(unit).unwrap();
        self.values.end_hook(unit, finished.committed());
        if matches!(finished.ending(), Ending::Failed { .. } | Ending::Requeued) {
            self.orders.entry(unit.clone()).or_default().fail(&run);
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

    fn call(&mut self, unit: &UnitName, call: &Call) {
        let report = self.report(unit);
        let relation = |number: usize| pick(&report.relations, number);
        match call {
            Call::SetUnit { relation: number, key } => {
                if let Some(relation) = relation(*number) {
                    self.set(unit, relation, *key, false);
                }
            }
            Call::SetApplication { relation: number, key } => {
                if let Some(relation) = relation(*number) {
                    self.set(unit, relation, *key, true);
                }
            }
            Call::Delete { relation: number, key, is_application } => {
                if let Some(relation) = relation(*number) {
                    let _ = self.set_key(unit, relation, *key, "", *is_application);
                }
            }
            Call::Read { relation: number, whose } => {
                if let Some(relation) = relation(*number) {
                    self.read(unit, &report, relation, *whose);
                }
            }
            Call::AddSecret { is_application, is_rotated } => {
                self.add_secret(unit, *is_application, *is_rotated);
            }
            Call::SetSecret(number) => {
                if let Some((id, owner, place)) = self.secret(*number) {
                    let value = self.values.make(&owner, &place);
                    let set = ToolCall::new("secret-set").arg(id).arg(format!("key={value}"));
                    if self.tool(unit, &set).is_ok() {
                        self.values.write(unit, value);
                    }
                }
            }
            Call::GrantSecret { secret, relation: number } => {
                if let Some(((id, ..), relation)) = self.secret(*secret).zip(relation(*number)) {
                    let grant = ToolCall::new("secret-grant")
                        .arg(&id)
                        .arg(format!("--relation={}", relation.id));
                    if self.tool(unit, &grant).is_ok() {
                        let grantee = relation.remote_app.clone();
                        let secret = self.secrets.iter_mut().find(|secret| secret.id == id);
                        secret.unwrap().grantees.insert(grantee);
                    }
                }
            }
            Call::RevokeSecret { secret, relation: number } => {
                if let Some(((id, ..), relation)) = self.secret(*secret).zip(relation(*number)) {
                    let revoke = ToolCall::new("secret-revoke")
                        .arg(id)
                        .arg(format!("--relation={}", relation.id));
                    if self.tool(unit, &revoke).is_ok() {
                        self.revoke_all();
                    }
                }
            }
            Call::RemoveSecret(number) => {
                if let Some((id, ..)) = self.secret(*number) {
                    let _ = self.tool(unit, &ToolCall::new("secret-remove").arg(id));
                }
            }
            Call::ReadSecret { secret, refresh } => self.read_secret(unit, *secret, *refresh),
            Call::SetState => {
                let _ = self.tool(unit, &ToolCall::new("state-set").arg("key=value"));
            }
            Call::OpenPort => {
                let _ = self.tool(unit, &ToolCall::new("open-port").arg("80/tcp"));
            }
        }
    }

    fn set(&mut self, unit: &UnitName, relation: &RelationReport, key: u8, is_application: bool) {
        let own = if is_application { unit.application().to_string() } else { unit.to_string() };
        let value = self.values.make(&own, &relation.id.to_string());
        if self.set_key(unit, relation, key, &value, is_application).is_ok() {
            self.values.write(unit, value);
        }
    }

    fn set_key(
        &self,
        unit: &UnitName,
        relation: &RelationReport,
        key: u8,
        value: &str,
        is_application: bool,
    ) -> Result<Vec<u8>, ToolError> {
        let mut set = ToolCall::new("relation-set").arg("-r").arg(relation.id.to_string());
        if is_application {
            set = set.arg("--app");
        }
        self.tool(unit, &set.arg(format!("k{key}={value}")))
    }

    /// Reads the databag of any unit or application, whether the unit may or not.
    fn read(&mut self, unit: &UnitName, report: &Report, relation: &RelationReport, whose: usize) {
        // Those of the relation come twice, because most of the others are refused.
        let remote = self.with(|model| model.units_of(&relation.remote_app)).unwrap_or_default();
        let related = remote.iter().map(ToString::to_string).chain([relation.remote_app.clone()]);
        let everybody = self.units().into_iter().map(|unit| unit.to_string());
        let everybody = everybody.chain(APPLICATIONS.map(str::to_owned));
        let all: Vec<String> = related.clone().chain(related).chain(everybody).collect();
        let Some(owner) = pick(&all, whose) else { return };
        let mut get = ToolCall::new("relation-get").arg("--format=json");
        get = get.arg("-r").arg(relation.id.to_string());
        if !owner.contains('/') {
            get = get.arg("--app");
        }
        let Ok(output) = self.tool(unit, &get.arg("-").arg(owner)) else { return };
        let bag: Option<Bag> = serde_json::from_slice(&output).unwrap();
        for (key, value) in without_jujus(bag.unwrap_or_default()) {
            assert!(
                may_read(unit, report.leader, relation, owner),
                "{unit} reads {key} of {owner} in relation {}",
                relation.id
            );
            self.values.check(unit, owner, &relation.id.to_string(), &value);
            self.reads += 1;
        }
    }

    fn add_secret(&mut self, unit: &UnitName, is_application: bool, is_rotated: bool) {
        let owner = if is_application { unit.application().to_string() } else { unit.to_string() };
        let place = format!("secret-{}", self.secrets.len());
        let value = self.values.make(&owner, &place);
        let mut add = ToolCall::new("secret-add").arg(format!("key={value}"));
        add = add.arg(if is_application { "--owner=application" } else { "--owner=unit" });
        if is_rotated {
            add = add.arg("--rotate=daily");
        }
        if let Ok(output) = self.tool(unit, &add) {
            let id: SecretId = String::from_utf8(output).unwrap().trim().parse().unwrap();
            self.values.write(unit, value);
            let (id, grantees, is_revoked) = (id.id().to_owned(), BTreeSet::new(), false);
            self.secrets.push(Secret { id, owner, place, grantees, is_revoked });
        }
    }

    fn read_secret(&mut self, unit: &UnitName, number: usize, refresh: bool) {
        let Some(secret) = pick(&self.secrets, number) else { return };
        let mut get = ToolCall::new("secret-get").arg(&secret.id).arg("--format=json");
        if refresh {
            get = get.arg("--refresh");
        }
        let Ok(output) = self.tool(unit, &get) else { return };
        let content: BTreeMap<String, String> = serde_json::from_slice(&output).unwrap();
        let own = unit.application().as_str();
        assert!(
            secret.owner == own
                || secret.owner == unit.to_string()
                || secret.grantees.contains(own)
                // Juju takes a new content from anybody until the commit, and shows it to them.
                || self.values.is_pending(unit, &content["key"]),
            "{unit} reads a secret of {}, granted to {:?}",
            secret.owner,
            secret.grantees
        );
        let owner = secret.owner.split(' ').next().unwrap();
        self.values.check(unit, owner, &secret.place, &content["key"]);
        self.reads += 1;
    }

    /// Returns the id, the owner and the place of a secret of a charm.
    fn secret(&self, number: usize) -> Option<(String, String, String)> {
        let owned = self.secrets.iter().filter(|secret| !secret.owner.starts_with("model "));
        let owned: Vec<&Secret> = owned.collect();
        let secret = pick(&owned, number)?;
        Some((secret.id.clone(), secret.owner.clone(), secret.place.clone()))
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
            let leader = self.with(|model| {
                let application = model.application(name).ok()?;
                Some(application.leader().cloned())
            });
            // Nobody tells an application without a charm.
            if charm(name).is_some() {
                self.owed.set_leader(name, leader.as_ref().and_then(Option::as_ref));
            }
            if leader.is_none() {
                // Another application of this name has none of its rights.
                for secret in &mut self.secrets {
                    secret.grantees.remove(name);
                }
            }
        }
        for unit in &units {
            for relation in self.report(unit).relations {
                let id = relation.id.get();
                let own = unit.application().as_str();
                let others = self.with(|model| model.units_of(&relation.remote_app));
                let others = others.unwrap_or_default();
                for owner in others.iter().chain([unit]) {
                    let bag = self.with(|model| model.unit_data(id, owner).cloned());
                    let bag = without_jujus(bag.unwrap_or_default()).collect();
                    self.owed.set_bag(id, &owner.to_string(), bag);
                }
                for owner in [own, &relation.remote_app] {
                    let bag = self.with(|model| model.app_data(id, owner).cloned());
                    self.owed.set_bag(id, owner, bag.unwrap_or_default());
                }
            }
        }
    }

    /// Checks what has to hold when nothing is due any more.
    pub fn check_end(&self) {
        let applications: BTreeSet<String> = self.with(|model| {
            model.applications().map(|application| application.name().to_owned()).collect()
        });
        let units = self.units();
        self.owed.check_leaders();
        for unit in &units {
            let report = self.report(unit);
            for relation in &report.relations {
                assert!(applications.contains(&relation.remote_app), "{relation:?} leads nowhere");
                self.check_relation(unit, relation);
            }
            let has_charm = charm(unit.application().as_str()).is_some();
            if !has_charm {
                continue;
            }
            let order = self.orders.get(unit);
            assert!(order.is_some_and(Order::is_up), "{unit} has not started: {order:?}");
            assert_eq!(report.failed_hook, None, "{unit} is in error");
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
        if charm(own).is_none() {
            return;
        }
        let members = self.orders.get(unit).and_then(|order| order.members(id));
        assert_eq!(members, Some(&others), "{unit} knows the units in relation {id}");
        for other in &others {
            self.owed.check_bag(unit, id, &other.to_string());
        }
        // The leader wrote it itself.
        if !is_peer {
            self.owed.check_bag(unit, id, &relation.remote_app);
        }
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
        let is_dying = |unit: &UnitName| self.with(|model| model.unit(unit).unwrap().is_dying());
        assert!(!units.iter().any(is_dying), "a unit that was removed is left");
    }

    /// Returns the option `port` of a unit's application.
    fn port(&self, unit: &UnitName) -> String {
        self.with(|model| {
            let config = model.unit(unit).map(|unit| unit.config()).unwrap_or_default();
            config.get("port").map(ToString::to_string).unwrap_or_default()
        })
    }

    fn report(&self, unit: &UnitName) -> Report {
        self.with(|model| model.report(unit)).unwrap()
    }

    fn units(&self) -> Vec<UnitName> {
        self.with(|model| model.units())
    }

    fn unit(&self, number: usize) -> Option<UnitName> {
        pick(&self.units(), number).cloned()
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Model) -> T) -> T {
        self.model.with_model(|model, _| ask(model))
    }

    fn tool(&self, unit: &UnitName, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        self.model.of_unit(unit.clone()).run(call)
    }
}

/// Picks one of a collection by a number of any size.
fn pick<'a, T: 'a>(from: impl IntoIterator<Item = &'a T>, number: usize) -> Option<&'a T> {
    let all: Vec<&T> = from.into_iter().collect();
    all.get(number % all.len().max(1)).copied()
}

/// Leaves out the keys that Juju writes.
fn without_jujus(bag: Bag) -> impl Iterator<Item = (String, String)> {
    bag.into_iter().filter(|(key, _)| key.starts_with('k'))
}

fn name(unit: &str) -> UnitName {
    unit.parse().unwrap()
}
