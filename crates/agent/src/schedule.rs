//! [`Unit::next`] chooses the hook or the action that runs next.
//!
//! When no hook runs, the agent goes through the kinds of work in a fixed order and takes the first
//! that is due. Relations, storage and secrets are not modelled. Source: reference `juju-agent.md`
//! sections 5.3, 6 and 7.

use std::time::Instant;

use charmwright_juju::ActionId;

use super::action_record::ActionStatus;
use super::controller::Controller;
use super::hook::HookKind;
use super::hook_run::HookRun;
use super::lifecycle::{Lifecycle, Retry};
use super::running::{ActionOutput, Running};
use super::status::StatusValue;
use super::unit::Unit;

/// The answer of [`Unit::next`]: a hook to run, or the time until which there is none.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and the caller takes the run out at once"
)]
pub enum Next {
    /// The caller runs this hook or action, then calls [`Unit::finish`].
    Run(HookRun),
    /// Nothing is due before this instant. The caller asks again then, or earlier after a command
    /// or an event.
    At(Instant),
    /// Nothing is due until a command or an event comes.
    Idle,
    /// A hook or an action is running already.
    Busy,
    /// Every hook of the ending pod has run. The caller starts the next pod, then calls
    /// [`Unit::pod_started`].
    PodEnded,
    /// The unit has been removed.
    Gone,
}

/// The work that is due, before the unit has begun it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    Run(HookKind),
    /// The failed hook runs again.
    Retry(HookKind),
    /// The killed hook runs again.
    Requeued(HookKind),
    /// The first of the queued workload events runs.
    Workload(HookKind),
    At(Instant),
    Idle,
    PodEnded,
    Gone,
}

impl Unit {
    /// Returns the hook or the action that runs now. A run that is returned has begun: the unit is
    /// busy until [`Unit::finish`].
    pub fn next(&mut self, now: Instant) -> Next {
        self.controller.set_now(now);
        if self.running.is_some() {
            return Next::Busy;
        }
        // Juju skips a queued or failed leader-elected when the unit has lost the leadership.
        let lifecycle = &mut self.lifecycle;
        if !self.controller.is_leader {
            lifecycle.requeued.take_if(|kind| *kind == HookKind::LeaderElected);
            lifecycle.error.take_if(|error| error.kind == HookKind::LeaderElected);
        }
        // A `start` that was skipped with `juju resolved --no-retry` has no time of its own.
        if lifecycle.is_started && lifecycle.update_status_interval_start.is_none() {
            lifecycle.update_status_interval_start = Some(now);
        }
        match lifecycle.choose(&self.controller, now) {
            Choice::Run(kind) => Next::Run(self.begin(kind, 1)),
            Choice::Retry(kind) => {
                let attempt =
                    lifecycle.error.as_ref().map_or(1, |error| error.failures.saturating_add(1));
                Next::Run(self.begin(kind, attempt))
            }
            Choice::Requeued(kind) => {
                lifecycle.requeued = None;
                Next::Run(self.begin(kind, 1))
            }
            Choice::Workload(kind) => {
                lifecycle.workload_events.pop_front();
                Next::Run(self.begin(kind, 1))
            }
            Choice::At(when) => Next::At(when),
            Choice::Idle => Next::Idle,
            Choice::PodEnded => Next::PodEnded,
            Choice::Gone => {
                // A unit that was never installed runs no `remove`, which would set these.
                lifecycle.is_gone = true;
                self.controller.set_status(StatusValue::new("terminated", ""));
                Next::Gone
            }
        }
    }

    fn begin(&mut self, kind: HookKind, attempt: u32) -> HookRun {
        let controller = &mut self.controller;
        // Juju's agent sets these statuses itself before these hooks (Juju 3.6).
        let maintenance = |message| StatusValue::new("maintenance", message);
        match &kind {
            HookKind::Install if !controller.has_charm_set_status => {
                controller.set_status(maintenance("installing charm software"));
            }
            HookKind::Stop => controller.set_status(maintenance("stopping charm software")),
            HookKind::Remove => {
                controller.set_status(maintenance("cleaning up prior to charm deletion"));
            }
            _ => {}
        }
        let action = match &kind {
            HookKind::Action { id, .. } => {
                let record = controller.actions.get_mut(id);
                let params = record.map(|record| {
                    record.status = ActionStatus::Running;
                    record.params.clone()
                });
                Some(ActionOutput::new(id.clone(), params.unwrap_or_default()))
            }
            _ => None,
        };
        self.lifecycle.hooks_begun = self.lifecycle.hooks_begun.wrapping_add(1);
        let run = HookRun::new(&controller.settings, kind, attempt, self.lifecycle.hooks_begun);
        // Read now: a change during config-changed must make the hook due again.
        let running = Running::new(run.clone(), controller.config());
        self.running = Some(Running { action, ..running });
        run
    }

    /// Returns `true` if no hook runs, none is due or failed, and every event so far has been
    /// handled.
    ///
    /// A container that has not been polled yet is an event to come, and so is a start of Pebble
    /// whose pebble-ready has not succeeded. An update-status that is not due yet does not count.
    #[must_use]
    pub fn is_settled(&self, now: Instant) -> bool {
        if self.running.is_some() || self.lifecycle.error.is_some() {
            return false;
        }
        match self.lifecycle.choose(&self.controller, now) {
            Choice::Gone => true,
            Choice::At(_) | Choice::Idle => self.lifecycle.containers.values().all(|container| {
                match &container.polled_boot_id {
                    None => false,
                    Some(None) => true,
                    Some(seen) => *seen == container.ready_boot_id,
                }
            }),
            Choice::Run(_)
            | Choice::Retry(_)
            | Choice::Requeued(_)
            | Choice::Workload(_)
            | Choice::PodEnded => false,
        }
    }

    /// Returns the id of the action that runs now, or `None` if no action runs.
    #[must_use]
    pub fn running_action(&self) -> Option<&ActionId> {
        Some(&self.running.as_ref()?.action.as_ref()?.id)
    }
}

impl Lifecycle {
    /// Chooses the work that is due. The order of the conditions is Juju's order.
    fn choose(&self, controller: &Controller, now: Instant) -> Choice {
        if self.is_gone {
            return Choice::Gone;
        }
        let action = pending_action(controller).map(Choice::Run);
        if self.is_pod_ending {
            return self.choose_in_ending_pod(action);
        }
        // In error nothing but actions and the failed hook runs.
        if let Some(error) = &self.error {
            if let Some(action) = action {
                return action;
            }
            return match error.retry {
                Retry::Now => Choice::Retry(error.kind.clone()),
                Retry::At(when) if when <= now => Choice::Retry(error.kind.clone()),
                Retry::At(when) => Choice::At(when),
                Retry::Never => Choice::Idle,
            };
        }
        if let Some(kind) = &self.requeued {
            return action.unwrap_or_else(|| Choice::Requeued(kind.clone()));
        }
        // No hook runs between the first config-changed and `start`, nor before the `start` that is
        // due after a restart of the agent. In a new pod `start` waits for upgrade-charm and
        // config-changed. A unit that is being removed does not start in a new pod.
        if self.is_start_queued && !self.is_stopped && !(self.is_pod_new && controller.is_dying) {
            return Choice::Run(match self.is_pod_new {
                true if self.is_upgrade_due => HookKind::UpgradeCharm,
                true if self.handled_config.is_none() => HookKind::ConfigChanged,
                _ => HookKind::Start,
            });
        }
        if !self.is_installed {
            return if controller.is_dying { Choice::Gone } else { Choice::Run(HookKind::Install) };
        }
        if !self.is_stopped {
            if controller.is_leader && !self.has_run_leader_elected {
                return Choice::Run(HookKind::LeaderElected);
            }
            // Juju 4 has no leader settings.
            let leader_settings = !controller.is_juju_at_least(4, 0);
            if leader_settings && !controller.is_leader && !self.has_run_leader_settings_changed {
                return Choice::Run(HookKind::LeaderSettingsChanged);
            }
            if let Some(event) = self.workload_events.front() {
                return Choice::Workload(event.clone());
            }
        }
        if let Some(action) = action {
            return action;
        }
        if controller.is_dying {
            return Choice::Run(if self.is_stopped { HookKind::Remove } else { HookKind::Stop });
        }
        if self.is_upgrade_due {
            return Choice::Run(HookKind::UpgradeCharm);
        }
        if self.handled_config.as_ref() != Some(&controller.config()) {
            return Choice::Run(HookKind::ConfigChanged);
        }
        if self.is_update_status_due {
            return Choice::Run(HookKind::UpdateStatus);
        }
        match (self.update_status_interval_start, controller.settings.update_status_interval) {
            (Some(since), Some(interval)) => match since.checked_add(interval) {
                Some(due) if due <= now => Choice::Run(HookKind::UpdateStatus),
                Some(due) => Choice::At(due),
                None => Choice::Idle,
            },
            _ => Choice::Idle,
        }
    }

    /// Chooses the work of a pod that is ending. A failed or killed hook does not run again, but
    /// workload events and actions still run before `stop`.
    fn choose_in_ending_pod(&self, action: Option<Choice>) -> Choice {
        let action = action.filter(|_| self.is_installed);
        // A unit in error runs no workload hook, but its `stop` does run.
        let event = self.workload_events.front().filter(|_| self.error.is_none());
        match event {
            _ if !self.is_started || self.is_stopped => action.unwrap_or(Choice::PodEnded),
            Some(event) => Choice::Workload(event.clone()),
            None => action.unwrap_or(Choice::Run(HookKind::Stop)),
        }
    }
}

/// Returns the oldest action that has not begun.
fn pending_action(controller: &Controller) -> Option<HookKind> {
    let mut actions = controller.actions.iter();
    let (id, record) = actions.find(|(_, record)| record.status == ActionStatus::Pending)?;
    Some(HookKind::Action { id: id.clone(), name: record.name().to_owned() })
}
