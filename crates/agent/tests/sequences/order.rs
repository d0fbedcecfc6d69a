//! The order in which Juju runs the hooks of one unit.

use std::collections::{BTreeMap, BTreeSet};

use charmwright_agent::{HookKind, HookRun, RelationEvent, RelationHook, StorageId, UnitName};

/// The hooks that a unit has run, as far as the order of the next one depends on them.
///
/// Source: reference `juju-agent.md`, section 6.
#[derive(Debug, Default)]
pub struct Order {
    is_installed: bool,
    has_started: bool,
    /// `true` after a stop, until a start.
    has_stopped: bool,
    /// `true` after a stop in this pod.
    has_pod_stopped: bool,
    is_removed: bool,
    /// `true` once the agent has begun again. It takes a relation that the unit had entered for one
    /// whose relation-created has run (Juju 3.6).
    has_restarted: bool,
    /// The hooks that failed and run again.
    failed: BTreeMap<String, HookKind>,
    /// `true` if one of them comes before any other hook. The hooks of the end of a pod, and of the
    /// begin of the next one, come before it.
    is_in_error: bool,
    relations: BTreeMap<u32, Entered>,
    /// The storage that is attached as far as the unit was told.
    storages: BTreeSet<StorageId>,
    /// The names of the hooks that have begun, for the text of a failure.
    begun: Vec<String>,
}

/// A relation of which the unit has been told.
#[derive(Debug, Default)]
struct Entered {
    members: BTreeSet<UnitName>,
    is_broken: bool,
}

impl Order {
    /// Takes a hook that begins, and panics if it may not come now.
    pub fn begin(&mut self, run: &HookRun, is_machine: bool, is_dying: bool) {
        let name = describe(run);
        self.begun.push(name.clone());
        if run.kind().is_action() {
            // It runs on a unit in error too.
            self.expect(self.begun.len() > 1, "an action comes after install");
            return;
        }
        self.is_in_error &= !matches!(run.kind(), HookKind::Stop);
        let is_retry = self.failed.remove(&name).is_some();
        self.is_in_error &= !is_retry;
        self.expect(
            !self.is_in_error || is_early(run.kind()),
            "a hook that failed runs again before the others",
        );
        self.expect(!self.is_removed, "nothing comes after remove");
        let is_first = match run.kind() {
            HookKind::Install => true,
            // On a machine install waits for the storage.
            HookKind::StorageAttached(_) | HookKind::StorageDetaching(_) => is_machine,
            _ => false,
        };
        self.expect(self.is_installed || is_first, "install comes first");
        match run.kind() {
            HookKind::Install => self.expect(!self.is_installed, "install comes once"),
            // It also comes at the end of each pod.
            HookKind::Stop => {
                self.expect(!self.has_pod_stopped || self.has_restarted, "stop comes once");
            }
            // Juju does not stop a unit that has not started.
            HookKind::Remove => {
                self.expect(self.storages.is_empty(), "remove comes when the storage is detached");
                self.expect(self.has_stopped || !self.has_started, "remove comes after stop");
            }
            HookKind::Relation(hook) => {
                let is_end = is_dying && !is_retry && hook.event() == RelationEvent::Broken;
                self.expect(!is_end || self.storages.is_empty(), "storage goes before relations");
                self.expect_relation(hook);
            }
            HookKind::StorageAttached(hook) => {
                self.expect(!self.storages.contains(hook.id()), "storage is attached once");
                self.expect(hook.location().is_some(), "storage that is attached has a location");
                self.expect(is_machine || self.has_started, "a pod gets storage after start");
            }
            HookKind::StorageDetaching(hook) => {
                let is_attached = self.storages.contains(hook.id());
                self.expect(is_attached, "storage is detached that was attached");
            }
            HookKind::UpdateStatus => {
                self.expect(self.has_started, "update-status comes after start");
            }
            _ => {}
        }
    }

    fn expect_relation(&self, hook: &RelationHook) {
        let untold = Entered::default();
        let relation = match self.relations.get(&hook.relation().get()) {
            None if self.has_restarted => Some(&untold),
            relation => relation,
        };
        let is_broken = relation.is_some_and(|relation| relation.is_broken);
        self.expect(!is_broken, "nothing comes after relation-broken");
        let members = relation.map(|relation| &relation.members);
        let remote = hook.remote_unit();
        let is_member = members.zip(remote).is_some_and(|(members, unit)| members.contains(unit));
        match hook.event() {
            RelationEvent::Created => {
                let is_new = !self.relations.contains_key(&hook.relation().get());
                self.expect(is_new, "relation-created comes once");
            }
            // A unit that is removed meanwhile leaves the relations that it has entered, without
            // having been told of them.
            RelationEvent::Broken => {
                let are_gone = members.is_none_or(BTreeSet::is_empty);
                self.expect(are_gone, "relation-broken comes when every unit has departed");
            }
            _ if relation.is_none() => self.expect(false, "relation-created comes first"),
            RelationEvent::Joined => {
                self.expect(remote.is_some() && !is_member, "a unit joins once");
            }
            RelationEvent::Changed => {
                let is_known = remote.is_none() || is_member;
                self.expect(is_known, "relation-changed is of a unit that has joined");
            }
            RelationEvent::Departed => self.expect(is_member, "a unit departs that has joined"),
        }
    }

    /// Takes a hook that is done.
    pub fn complete(&mut self, kind: &HookKind) {
        match kind {
            HookKind::Install => self.is_installed = true,
            HookKind::Start => (self.has_started, self.has_stopped) = (true, false),
            HookKind::Stop => (self.has_stopped, self.has_pod_stopped) = (true, true),
            HookKind::Remove => self.is_removed = true,
            HookKind::StorageAttached(hook) => {
                self.storages.insert(hook.id().clone());
            }
            HookKind::StorageDetaching(hook) => {
                self.storages.remove(hook.id());
            }
            HookKind::Relation(hook) => {
                let relation = self.relations.entry(hook.relation().get()).or_default();
                match (hook.event(), hook.remote_unit().cloned()) {
                    (RelationEvent::Joined, unit) => relation.members.extend(unit),
                    (RelationEvent::Departed, Some(unit)) => {
                        relation.members.remove(&unit);
                    }
                    (RelationEvent::Broken, _) => relation.is_broken = true,
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Takes the end of a hook that runs again.
    pub fn fail(&mut self, run: &HookRun) {
        if run.kind().is_action() {
            return;
        }
        self.failed.insert(describe(run), run.kind().clone());
        // Juju skips it if the unit has lost the leadership meanwhile.
        let is_the_leaders =
            run.kind().secret().is_some() || matches!(run.kind(), HookKind::LeaderElected);
        self.is_in_error = !is_the_leaders;
    }

    /// Takes a hook that failed for one that is done, because the operator has resolved it.
    pub fn resolve(&mut self, hook: &str) {
        let is_resolved = |name: &String| name.split(' ').next() == Some(hook);
        let resolved: Vec<String> =
            self.failed.keys().filter(|name| is_resolved(name)).cloned().collect();
        for name in resolved {
            if let Some(kind) = self.failed.remove(&name) {
                self.complete(&kind);
            }
        }
        self.is_in_error = false;
    }

    /// Takes the start of a new pod.
    pub fn begin_pod(&mut self) {
        self.has_pod_stopped = false;
        self.is_in_error = false;
        self.restart();
    }

    /// Takes the start of a new agent.
    pub fn restart(&mut self) {
        self.has_restarted = true;
    }

    /// Returns the units that have joined a relation and not departed from it, or `None` if the
    /// unit is not in the relation.
    pub fn members(&self, relation: u32) -> Option<BTreeSet<UnitName>> {
        match self.relations.get(&relation) {
            Some(entered) => Some(entered.members.clone()).filter(|_| !entered.is_broken),
            None => self.has_restarted.then(BTreeSet::new),
        }
    }

    /// Returns the storage of which the unit was told that it is attached.
    pub fn storages(&self) -> &BTreeSet<StorageId> {
        &self.storages
    }

    /// Returns `true` if the unit has run its start hook, and no stop since.
    pub fn is_up(&self) -> bool {
        self.has_started && !self.has_stopped
    }

    fn expect(&self, holds: bool, rule: &str) {
        assert!(holds, "{rule}, but the hooks were {:?}", self.begun);
    }
}

/// Returns `true` for a hook that the agent looks for before it looks for one that failed.
fn is_early(kind: &HookKind) -> bool {
    kind.secret().is_some()
        || kind.container().is_some()
        || matches!(
            kind,
            HookKind::Start
                | HookKind::UpgradeCharm
                | HookKind::LeaderElected
                | HookKind::LeaderSettingsChanged
        )
}

/// Returns the name of a hook with what it is about.
fn describe(run: &HookRun) -> String {
    match run.kind() {
        HookKind::Relation(hook) => {
            let unit = hook.remote_unit().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {unit}", run.name(), hook.relation().get())
        }
        HookKind::StorageAttached(hook) | HookKind::StorageDetaching(hook) => {
            format!("{} {}", run.name(), hook.id())
        }
        kind => match kind.secret() {
            Some(secret) => format!("{} {}", run.name(), secret.id),
            None => run.name(),
        },
    }
}
