//! [`Model::next`] chooses the hook or the action that a unit runs next.
//!
//! When no hook runs, the agent goes through the kinds of work in a fixed order and takes the first
//! that is due. Source: reference `juju-agent.md` sections 5.3, 6 and 7; Juju 3.6, the resolvers of
//! the uniter.

use std::time::Instant;

use charmwright_juju::UnitName;

use super::action_record::ActionStatus;
use super::error::Error;
use super::hook::HookKind;
use super::hook_run::HookRun;
use super::lifecycle::{Lifecycle, Retry};
use super::model::Model;
use super::running::{ActionOutput, Running};
use super::secret_hooks::is_about_application_secret;
use super::status::StatusValue;
use super::unit::Unit;
use super::unit_record::UnitRecord;

/// The answer of [`Model::next`]: a hook to run, or the time until which there is none.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and the caller takes the run out at once"
)]
pub enum Next {
    /// The caller runs this hook or action, then calls [`Model::finish`].
    Run(HookRun),
    /// Nothing is due before this instant. The caller asks again then, or earlier after a command
    /// or an event.
    At(Instant),
    /// Nothing is due until a command or an event comes.
    Idle,
    /// A hook or an action is running already.
    Busy,
    /// Every hook of the ending pod has run. The caller starts the next pod, then calls
    /// [`Model::pod_started`].
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
    /// The queued hook runs.
    Queued(HookKind),
    /// The first of the queued workload events runs.
    Workload(HookKind),
    At(Instant),
    Idle,
    PodEnded,
    Gone,
}

impl Model {
    /// Returns the hook or the action that a unit runs now. A run that is returned has begun: the
    /// unit is busy until [`Model::finish`]. Other units may run their hooks meanwhile.
    ///
    /// A unit on which no charm runs is always idle.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn next(&mut self, unit: &UnitName, now: Instant) -> Result<Next, Error> {
        self.set_now(unit, now);
        let record = self.record(unit)?;
        if record.running.is_some() {
            return Ok(Next::Busy);
        }
        // Juju skips a queued or failed hook of the leader when the unit has lost the leadership.
        let is_lost = |kind: Option<&HookKind>| {
            kind.is_some_and(|kind| {
                *kind == HookKind::LeaderElected || is_about_application_secret(&self.secrets, kind)
            })
        };
        let leads = self.leads(unit);
        let is_queued_lost = !leads && is_lost(record.lifecycle.queued.as_ref());
        let failed = record.lifecycle.error.as_ref().map(|error| &error.kind);
        let is_failed_lost = !leads && is_lost(failed);
        let lifecycle = &mut self.record_mut(unit)?.lifecycle;
        lifecycle.queued.take_if(|_| is_queued_lost);
        lifecycle.error.take_if(|_| is_failed_lost);
        // A `start` that was skipped with `juju resolved --no-retry` has no time of its own.
        if lifecycle.is_started && lifecycle.update_status_interval_start.is_none() {
            lifecycle.update_status_interval_start = Some(now);
        }
        self.synchronize_scopes(unit);
        let choice = self.unit(unit)?.choose(now);
        let record = self.record_mut(unit)?;
        let lifecycle = &mut record.lifecycle;
        let (kind, attempt) = match choice {
            Choice::Run(kind) => (kind, 1),
            Choice::Retry(kind) => {
                let failures = lifecycle.error.as_ref().map_or(0, |error| error.failures);
                (kind, failures.saturating_add(1))
            }
            Choice::Queued(kind) => {
                lifecycle.queued = None;
                (kind, 1)
            }
            Choice::Workload(kind) => {
                lifecycle.workload_events.pop_front();
                (kind, 1)
            }
            Choice::At(when) => return Ok(Next::At(when)),
            Choice::Idle => return Ok(Next::Idle),
            Choice::PodEnded => return Ok(Next::PodEnded),
            Choice::Gone => {
                // A unit that was never installed runs no `remove`.
                if !lifecycle.is_gone {
                    self.unit_gone(unit);
                }
                return Ok(Next::Gone);
            }
        };
        self.begin(unit, kind, attempt).map(Next::Run)
    }

    fn begin(&mut self, unit: &UnitName, kind: HookKind, attempt: u32) -> Result<HookRun, Error> {
        // Read now: a change during config-changed must make the hook due again.
        let config = self.unit(unit)?.config_inputs();
        let leader_settings = self.unit(unit)?.application.leader_settings_version;
        let record = self.record_mut(unit)?;
        record.lifecycle.seen_leader_settings = leader_settings;
        // Juju's agent sets these statuses itself before these hooks (Juju 3.6).
        let maintenance = |message| StatusValue::new("maintenance", message);
        match &kind {
            HookKind::Install if !record.has_charm_set_status => {
                record.set_status(maintenance("installing charm software"));
            }
            HookKind::Stop => record.set_status(maintenance("stopping charm software")),
            HookKind::Remove => {
                record.set_status(maintenance("cleaning up prior to charm deletion"));
            }
            _ => {}
        }
        let action = match &kind {
            HookKind::Action { id, .. } => {
                let action = record.actions.get_mut(id);
                let params = action.map(|action| {
                    action.status = ActionStatus::Running;
                    action.params.clone()
                });
                Some(ActionOutput::new(id.clone(), params.unwrap_or_default()))
            }
            _ => None,
        };
        record.relations.begin_hook(kind.relation());
        record.lifecycle.hooks_begun = record.lifecycle.hooks_begun.wrapping_add(1);
        let (serial, machine_id) = (record.lifecycle.hooks_begun, record.machine_id.clone());
        let principal = record.principal.clone();
        let run = HookRun::new(&self.settings, unit, &machine_id, kind, attempt, serial);
        let run = HookRun { principal, ..run };
        let mut running = Running::new(run.clone(), config);
        // Juju's agent asks for the unit's secrets at the start of a secret hook (Juju 3.6).
        if run.kind.secret().is_some() {
            let owned = self.secrets.owned_by(&unit.to_string(), self.leads(unit));
            running.snapshot.owned_secrets = Some(owned);
        }
        self.record_mut(unit)?.running = Some(Running { action, ..running });
        Ok(run)
    }
}

impl Unit<'_> {
    /// Returns `true` if no hook runs, none is due or failed, and every event so far has been
    /// handled.
    ///
    /// A container that has not been polled yet is an event to come, and so is a start of Pebble
    /// whose pebble-ready has not succeeded. An update-status that is not due yet does not count.
    #[must_use]
    pub fn is_settled(&self, now: Instant) -> bool {
        let lifecycle = &self.record.lifecycle;
        if !self.record.has_agent {
            return true;
        }
        if self.record.running.is_some() || lifecycle.error.is_some() {
            return false;
        }
        match self.choose(now) {
            Choice::Gone => true,
            Choice::At(_) | Choice::Idle if self.scopes_to_enter().next().is_some() => false,
            Choice::At(_) | Choice::Idle => {
                lifecycle.containers.values().all(|container| match &container.polled_boot_id {
                    None => false,
                    Some(None) => true,
                    Some(seen) => *seen == container.ready_boot_id,
                })
            }
            Choice::Run(_)
            | Choice::Retry(_)
            | Choice::Queued(_)
            | Choice::Workload(_)
            | Choice::PodEnded => false,
        }
    }

    fn choose(self, now: Instant) -> Choice {
        if self.record.has_agent {
            self.record.lifecycle.choose(self, now)
        } else if self.record.is_dying || self.record.lifecycle.is_gone {
            // Nothing runs on the unit, so nothing is left to do before it goes.
            Choice::Gone
        } else {
            Choice::Idle
        }
    }
}

impl Lifecycle {
    /// Chooses the work of the unit `own` that is due: the first that applies in Juju's order. The
    /// numbers are those of reference `juju-agent.md` section 6.
    fn choose(&self, own: Unit<'_>, now: Instant) -> Choice {
        let is_dying = own.record.is_dying;
        let (relations, all_relations) = (&own.record.relations, &own.model.relations);
        if self.is_gone {
            return Choice::Gone;
        }
        let action = pending_action(own.record).map(Choice::Run);
        if self.is_pod_ending {
            return self.choose_in_ending_pod(own, action);
        }
        // 10 for a unit in error: nothing but actions and the failed hook runs.
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
        // 10 for a queued hook: one that was killed, or config-changed after upgrade-charm. Nothing
        // comes before it, not even an action. A unit that is being removed does not begin install
        // again (Juju 3.6).
        let storage_hook = own.next_storage_hook();
        if let Some(kind) = &self.queued {
            return match kind {
                // It was killed, and storage was added meanwhile or the unit is being removed: then
                // the storage comes first (Juju 3.6).
                HookKind::Install => self.choose_before_install(own, storage_hook),
                _ => Choice::Queued(kind.clone()),
            };
        }
        // 1, `start` again, and 2, a new pod's upgrade. No hook runs between the first
        // config-changed and `start`, nor before the `start` that is due after a restart of the
        // agent. In a new pod `start` waits for upgrade-charm and config-changed. A unit that is
        // being removed does not start in a new pod.
        if self.is_start_queued && !self.is_stopped && !(self.is_pod_new && is_dying) {
            return Choice::Run(match self.is_pod_new {
                true if self.is_upgrade_due => HookKind::UpgradeCharm,
                true if self.handled_config.is_none() => HookKind::ConfigChanged,
                _ => HookKind::Start,
            });
        }
        // 12, install. The steps 3 to 11 are for a unit that is installed, but for 9, storage: on a
        // machine `install` waits until storage-attached has run for each instance.
        if !self.is_installed {
            return self.choose_before_install(own, storage_hook);
        }
        let mut next_secret_hook = None;
        if !self.is_stopped {
            // 3, relation-created. Not for a unit that is being removed (Juju 3.6).
            if !is_dying && let Some(hook) = relations.next_created(all_relations) {
                return Choice::Run(HookKind::Relation(hook));
            }
            // 4, leadership. A unit that is being removed does not accept it (Juju 3.6).
            if own.is_leader() && !is_dying && !self.has_run_leader_elected {
                return Choice::Run(HookKind::LeaderElected);
            }
            // Juju 4 has no leader settings. A unit that has led and does not any more is told of
            // those of that time too (Juju 3.6).
            let has_settings = !own.model.is_juju_at_least(4, 0);
            let follows = !own.is_leader() && !is_dying;
            let version = own.application.leader_settings_version;
            if has_settings && follows && self.handled_leader_settings != version {
                return Choice::Run(HookKind::LeaderSettingsChanged);
            }
            // 5, workload events.
            if let Some(event) = self.workload_events.front() {
                return Choice::Workload(event.clone());
            }
            // 6, secrets: expired, rotate, changed, remove. Not for a unit that is being removed
            // (Juju 3.6).
            if !is_dying {
                match own.next_secret_hook(now) {
                    Ok(kind) => return Choice::Run(kind),
                    Err(next) => next_secret_hook = next,
                }
            }
        }
        // 7, actions.
        if let Some(action) = action {
            return action;
        }
        // 8, juju-exec, is not modelled.
        // 9, storage: also that of a unit that is being removed, before its relations.
        if let Some(hook) = storage_hook {
            return Choice::Run(hook);
        }
        // 11, a unit that is being removed: relation hooks, then stop, then remove.
        let relation_hook = || {
            relations.next_hook(all_relations, &own.record.name, is_dying, own.application.is_dying)
        };
        if is_dying {
            if !self.is_stopped
                && let Some(hook) = relation_hook()
            {
                return Choice::Run(HookKind::Relation(hook));
            }
            // A unit that has not started has nothing to stop (Juju 3.6).
            let is_stop_due = self.is_started && !self.is_stopped;
            return Choice::Run(if is_stop_due { HookKind::Stop } else { HookKind::Remove });
        }
        // 13, charm refresh.
        if self.is_upgrade_due {
            return Choice::Run(HookKind::UpgradeCharm);
        }
        // 14, config-changed.
        if self.handled_config.as_ref() != Some(&own.config_inputs()) {
            return Choice::Run(HookKind::ConfigChanged);
        }
        // 15, relation hooks.
        if let Some(hook) = relation_hook() {
            return Choice::Run(HookKind::Relation(hook));
        }
        // 16, update-status.
        if self.is_update_status_due {
            return Choice::Run(HookKind::UpdateStatus);
        }
        let since = self.update_status_interval_start;
        let interval = own.model.settings.update_status_interval;
        let update_status =
            since.zip(interval).and_then(|(since, interval)| since.checked_add(interval));
        if update_status.is_some_and(|due| due <= now) {
            return Choice::Run(HookKind::UpdateStatus);
        }
        let next = update_status.into_iter().chain(next_secret_hook).min();
        next.map_or(Choice::Idle, Choice::At)
    }

    /// Chooses the work of a unit that is not installed yet. On a machine `install` waits until
    /// storage-attached has run for each instance; on Kubernetes no storage hook comes before it.
    fn choose_before_install(&self, own: Unit<'_>, storage_hook: Option<HookKind>) -> Choice {
        match storage_hook.filter(|_| !own.is_kubernetes()) {
            Some(hook) => Choice::Run(hook),
            None if own.record.is_dying => Choice::Gone,
            None if own.awaits_storage() => Choice::Idle,
            None if self.queued.is_some() => Choice::Queued(HookKind::Install),
            None => Choice::Run(HookKind::Install),
        }
    }

    /// Chooses the work of a pod that is ending. A failed or killed hook does not run again, but
    /// workload events and actions still run before `stop`.
    fn choose_in_ending_pod(&self, own: Unit<'_>, action: Option<Choice>) -> Choice {
        let action = action.filter(|_| self.is_installed);
        // So does a storage hook of a unit that is not in error (Juju 3.6).
        let may_run_storage = self.error.is_none() && self.queued.is_none();
        let storage_hook = own.next_storage_hook().filter(|_| may_run_storage);
        let action = action.or(storage_hook.map(Choice::Run));
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
fn pending_action(record: &UnitRecord) -> Option<HookKind> {
    let mut actions = record.actions.iter();
    let (id, action) = actions.find(|(_, action)| action.status == ActionStatus::Pending)?;
    Some(HookKind::Action { id: id.clone(), name: action.name().to_owned() })
}
