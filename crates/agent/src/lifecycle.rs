//! The unit's life so far: which hooks it has behind it, what waits, which hook has failed.
//!
//! Source: reference `juju-agent.md` sections 4, 6 and 7. This is the agent's own; what Juju's
//! controller holds is in the [`Controller`].

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use serde_json::{Map, Value};

use super::charm_meta::CharmMeta;
use super::controller::Controller;
use super::hook::HookKind;
use super::status::StatusValue;

/// The life of a unit: all that has happened to it, and all that was asked for and is not done yet.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    pub(super) is_installed: bool,
    pub(super) has_run_leader_elected: bool,
    pub(super) has_run_leader_settings_changed: bool,
    /// The config that the last config-changed saw.
    pub(super) handled_config: Option<Map<String, Value>>,
    /// The first config-changed queues `start`, with nothing between; a restart of the agent queues
    /// it again.
    pub(super) is_start_queued: bool,
    pub(super) is_started: bool,
    pub(super) is_upgrade_due: bool,
    /// The pod is to end, or has ended and none has taken its place yet.
    pub(super) is_pod_ending: bool,
    /// The hooks that a new pod runs before `start` have not run yet.
    pub(super) is_pod_new: bool,
    pub(super) is_update_status_due: bool,
    /// From when the interval to the next update-status counts.
    pub(super) update_status_interval_start: Option<Instant>,
    pub(super) is_stopped: bool,
    pub(super) is_gone: bool,
    pub(super) hooks_begun: u64,

    pub(super) error: Option<HookError>,
    /// A hook that was killed, to be run again first of all.
    pub(super) requeued: Option<HookKind>,

    pub(super) workload_events: VecDeque<HookKind>,
    /// Workload hooks that have failed since the unit is on its way out.
    given_up: Vec<HookKind>,
    pub(super) containers: BTreeMap<String, ContainerState>,
}

/// A hook that failed, until it succeeds or is skipped.
#[derive(Debug)]
pub(super) struct HookError {
    pub(super) kind: HookKind,
    pub(super) failures: u32,
    /// Which step of the waits comes next; `resolved` goes back to the first.
    pub(super) backoff_step: u32,
    pub(super) retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Now,
    At(Instant),
    Never,
}

/// What the agent's poll knows of one container.
#[derive(Debug, Default)]
pub(super) struct ContainerState {
    /// What the last poll saw: `None` = not polled yet, `Some(None)` = no answer.
    pub(super) polled_boot_id: Option<Option<String>>,
    /// The start of Pebble for which pebble-ready has succeeded.
    pub(super) ready_boot_id: Option<String>,
}

impl Lifecycle {
    /// The life of a unit that has not been installed yet.
    pub(super) fn new(meta: &CharmMeta) -> Self {
        let containers =
            meta.containers().map(|name| (name.to_owned(), ContainerState::default())).collect();
        Self { containers, ..Self::default() }
    }

    /// Takes another charm: upgrade-charm is due, and what belongs to no container of its is gone.
    pub(super) fn refresh(&mut self, meta: &CharmMeta) {
        self.containers.retain(|name, _| meta.has_container(name));
        for name in meta.containers() {
            self.containers.entry(name.to_owned()).or_default();
        }
        self.workload_events
            .retain(|event| event.container().is_none_or(|name| meta.has_container(name)));
        self.is_upgrade_due = true;
    }

    /// Begins anew with another agent, in the same pod or on the same machine.
    pub(super) fn agent_restarted(&mut self) {
        if self.is_started {
            self.is_start_queued = true;
        }
        self.forget_polls();
    }

    /// Begins anew in another pod, once the charm that it holds is known.
    pub(super) fn pod_started(&mut self, is_dying: bool) {
        self.is_pod_ending = false;
        self.is_stopped &= is_dying;
        // Nothing to refresh where nothing is installed.
        self.is_upgrade_due &= self.is_installed;
        self.is_pod_new = self.is_installed;
        self.is_start_queued = self.is_started;
        // The last agent held these, and read no pod's events but its own.
        self.workload_events.clear();
        self.given_up.clear();
        self.requeued.take_if(|kind| kind.container().is_some());
        self.forget_polls();
    }

    fn forget_polls(&mut self) {
        for container in self.containers.values_mut() {
            *container = ContainerState::default();
        }
    }

    /// Tells whether the unit, or its pod, is on its way out, so that a workload hook which fails
    /// is not waited for.
    pub(super) fn is_leaving(&self, controller: &Controller) -> bool {
        controller.is_dying || self.is_pod_ending
    }

    /// Notes a workload hook that failed or was killed. On a unit that goes away it does not run
    /// again, or `stop` would never come.
    pub(super) fn give_up(&mut self, controller: &Controller, kind: &HookKind) {
        let leaving = self.is_leaving(controller);
        if leaving && kind.container().is_some() && !self.has_given_up(kind) {
            self.given_up.push(kind.clone());
            self.workload_events.retain(|event| event.name() != kind.name());
        }
    }

    /// Tells whether this hook is not run again before the unit is gone.
    pub(super) fn has_given_up(&self, kind: &HookKind) -> bool {
        self.given_up.iter().any(|other| other.name() == kind.name())
    }

    /// Takes what a hook leaves behind when it counts as done. `now` is `None` where the hook did
    /// not run.
    pub(super) fn complete(
        &mut self,
        controller: &mut Controller,
        kind: &HookKind,
        config: Map<String, Value>,
        now: Option<Instant>,
    ) {
        match kind {
            HookKind::Install => self.is_installed = true,
            HookKind::LeaderElected => self.has_run_leader_elected = true,
            HookKind::LeaderSettingsChanged => self.has_run_leader_settings_changed = true,
            HookKind::ConfigChanged => {
                self.handled_config = Some(config);
                self.is_start_queued |= !self.is_started;
            }
            HookKind::Start => {
                self.is_started = true;
                self.is_start_queued = false;
                self.is_pod_new = false;
                self.update_status_interval_start = now;
                if !controller.has_charm_set_status {
                    controller.set_status(StatusValue::new("unknown", ""));
                }
            }
            HookKind::UpgradeCharm => {
                self.is_upgrade_due = false;
                self.handled_config = None;
            }
            HookKind::UpdateStatus => {
                self.is_update_status_due = false;
                self.update_status_interval_start = now;
            }
            HookKind::Stop => {
                // Run again in a new pod, after it failed in the last one, it ends nothing.
                self.is_stopped = self.is_leaving(controller);
                self.is_start_queued &= !self.is_stopped;
                // Where a pod ends in order, no hook is left over for the next one.
                if self.is_pod_ending {
                    self.requeued = None;
                }
            }
            HookKind::Remove => {
                self.is_gone = true;
                controller.set_status(StatusValue::new("terminated", ""));
            }
            HookKind::PebbleReady { container, boot_id } => {
                if let Some(state) = self.containers.get_mut(container) {
                    state.ready_boot_id = Some(boot_id.clone());
                }
            }
            HookKind::PebbleCheckFailed { .. }
            | HookKind::PebbleCheckRecovered { .. }
            | HookKind::PebbleCustomNotice { .. }
            | HookKind::Action { .. } => {}
        }
    }
}
