//! What runs next.
//!
//! Source: reference `juju-agent.md` sections 5.3, 6 and 7. Each time the agent is free it takes
//! the first that applies; relations, storage and secrets are not part of this unit.

use std::time::Instant;

use charmwright_juju::ActionId;
use serde_json::{Map, Value};

use super::actions::ActionStatus;
use super::hook::HookKind;
use super::hook_run::{HookRun, Running, StatusValue};
use super::settings::juju_has;
use super::unit::{Retry, Unit};

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
        self.note_time(now);
        if self.running.is_some() {
            return Next::Busy;
        }
        // Leadership that was lost takes its hook with it, queued or failed.
        if !self.leader {
            self.requeued.take_if(|kind| *kind == HookKind::LeaderElected);
            self.error.take_if(|error| error.kind == HookKind::LeaderElected);
        }
        if self.life.started && self.life.update_status_since.is_none() {
            self.life.update_status_since = Some(now);
        }
        match self.choose(now) {
            Choice::Run(kind) => Next::Run(self.begin(kind, 1)),
            Choice::Retry(kind) => {
                let attempt =
                    self.error.as_ref().map_or(1, |error| error.failures.saturating_add(1));
                Next::Run(self.begin(kind, attempt))
            }
            Choice::Requeued(kind) => {
                self.requeued = None;
                Next::Run(self.begin(kind, 1))
            }
            Choice::Workload(kind) => {
                self.workload_events.pop_front();
                Next::Run(self.begin(kind, 1))
            }
            Choice::At(when) => Next::At(when),
            Choice::Idle => Next::Idle,
            Choice::PodEnded => Next::PodEnded,
            Choice::Gone => {
                // A unit that was never installed goes without a hook.
                self.life.gone = true;
                self.set_status(StatusValue::new("terminated", ""));
                Next::Gone
            }
        }
    }

    fn choose(&self, now: Instant) -> Choice {
        let life = &self.life;
        if life.gone {
            return Choice::Gone;
        }
        let action = self.pending_action().map(Choice::Run);
        if life.pod_ending {
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
        if life.start_queued && !life.stopped && !(life.pod_is_new && life.dying) {
            return Choice::Run(match life.pod_is_new {
                true if life.upgrade => HookKind::UpgradeCharm,
                true if life.config_seen.is_none() => HookKind::ConfigChanged,
                _ => HookKind::Start,
            });
        }
        if !life.installed {
            return if life.dying { Choice::Gone } else { Choice::Run(HookKind::Install) };
        }
        if !life.stopped {
            if self.leader && !life.leader_announced {
                return Choice::Run(HookKind::LeaderElected);
            }
            let leader_settings = !juju_has(&self.settings.juju_version, 4, 0);
            if leader_settings && !self.leader && !life.leader_settings_seen {
                return Choice::Run(HookKind::LeaderSettingsChanged);
            }
            if let Some(event) = self.workload_events.front() {
                return Choice::Workload(event.clone());
            }
        }
        if let Some(action) = action {
            return action;
        }
        if life.dying {
            return Choice::Run(if life.stopped { HookKind::Remove } else { HookKind::Stop });
        }
        if life.upgrade {
            return Choice::Run(HookKind::UpgradeCharm);
        }
        if life.config_seen.as_ref() != Some(&self.config()) {
            return Choice::Run(HookKind::ConfigChanged);
        }
        if life.update_status {
            return Choice::Run(HookKind::UpdateStatus);
        }
        match (life.update_status_since, self.settings.update_status_interval) {
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
        let life = &self.life;
        let action = action.filter(|_| life.installed);
        let event = self.workload_events.front().filter(|_| self.error.is_none());
        match event {
            _ if !life.started || life.stopped => action.unwrap_or(Choice::PodEnded),
            Some(event) => Choice::Workload(event.clone()),
            None => action.unwrap_or(Choice::Run(HookKind::Stop)),
        }
    }

    fn pending_action(&self) -> Option<HookKind> {
        let (id, record) =
            self.actions.iter().find(|(_, record)| record.status == ActionStatus::Pending)?;
        Some(HookKind::Action { id: id.clone(), name: record.name.clone() })
    }

    fn begin(&mut self, kind: HookKind, attempt: u32) -> HookRun {
        match &kind {
            HookKind::Install if !self.status_set_by_charm => {
                self.set_status(StatusValue::new("maintenance", "installing charm software"));
            }
            HookKind::Stop => {
                self.set_status(StatusValue::new("maintenance", "stopping charm software"));
            }
            HookKind::Remove => self
                .set_status(StatusValue::new("maintenance", "cleaning up prior to charm deletion")),
            _ => {}
        }
        let mut params = Map::new();
        if let HookKind::Action { id, .. } = &kind
            && let Some(record) = self.actions.get_mut(id)
        {
            record.status = ActionStatus::Running;
            params = record.params.clone();
        }
        self.hooks_begun = self.hooks_begun.wrapping_add(1);
        let run = HookRun::new(&self.settings, kind, attempt, self.hooks_begun);
        self.running = Some(Running::new(run.clone(), self.config(), params));
        run
    }

    /// What a hook leaves behind when it counts as done. `now` is `None` where the hook did not
    /// run.
    pub(super) fn complete(
        &mut self,
        kind: &HookKind,
        config: Map<String, Value>,
        now: Option<Instant>,
    ) {
        let life = &mut self.life;
        match kind {
            HookKind::Install => life.installed = true,
            HookKind::LeaderElected => life.leader_announced = true,
            HookKind::LeaderSettingsChanged => life.leader_settings_seen = true,
            HookKind::ConfigChanged => {
                life.config_seen = Some(config);
                life.start_queued |= !life.started;
            }
            HookKind::Start => {
                life.started = true;
                life.start_queued = false;
                life.pod_is_new = false;
                life.update_status_since = now;
                if !self.status_set_by_charm {
                    self.set_status(StatusValue::new("unknown", ""));
                }
            }
            HookKind::UpgradeCharm => {
                life.upgrade = false;
                life.config_seen = None;
            }
            HookKind::UpdateStatus => {
                life.update_status = false;
                life.update_status_since = now;
            }
            HookKind::Stop => {
                // Run again in a new pod, after it failed in the last one, it ends nothing.
                life.stopped = life.dying || life.pod_ending;
                life.start_queued &= !life.stopped;
                // Where a pod ends in order, no hook is left over for the next one.
                if life.pod_ending {
                    self.requeued = None;
                }
            }
            HookKind::Remove => {
                life.gone = true;
                self.set_status(StatusValue::new("terminated", ""));
            }
            HookKind::PebbleReady { container, boot_id } => {
                if let Some(state) = self.containers.get_mut(container) {
                    state.recorded = Some(boot_id.clone());
                }
            }
            HookKind::PebbleCheckFailed { .. }
            | HookKind::PebbleCheckRecovered { .. }
            | HookKind::PebbleCustomNotice { .. }
            | HookKind::Action { .. } => {}
        }
    }

    /// Whether nothing is running, queued or waiting for its retry, and every event so far has been
    /// handled: a container not polled yet, or polled and still owed its pebble-ready, is an event
    /// to come. An update-status that is not due yet does not count.
    #[must_use]
    pub fn is_settled(&self, now: Instant) -> bool {
        if self.running.is_some() || self.error.is_some() {
            return false;
        }
        match self.choose(now) {
            Choice::Gone => true,
            Choice::At(_) | Choice::Idle => {
                self.containers.values().all(|container| match &container.polled {
                    None => false,
                    Some(None) => true,
                    Some(seen) => *seen == container.recorded,
                })
            }
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
        match &self.running.as_ref()?.run.kind {
            HookKind::Action { id, .. } => Some(id),
            _ => None,
        }
    }
}
