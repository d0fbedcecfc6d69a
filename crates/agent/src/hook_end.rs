//! How a hook's end is taken: committed, failed and run again later, queued again, or dropped.
//!
//! Source: reference `juju-agent.md` sections 4, 5.3, 7 and 8.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use charmwright_juju::LogLevel;

use super::action_end;
use super::action_record::ActionRecord;
use super::error::{Error, ErrorKind};
use super::hook::HookKind;
use super::hook_exit::HookExit;
use super::lifecycle::{HookError, Retry};
use super::log::{Stream, complete_lines};
use super::running::Running;
use super::unit::Unit;

/// What became of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// Exit 0, and what it asked for is now so.
    Committed,
    /// The charm has no such hook: it counts as done.
    Skipped,
    /// Killed by SIGTERM or SIGKILL: it runs again at once, and what it asked for is dropped.
    Requeued,
    /// A workload hook failed: Juju shows nothing of it and does not run it again by itself.
    Dropped {
        /// Such as `exit status 1`.
        cause: String,
    },
    /// A hook failed: the unit is in error.
    Failed {
        /// Such as `exit status 1`.
        cause: String,
        /// How often it has failed in a row.
        failures: u32,
        /// The wait before it runs again; `None` where only `resolved` brings it back.
        retry_in: Option<Duration>,
    },
    /// An action ended; it may have failed, which is no error of the unit.
    Action(ActionRecord),
}

/// The account of a run that [`Unit::finish`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    name: String,
    ending: Ending,
    tools: BTreeMap<String, u32>,
    replay_notices: Option<String>,
}

impl Finished {
    /// The hook's full name, or the action's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What became of it.
    #[must_use]
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Whether what the hook asked for (state, ports) is now the unit's.
    #[must_use]
    pub fn committed(&self) -> bool {
        match &self.ending {
            Ending::Committed => true,
            Ending::Action(record) => record.is_committed,
            _ => false,
        }
    }

    /// Whether it runs again at once because it was killed.
    #[must_use]
    pub fn requeued(&self) -> bool {
        self.ending == Ending::Requeued
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.ending {
            Ending::Dropped { cause } | Ending::Failed { cause, .. } => Some(cause),
            Ending::Action(record) if record.is_failed() => Some(record.message()),
            _ => None,
        }
    }

    /// The hook tools that it called and how often each.
    #[must_use]
    pub fn tools(&self) -> &BTreeMap<String, u32> {
        &self.tools
    }

    /// A notice's or check's hook failed: the caller reads this container's notices from the first
    /// one again, as Juju's agent does when its watcher ends. It takes seconds for that, so wait a
    /// little, or a charm that always fails makes a busy loop.
    #[must_use]
    pub fn replay_notices(&self) -> Option<&str> {
        self.replay_notices.as_deref()
    }
}

/// 5, 10, 20 … 300 s.
fn retry_delay(backoff_step: u32) -> Duration {
    const FIRST: u64 = 5;
    const LAST: u64 = 300;
    let seconds = 1_u64.checked_shl(backoff_step.min(16)).unwrap_or(LAST).saturating_mul(FIRST);
    Duration::from_secs(seconds.min(LAST))
}

impl Unit {
    /// Takes the end of the running hook or action, with what it printed. A last line that has no
    /// end is lost, as Juju's agent loses it. The lines go to the log, except where
    /// [`Unit::hook_printed`] has taken them already.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if nothing is running.
    pub fn finish(
        &mut self,
        exit: &HookExit,
        now: Instant,
        stdout: &[u8],
        stderr: &[u8],
    ) -> Result<Finished, Error> {
        let Some(mut running) = self.running.take() else {
            return Err(Error::new(ErrorKind::State, "cannot finish a hook: none is running"));
        };
        self.controller.set_now(now);
        let name = running.run.name();
        let (stdout, stderr) = (complete_lines(stdout), complete_lines(stderr));
        if !running.has_streamed_output {
            let logger = running.run.output_logger();
            self.controller.log.push_output(Stream::Stdout, &logger, stdout);
            self.controller.log.push_output(Stream::Stderr, &logger, stderr);
        }

        let tools = std::mem::take(&mut running.tool_counts);
        let mut replay_notices = None;
        let ending = match running.action.take() {
            Some(action) => Ending::Action(action_end::finish(
                &mut self.controller,
                &name,
                action,
                running.writes,
                exit,
                stdout,
                stderr,
            )),
            None => {
                let kind = running.run.kind.clone();
                let ending = self.finish_hook(running, exit, now);
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

    fn finish_hook(&mut self, running: Running, exit: &HookExit, now: Instant) -> Ending {
        let Running { run, config_at_start, writes, .. } = running;
        let kind = run.kind;
        let (controller, lifecycle) = (&mut self.controller, &mut self.lifecycle);
        // A pod ends whatever becomes of its stop hook.
        lifecycle.is_stopped |= lifecycle.is_pod_ending && kind == HookKind::Stop;
        if exit.is_termination() {
            if lifecycle.is_leaving(controller)
                && (kind.container().is_some() || lifecycle.is_stopped)
            {
                lifecycle.give_up(controller, &kind);
                return Ending::Dropped { cause: exit.failure().unwrap_or_default() };
            }
            // A failed hook that runs again stays the failed hook.
            match &mut lifecycle.error {
                Some(error) => error.retry = Retry::Now,
                None => lifecycle.requeued = Some(kind),
            }
            return Ending::Requeued;
        }
        let reboot = writes.is_reboot_requested;
        let failure = exit.failure().or_else(|| controller.commit(writes).err());
        let Some(cause) = failure else {
            lifecycle.error = None;
            lifecycle.complete(controller, &kind, config_at_start, Some(now));
            if reboot {
                lifecycle.agent_restarted();
            }
            return if *exit == HookExit::Missing { Ending::Skipped } else { Ending::Committed };
        };
        controller.log_agent(LogLevel::Error, format!("hook {:?} failed: {cause}", kind.name()));
        if kind.container().is_some() {
            lifecycle.give_up(controller, &kind);
            return Ending::Dropped { cause };
        }
        let same = lifecycle.error.as_ref().filter(|error| error.kind == kind);
        let (failures, backoff_step) =
            same.map_or((0, 0), |error| (error.failures, error.backoff_step));
        let failures = failures.saturating_add(1);
        let settings = &controller.settings;
        let delay = retry_delay(backoff_step) / settings.speed.max(1);
        let retry_at = now.checked_add(delay).filter(|_| settings.automatic_retry);
        lifecycle.error = Some(HookError {
            kind,
            failures,
            backoff_step: backoff_step.saturating_add(1),
            retry: retry_at.map_or(Retry::Never, Retry::At),
        });
        Ending::Failed { cause, failures, retry_in: retry_at.map(|_| delay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let waits: Vec<u64> = (0..8).map(|step| retry_delay(step).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(retry_delay(u32::MAX).as_secs(), 300);
    }
}
