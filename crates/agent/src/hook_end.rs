//! [`Model::finish`] takes the exit code of a hook: the hook's writes are committed or dropped, and
//! a failed hook is scheduled to run again.
//!
//! Source: reference `juju-agent.md` sections 4, 5.3, 7 and 8.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use charmwright_juju::{LogLevel, UnitName};

use super::action_end::ProgramOutput;
use super::action_record::{ActionRecord, ActionStatus};
use super::error::{Error, ErrorKind};
use super::hook::HookKind;
use super::hook_exit::HookExit;
use super::lifecycle::{HookError, Retry};
use super::log::{Stream, complete_lines};
use super::model::Model;
use super::running::Running;

/// The result of a run: what the agent does after the hook's or the action's process has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// The hook exited with 0, and its writes are committed.
    Committed,
    /// The charm has no executable for the hook. The hook counts as done.
    Skipped,
    /// SIGTERM or SIGKILL killed the hook. It runs again at once, and its writes are dropped. Juju
    /// does not take that for an error (Juju 3.6).
    Requeued,
    /// A workload hook failed. Its event is dropped: Juju sets no error status, and does not run
    /// the hook again by itself (Juju 3.6).
    Dropped {
        /// The cause of the failure, such as `exit status 1`.
        cause: String,
    },
    /// A hook failed, its writes are dropped, and the unit is in error.
    Failed {
        /// The cause of the failure, such as `exit status 1`.
        cause: String,
        /// The number of failures in a row, this one included.
        failures: u32,
        /// The delay before the hook runs again; `None` if it runs again only after
        /// `juju resolved`.
        retry_in: Option<Duration>,
    },
    /// An action ended. A failed action does not put the unit in error.
    Action(ActionRecord),
}

/// The report of a run that has ended: the answer of [`Model::finish`].
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    name: String,
    ending: Ending,
    tools: BTreeMap<String, u32>,
    replay_notices: Option<String>,
}

impl Finished {
    /// Returns the full name of the hook, or the name of the action.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the result of the run.
    #[must_use]
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Returns `true` if the writes of the run (state, ports, databags) are committed.
    #[must_use]
    pub fn committed(&self) -> bool {
        match &self.ending {
            Ending::Committed => true,
            Ending::Action(record) => record.is_committed,
            _ => false,
        }
    }

    /// Returns `true` if the hook was killed and runs again at once.
    #[must_use]
    pub fn requeued(&self) -> bool {
        self.ending == Ending::Requeued
    }

    /// Returns the cause of the failure, or `None` if the run has not failed.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.ending {
            Ending::Dropped { cause } | Ending::Failed { cause, .. } => Some(cause),
            Ending::Action(record) if record.is_failed() => Some(record.message()),
            _ => None,
        }
    }

    /// Returns the hook tools that the run has called, with the number of calls of each.
    #[must_use]
    pub fn tools(&self) -> &BTreeMap<String, u32> {
        &self.tools
    }

    /// Returns the container whose notices the caller must read again from the first one, or
    /// `None`.
    ///
    /// It is set when the hook of a notice or of a check has failed. Juju's agent then restarts its
    /// watcher of the container, and Pebble repeats every notice that it still has (Juju 3.6). The
    /// restart takes Juju some seconds. Wait a little too, or a hook that always fails makes a busy
    /// loop.
    #[must_use]
    pub fn replay_notices(&self) -> Option<&str> {
        self.replay_notices.as_deref()
    }
}

/// Returns the delay before a failed hook runs again: 5, 10, 20 … 300 seconds (Juju 3.6).
///
/// Juju varies each delay by ±3 % at random. The model does not, so that a test can tell when the
/// hook runs.
fn retry_delay(backoff_step: u32) -> Duration {
    const FIRST: u64 = 5;
    const LAST: u64 = 300;
    // 16 steps are far beyond the last delay, and keep the shift and the product within 64 bits.
    let seconds = 1_u64.checked_shl(backoff_step.min(16)).unwrap_or(LAST).saturating_mul(FIRST);
    Duration::from_secs(seconds.min(LAST))
}

impl Model {
    /// Ends the running hook or action of a unit with its exit code and its output.
    ///
    /// The lines of the output go to the unit's log, unless [`Model::hook_printed`] has logged them
    /// already. A last line without a newline is lost, as Juju's agent loses it (Juju 3.6,
    /// measured).
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::State`] if no hook or action of the unit is running.
    pub fn finish(
        &mut self,
        unit: &UnitName,
        exit: &HookExit,
        now: Instant,
        stdout: &[u8],
        stderr: &[u8],
    ) -> Result<Finished, Error> {
        let record = self.record_mut(unit)?;
        let Some(mut running) = record.running.take() else {
            let why = format!("cannot finish a hook of {unit}: none is running");
            return Err(Error::new(ErrorKind::State, why));
        };
        let name = running.run.name();
        let (stdout, stderr) = (complete_lines(stdout), complete_lines(stderr));
        if !running.has_streamed_output {
            let logger = running.run.output_logger();
            record.log.push_output(Stream::Stdout, &logger, stdout);
            record.log.push_output(Stream::Stderr, &logger, stderr);
        }
        self.set_now(unit, now);

        let tools = std::mem::take(&mut running.tool_counts);
        let mut replay_notices = None;
        let ending = match running.action.take() {
            Some(action) => {
                let output = ProgramOutput { exit, stdout, stderr };
                let record = self.finish_action(unit, &name, action, running.writes, &output)?;
                Ending::Action(record)
            }
            None => {
                let kind = running.run.kind.clone();
                let ending = self.finish_hook(unit, running, exit, now)?;
                self.detach_unseen(unit);
                // The next poll finds a pebble-ready that failed; only notices must be read again.
                if matches!(ending, Ending::Dropped { .. })
                    && !matches!(kind, HookKind::PebbleReady { .. })
                {
                    replay_notices = kind.container().map(str::to_owned);
                }
                ending
            }
        };
        Ok(Finished { name, ending, tools, replay_notices })
    }

    fn finish_hook(
        &mut self,
        unit: &UnitName,
        running: Running,
        exit: &HookExit,
        now: Instant,
    ) -> Result<Ending, Error> {
        let Running { run, config_at_start, writes, snapshot, .. } = running;
        let kind = run.kind;
        let owned = kind.secret().and_then(|hook| snapshot.owned_secrets?.remove(&hook.id));
        let original_revision = owned.map(|secret| secret.latest);
        let record = self.record_mut(unit)?;
        // A pod ends after its `stop` has run, even if `stop` failed.
        record.lifecycle.is_stopped |= record.lifecycle.is_pod_ending && kind == HookKind::Stop;
        if exit.is_termination() {
            // A leaving unit must come to its end: it runs no killed workload hook again, and a pod
            // does not run its `stop` twice.
            if record.is_leaving() && (kind.container().is_some() || record.lifecycle.is_stopped) {
                record.give_up(&kind);
                return Ok(Ending::Dropped { cause: exit.failure().unwrap_or_default() });
            }
            // A failed hook that was killed while it ran again is still the failed hook, with the
            // number of its failures.
            match &mut record.lifecycle.error {
                Some(error) => error.retry = Retry::Now,
                None => record.lifecycle.queued = Some(kind),
            }
            return Ok(Ending::Requeued);
        }
        let reboot = writes.is_reboot_requested;
        let failure = exit.failure().or_else(|| self.commit(unit, writes).err());
        let record = self.record_mut(unit)?;
        // A commit that is refused is a failure of the hook, as one that exits with another code.
        let Some(cause) = failure else {
            record.lifecycle.error = None;
            record.complete(&kind, config_at_start, Some(now));
            self.complete_secret_hook(unit, &kind, original_revision);
            let record = self.record_mut(unit)?;
            // Juju reboots the machine only after a hook that has succeeded.
            if reboot {
                record.lifecycle.agent_restarted();
                record.secret_hooks.agent_restarted();
                self.forget_relation_reads(unit);
            }
            self.take_done_hook(unit, &kind);
            let is_missing = *exit == HookExit::Missing;
            return Ok(if is_missing { Ending::Skipped } else { Ending::Committed });
        };
        self.hook_failed(unit, kind, cause, now)
    }

    /// Records the failure of a hook, and when it runs again.
    fn hook_failed(
        &mut self,
        unit: &UnitName,
        kind: HookKind,
        cause: String,
        now: Instant,
    ) -> Result<Ending, Error> {
        let (speed, automatic_retry) = (self.settings.speed.max(1), self.settings.automatic_retry);
        let record = self.record_mut(unit)?;
        record.log_agent(LogLevel::Error, format!("hook {:?} failed: {cause}", kind.name()));
        if kind.container().is_some() {
            record.give_up(&kind);
            return Ok(Ending::Dropped { cause });
        }
        // The number of failures goes on only for the same hook, that of another one starts at 1.
        let same = record.lifecycle.error.as_ref().filter(|error| error.kind == kind);
        let (failures, backoff_step) =
            same.map_or((0, 0), |error| (error.failures, error.backoff_step));
        let failures = failures.saturating_add(1);
        let delay = retry_delay(backoff_step) / speed;
        let retry_at = now.checked_add(delay).filter(|_| automatic_retry);
        record.lifecycle.error = Some(HookError {
            kind,
            failures,
            backoff_step: backoff_step.saturating_add(1),
            retry: retry_at.map_or(Retry::Never, Retry::At),
        });
        Ok(Ending::Failed { cause, failures, retry_in: retry_at.map(|_| delay) })
    }

    /// Takes the running hook or action of a unit, if there is one, for one that has failed because
    /// the agent died with it (Juju 3.6). Nothing is committed.
    pub(super) fn interrupt(&mut self, unit: &UnitName) -> Result<(), Error> {
        let record = self.record_mut(unit)?;
        // While a hook runs there is a time, which the caller has passed at its start.
        let (Some(running), Some(now)) = (record.running.take(), record.now()) else {
            return Ok(());
        };
        if let Some(action) = running.action.and_then(|action| record.actions.get_mut(&action.id)) {
            action.status = ActionStatus::Failed;
            action.message = "action terminated".to_owned();
            return Ok(());
        }
        let cause = "the agent died".to_owned();
        self.hook_failed(unit, running.run.kind, cause, now)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_five_minutes() {
        let waits: Vec<u64> = (0..8).map(|step| retry_delay(step).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(retry_delay(u32::MAX).as_secs(), 300);
    }
}
