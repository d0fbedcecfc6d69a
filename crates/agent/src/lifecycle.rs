//! [`Lifecycle`] records which hooks of the unit have run, which are due, and which one has failed.
//!
//! Only the agent has this record; the data in Juju's controller is in
//! `UnitRecord` and [`Application`](super::Application). Source: reference `juju-agent.md` sections
//! 4, 6 and 7.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::charm_meta::CharmMeta;
use super::config_inputs::ConfigInputs;
use super::hook::HookKind;

/// The progress of a unit from its installation to its removal: the hooks that have succeeded, and
/// the hooks and events that are still due.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    /// `true` once install has succeeded.
    pub(super) is_installed: bool,
    /// `true` once leader-elected has succeeded, until the leadership changes.
    pub(super) has_run_leader_elected: bool,
    /// The version of the leader's settings for which leader-settings-changed has succeeded, and
    /// the version that the last such hook saw when it began; 0 before the first one.
    pub(super) handled_leader_settings: u64,
    pub(super) seen_leader_settings: u64,
    /// The config that the last successful config-changed saw. The hook is due while the current
    /// one differs from it.
    pub(super) handled_config: Option<ConfigInputs>,
    /// `true` while `start` is due. The first config-changed queues it, with no hook between, and a
    /// restart of the agent queues it again.
    pub(super) is_start_queued: bool,
    /// `true` once `start` has succeeded.
    pub(super) is_started: bool,
    /// `true` while upgrade-charm is due.
    pub(super) is_upgrade_due: bool,
    /// `true` from the request to end the pod until the next pod has started.
    pub(super) is_pod_ending: bool,
    /// `true` in a new pod until `start` has succeeded: upgrade-charm and config-changed run first.
    pub(super) is_pod_new: bool,
    /// `true` while an update-status is due that was asked for before its interval has passed.
    pub(super) is_update_status_due: bool,
    /// The instant at which the interval to the next update-status began.
    pub(super) update_status_interval_start: Option<Instant>,
    /// `true` once `stop` has run on a unit that is removed, or whose pod ends.
    pub(super) is_stopped: bool,
    /// `true` once the unit has been removed.
    pub(super) is_gone: bool,
    /// The number of hooks and actions that have begun. It makes each context id unique.
    pub(super) hooks_begun: u64,

    /// The failed hook, while the unit is in error.
    pub(super) error: Option<HookError>,
    /// The hook that runs before anything else: one that was killed, or the config-changed after
    /// upgrade-charm.
    pub(super) queued: Option<HookKind>,

    /// The queued events of the unit's Pebbles, oldest first.
    pub(super) workload_events: VecDeque<HookKind>,
    /// The workload hooks that have failed since the unit, or its pod, began to stop.
    given_up: Vec<HookKind>,
    /// The containers by name.
    pub(super) containers: BTreeMap<String, ContainerState>,
}

/// The failed hook of a unit in error. The error ends when the hook succeeds or is skipped.
#[derive(Debug)]
pub(super) struct HookError {
    pub(super) kind: HookKind,
    /// The number of failures in a row.
    pub(super) failures: u32,
    /// The number of delays that have passed; `juju resolved` sets it back to 0, and the delays
    /// grow from 5 seconds again.
    pub(super) backoff_step: u32,
    pub(super) retry: Retry,
}

/// The time at which a failed hook runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Now,
    At(Instant),
    /// Automatic retries are off: only `juju resolved` runs the hook again.
    Never,
}

/// The agent's knowledge of the Pebble in one container.
#[derive(Debug, Default)]
pub(super) struct ContainerState {
    /// The boot id that the last poll read: `None` before the first poll, and `Some(None)` if
    /// Pebble did not answer.
    pub(super) polled_boot_id: Option<Option<String>>,
    /// The boot id for which pebble-ready has succeeded. Pebble has a new one after each start.
    pub(super) ready_boot_id: Option<String>,
}

impl Lifecycle {
    /// Makes the record of a unit that has not been installed yet.
    pub(super) fn new(meta: &CharmMeta) -> Self {
        let containers =
            meta.containers().map(|name| (name.to_owned(), ContainerState::default())).collect();
        Self { containers, ..Self::default() }
    }

    /// Makes upgrade-charm due, and drops the events of containers that the new charm does not
    /// declare.
    pub(super) fn refresh(&mut self, meta: &CharmMeta) {
        self.is_upgrade_due = true;
        self.containers.retain(|name, _| meta.has_container(name));
        for name in meta.containers() {
            self.containers.entry(name.to_owned()).or_default();
        }
        self.workload_events
            .retain(|event| event.container().is_none_or(|name| meta.has_container(name)));
    }

    /// Records that the unit has become the leader, or that it has lost the leadership.
    pub(super) fn leadership_changed(&mut self) {
        self.has_run_leader_elected = false;
    }

    /// Records that the agent has restarted, in the same pod or on the same machine.
    pub(super) fn agent_restarted(&mut self) {
        // A unit that has not started yet runs `start` for the first time anyway.
        if self.is_started {
            self.is_start_queued = true;
        }
        self.forget_memory();
    }

    /// Records that a new pod has started, which holds this charm.
    pub(super) fn pod_started(&mut self, meta: &CharmMeta, is_dying: bool) {
        self.refresh(meta);
        self.is_pod_ending = false;
        self.is_stopped &= is_dying;
        // A unit that was not installed before runs install in the new pod, not upgrade-charm.
        self.is_upgrade_due &= self.is_installed;
        self.is_pod_new = self.is_installed;
        self.is_start_queued = self.is_started;
        // The agent of the last pod had these in memory only, and they tell of the last pod.
        self.workload_events.clear();
        self.given_up.clear();
        self.queued.take_if(|kind| kind.container().is_some());
        self.forget_memory();
    }

    /// Forgets what the agent has in memory only. So each running Pebble makes a pebble-ready
    /// again, and a unit that does not lead runs leader-settings-changed again (Juju 3.6).
    fn forget_memory(&mut self) {
        self.handled_leader_settings = 0;
        for container in self.containers.values_mut() {
            *container = ContainerState::default();
        }
    }

    /// Records that a workload hook has failed or was killed on a unit that is leaving, so that it
    /// does not run again. For any other hook it does nothing.
    ///
    /// The events of Pebble may come again faster than the hooks run, so `stop` might never run if
    /// each of them was queued again.
    pub(super) fn give_up(&mut self, kind: &HookKind) {
        if kind.container().is_some() && !self.has_given_up(kind) {
            self.given_up.push(kind.clone());
            self.workload_events.retain(|event| event.name() != kind.name());
        }
    }

    /// Returns `true` if this workload hook does not run again before the unit or its pod is gone.
    pub(super) fn has_given_up(&self, kind: &HookKind) -> bool {
        self.given_up.iter().any(|other| other.name() == kind.name())
    }

    /// Records that a hook counts as done: it has succeeded, or `juju resolved --no-retry` has
    /// skipped it. `config` is the config at the start of the hook, and `is_leaving` tells whether
    /// the unit or its pod comes to its end. `now` is `None` for a skipped hook.
    pub(super) fn complete(
        &mut self,
        kind: &HookKind,
        config: ConfigInputs,
        is_leaving: bool,
        now: Option<Instant>,
    ) {
        match kind {
            HookKind::Install => self.is_installed = true,
            HookKind::LeaderElected => self.has_run_leader_elected = true,
            HookKind::LeaderSettingsChanged => {
                self.handled_leader_settings = self.seen_leader_settings;
            }
            HookKind::ConfigChanged => {
                self.handled_config = Some(config);
                self.is_start_queued |= !self.is_started;
            }
            HookKind::Start => {
                self.is_started = true;
                self.is_start_queued = false;
                self.is_pod_new = false;
                self.update_status_interval_start = now;
            }
            HookKind::UpgradeCharm => {
                self.is_upgrade_due = false;
                // Juju runs config-changed after each upgrade-charm, whatever the config is, and
                // nothing between them.
                self.handled_config = None;
                self.queued = Some(HookKind::ConfigChanged);
            }
            HookKind::UpdateStatus => {
                self.is_update_status_due = false;
                self.update_status_interval_start = now;
            }
            HookKind::Stop => {
                // A stop that failed in the last pod may run again in the new one, where the unit
                // goes on.
                self.is_stopped = is_leaving;
                self.is_start_queued &= !self.is_stopped;
                // A killed hook of this pod does not run again in the next one, which has hooks of
                // its own to run first.
                if self.is_pod_ending {
                    self.queued = None;
                }
            }
            HookKind::Remove => self.is_gone = true,
            HookKind::PebbleReady { container, boot_id } => {
                if let Some(state) = self.containers.get_mut(container) {
                    state.ready_boot_id = Some(boot_id.clone());
                }
            }
            HookKind::SecretChanged(_)
            | HookKind::SecretRotate(_)
            | HookKind::SecretExpired(_)
            | HookKind::SecretRemove(_)
            | HookKind::PebbleCheckFailed { .. }
            | HookKind::PebbleCheckRecovered { .. }
            | HookKind::PebbleCustomNotice { .. }
            | HookKind::StorageAttached(_)
            | HookKind::StorageDetaching(_)
            | HookKind::Relation(_)
            | HookKind::Action { .. } => {}
        }
    }
}
