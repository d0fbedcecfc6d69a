//! [`UnitRecord`] holds the data of one unit: what Juju's controller stores of it, and what its
//! agent knows of its hooks.
//!
//! The data that all units of an application share is in [`Application`](super::Application).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use charmwright_juju::{ActionId, LogLevel, UnitName};
use serde_json::{Map, Value};

use super::action_record::ActionRecord;
use super::config_inputs::ConfigInputs;
use super::hook::HookKind;
use super::lifecycle::Lifecycle;
use super::log::Log;
use super::ports::PortSet;
use super::relations::UnitRelations;
use super::running::Running;
use super::secrets::SecretHooks;
use super::status::StatusValue;

/// The number of ended actions whose records are kept. Each record holds the output of its action,
/// so a caller that runs actions all day must not fill the memory.
const ENDED_ACTIONS_LIMIT: usize = 100;

/// The data of one unit. The first fields are those that Juju's controller stores; `lifecycle` and
/// `running` are known to the unit's agent only.
#[derive(Debug)]
pub(super) struct UnitRecord {
    pub(super) name: UnitName,
    pub(super) address: String,
    pub(super) machine_id: String,
    /// `false` for a unit on which no charm runs: a unit of an application without a charm, or a
    /// played one of another application. It has no hooks, and takes part in the model otherwise.
    pub(super) has_agent: bool,
    /// Set by `juju remove-unit`.
    pub(super) is_dying: bool,
    /// The state that the charm has stored with `state-set`.
    pub(super) state: BTreeMap<String, String>,
    pub(super) ports: PortSet,
    pub(super) status: StatusValue,
    pub(super) status_since: Option<Instant>,
    /// Set by the first `status-set`. The agent sets some statuses itself, but only until then.
    pub(super) has_charm_set_status: bool,
    /// The registered payloads, each as `CLASS/ID` (until Juju 3.6).
    pub(super) payloads: BTreeSet<String>,
    pub(super) actions: BTreeMap<ActionId, ActionRecord>,
    pub(super) log: Log,
    /// The agent's records of the unit's relations.
    pub(super) relations: UnitRelations,
    /// The unit beside which a unit of a subordinate runs.
    pub(super) principal: Option<UnitName>,
    /// The record of the hooks that have run and that are due.
    pub(super) lifecycle: Lifecycle,
    /// The record of the secret hooks that have run.
    pub(super) secret_hooks: SecretHooks,
    /// The hook or action that runs now.
    pub(super) running: Option<Running>,
    /// The latest instant that the caller has passed for this unit: the model has no clock.
    now: Option<Instant>,
}

impl UnitRecord {
    /// Makes a unit that has not been installed yet.
    pub(super) fn new(
        name: UnitName,
        address: String,
        machine_id: String,
        has_agent: bool,
        lifecycle: Lifecycle,
        now: Option<Instant>,
    ) -> Self {
        // Nothing sets the status of a unit on which no charm runs, and the status of its
        // application must not wait for it.
        let status = match has_agent {
            true => StatusValue::new("waiting", "installing agent"),
            false => StatusValue::new("active", ""),
        };
        Self {
            name,
            address,
            machine_id,
            has_agent,
            is_dying: false,
            state: BTreeMap::new(),
            ports: PortSet::default(),
            status,
            status_since: now,
            has_charm_set_status: false,
            payloads: BTreeSet::new(),
            actions: BTreeMap::new(),
            log: Log::default(),
            relations: UnitRelations::default(),
            principal: None,
            lifecycle,
            secret_hooks: SecretHooks::default(),
            running: None,
            now,
        }
    }

    /// Adds the record of a requested action, and drops the oldest records of ended actions beyond
    /// the limit.
    pub(super) fn add_action(&mut self, id: ActionId, name: &str, params: Map<String, Value>) {
        self.actions.insert(id.clone(), ActionRecord::new(id, name, params));
        let ended = self.actions.values().filter(|record| record.has_ended());
        let ended: Vec<ActionId> = ended.map(|record| record.id().clone()).collect();
        for id in ended.iter().take(ended.len().saturating_sub(ENDED_ACTIONS_LIMIT)) {
            self.actions.remove(id);
        }
    }

    /// Adds a line of the agent itself to the unit's log.
    pub(super) fn log_agent(&mut self, level: LogLevel, message: String) {
        self.log.push(level, "juju.worker.uniter".to_owned(), message);
    }

    /// Sets the time of the unit to the instant that the caller has passed.
    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = Some(now);
        // The first status dates from before the first call, when no time was known.
        self.status_since.get_or_insert(now);
    }

    /// Returns the latest instant that the caller has passed for this unit.
    pub(super) fn now(&self) -> Option<Instant> {
        self.now
    }

    /// Sets the unit's status, and remembers the current time as its start.
    pub(super) fn set_status(&mut self, status: StatusValue) {
        self.status = status;
        self.status_since = self.now;
    }

    /// Returns `true` if the unit is being removed, or its pod is ending. Then no failed workload
    /// hook runs again.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_dying || self.lifecycle.is_pod_ending
    }

    /// Records that a workload hook has failed or was killed on a unit that is leaving, so that it
    /// does not run again. On any other unit it does nothing.
    pub(super) fn give_up(&mut self, kind: &HookKind) {
        if self.is_leaving() {
            self.lifecycle.give_up(kind);
        }
    }

    /// Records that a hook counts as done: it has succeeded, or `juju resolved --no-retry` has
    /// skipped it. `config` is the config at the start of the hook. `now` is `None` for a skipped
    /// hook.
    pub(super) fn complete(&mut self, kind: &HookKind, config: ConfigInputs, now: Option<Instant>) {
        let is_leaving = self.is_leaving();
        self.lifecycle.complete(kind, config, is_leaving, now);
        if *kind == HookKind::Start && !self.has_charm_set_status {
            self.set_status(StatusValue::new("unknown", ""));
        }
    }
}
