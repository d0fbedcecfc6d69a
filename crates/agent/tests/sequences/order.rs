//! The order in which Juju runs the hooks of one unit.

use std::collections::{BTreeMap, BTreeSet};

use charmwright_agent::{HookKind, HookRun, RelationEvent, RelationHook, UnitName};

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
    failed: BTreeSet<String>,
    /// `true` if one of them comes before any other hook. The hooks of the end of a pod, and of the
    /// begin of the next one, come before it.
    is_in_error: bool,
    relations: BTreeMap<u32, Entered>,
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
    pub fn begin(&mut self, run: &HookRun) {
        let name = describe(run);
        self.begun.push(name.clone());
        if run.kind().is_action() {
            self.expect(self.is_installed, "an action runs on a unit that is installed");
            return;
        }
        if self.failed.remove(&name) {
            self.is_in_error = false;
            return;
        }
        self.is_in_error &= !matches!(run.kind(), HookKind::Stop);
        self.expect(
            !self.is_in_error || is_early(run.kind()),
            "a hook that failed runs again before the others",
        );
        self.expect(!self.is_removed, "nothing comes after remove");
        self.expect(self.is_installed || name == "install", "install comes first");
        match run.kind() {
            HookKind::Install => {
                self.expect(!self.is_installed, "install comes once");
                self.is_installed = true;
            }
            HookKind::Start => {
                self.has_started = true;
                self.has_stopped = false;
            }
            HookKind::Stop => {
                self.expect(!self.has_pod_stopped, "stop comes once");
                (self.has_stopped, self.has_pod_stopped) = (true, true);
            }
            HookKind::Remove => {
                // Juju does not stop a unit that has not started.
                self.expect(self.has_stopped || !self.has_started, "remove comes after stop");
                self.is_removed = true;
            }
            HookKind::Relation(hook) => self.begin_relation(hook),
            HookKind::UpdateStatus => {
                self.expect(self.has_started, "update-status comes after start")
            }
            _ => {}
        }
    }

    fn begin_relation(&mut self, hook: &RelationHook) {
        let mut relation = self.relations.remove(&hook.relation().get());
        if self.has_restarted && hook.event() != RelationEvent::Created {
            relation.get_or_insert_default();
        }
        let is_told = relation.as_ref().is_some_and(|relation| !relation.is_broken);
        let remote = hook.remote_unit().cloned();
        let is_member = |entered: &Option<Entered>| {
            let members = entered.as_ref().map(|relation| &relation.members);
            members.zip(remote.as_ref()).is_some_and(|(members, unit)| members.contains(unit))
        };
        self.expect(
            relation.as_ref().is_none_or(|relation| !relation.is_broken),
            "nothing comes after relation-broken",
        );
        match hook.event() {
            RelationEvent::Created => {
                self.expect(relation.is_none(), "relation-created comes once");
                relation = Some(Entered::default());
            }
            // A unit that is removed meanwhile leaves the relations that it has entered, without
            // having been told of them.
            RelationEvent::Broken if relation.is_none() => {
                relation = Some(Entered { is_broken: true, ..Entered::default() });
            }
            _ if !is_told => self.expect(false, "relation-created comes first"),
            RelationEvent::Joined => {
                self.expect(remote.is_some(), "relation-joined is of a unit");
                self.expect(!is_member(&relation), "a unit joins once");
                let entered = relation.get_or_insert_default();
                entered.members.extend(remote);
            }
            RelationEvent::Changed => {
                let of_member = remote.is_none() || is_member(&relation);
                self.expect(of_member, "relation-changed is of a unit that has joined");
            }
            RelationEvent::Departed => {
                self.expect(is_member(&relation), "a unit departs that has joined");
                if let (Some(entered), Some(unit)) = (&mut relation, &remote) {
                    entered.members.remove(unit);
                }
            }
            _ => {
                let entered = relation.get_or_insert_default();
                let are_gone = entered.members.is_empty();
                entered.is_broken = true;
                self.expect(are_gone, "relation-broken comes when every unit has departed");
            }
        }
        self.relations.extend(relation.map(|relation| (hook.relation().get(), relation)));
    }

    /// Takes the end of a hook that runs again.
    pub fn fail(&mut self, run: &HookRun) {
        if !run.kind().is_action() {
            self.failed.insert(describe(run));
            // Juju skips it if the unit has lost the leadership meanwhile.
            let is_the_leaders =
                run.kind().secret().is_some() || matches!(run.kind(), HookKind::LeaderElected);
            self.is_in_error = !is_the_leaders;
        }
    }

    /// Forgets the hooks that failed, because the operator has resolved them or the unit
    /// has lost what they are about.
    pub fn forget_failure(&mut self) {
        self.failed.clear();
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

    /// Returns the units that have joined a relation and not departed from it.
    pub fn members(&self, relation: u32) -> Option<&BTreeSet<UnitName>> {
        let entered = self.relations.get(&relation).filter(|relation| !relation.is_broken)?;
        Some(&entered.members)
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
        kind => match kind.secret() {
            Some(secret) => format!("{} {}", run.name(), secret.id),
            None => run.name(),
        },
    }
}
