//! What runs next.
//!
//! Source: reference `juju-agent.md` sections 5.3, 6 and 7. Each time the agent is free it takes
//! the first that applies; relations, storage and secrets are not part of this unit.

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

/// The answer of [`Unit::next`].
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and the caller takes the run out at once"
)]
pub enum Next {
    /// Run this, then call [`Unit::finish`].
    Run(HookRun),
    /// Nothing before then, unless something happens: ask again at that time.
    At(Instant),
    /// Nothing, until something happens.
    Idle,
    /// A hook is running already.
    Busy,
    /// The pod that was to end has ended: start the next one, then call [`Unit::pod_started`].
    PodEnded,
    /// The unit has been removed.
    Gone,
}

/// What applies, without doing anything yet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    Run(HookKind),
    Retry(HookKind),
    Requeued(HookKind),
    /// The first of the queued workload events.
    Workload(HookKind),
    At(Instant),
    Idle,
    PodEnded,
    Gone,
}

impl Unit {
    /// What to run now. A run that is returned has begun: the unit is busy until [`Unit::finish`].
    pub fn next(&mut self, now: Instant) -> Next {
        self.controller.set_now(now);
        if self.running.is_some() {
            return Next::Busy;
        }
        // Leadership that was lost takes its hook with it, queued or failed.
        let lifecycle = &mut self.lifecycle;
        if !self.controller.is_leader {
            lifecycle.requeued.take_if(|kind| *kind == HookKind::LeaderElected);
            lifecycle.error.take_if(|error| error.kind == HookKind::LeaderElected);
        }
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
                // A unit that was never installed goes without a hook.
                lifecycle.is_gone = true;
                self.controller.set_status(StatusValue::new("terminated", ""));
                Next::Gone
            }
        }
    }

    fn begin(&mut self, kind: HookKind, attempt: u32) -> HookRun {
        let controller = &mut self.controller;
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
        let running = Running::new(run.clone(), controller.config());
        self.running = Some(Running { action, ..running });
        run
    }

    /// Whether nothing is running, queued or waiting for its retry, and every event so far has been
    /// handled: a container not polled yet, or polled and still owed its pebble-ready, is an event
    /// to come. An update-status that is not due yet does not count.
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

    /// The action that runs now, if one does.
    #[must_use]
    pub fn running_action(&self) -> Option<&ActionId> {
        Some(&self.running.as_ref()?.action.as_ref()?.id)
    }
}

impl Lifecycle {
    /// Chooses what applies.
    fn choose(&self, controller: &Controller, now: Instant) -> Choice {
        if self.is_gone {
            return Choice::Gone;
        }
        let action = pending_action(controller).map(Choice::Run);
        if self.is_pod_ending {
            return self.choose_in_ending_pod(action);
        }
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
        // Nothing comes between the first config-changed and start, nor before a start that a new
        // agent owes. In a new pod that start waits for the charm's refresh.
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

    /// Chooses what a pod does before it ends: neither a failed hook nor one that was killed runs
    /// again, but what came before them in rank does.
    fn choose_in_ending_pod(&self, action: Option<Choice>) -> Choice {
        let action = action.filter(|_| self.is_installed);
        let event = self.workload_events.front().filter(|_| self.error.is_none());
        match event {
            _ if !self.is_started || self.is_stopped => action.unwrap_or(Choice::PodEnded),
            Some(event) => Choice::Workload(event.clone()),
            None => action.unwrap_or(Choice::Run(HookKind::Stop)),
        }
    }
}

/// The oldest action that waits for its turn.
fn pending_action(controller: &Controller) -> Option<HookKind> {
    let mut actions = controller.actions.iter();
    let (id, record) = actions.find(|(_, record)| record.status == ActionStatus::Pending)?;
    Some(HookKind::Action { id: id.clone(), name: record.name().to_owned() })
}
