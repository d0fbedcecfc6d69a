//! How a hook's end is taken: committed, failed and run again later, queued again, or dropped.
//!
//! Source: reference `juju-agent.md` sections 4, 5.3, 7 and 8.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use charmwright_juju::LogLevel;

use super::actions::ActionRecord;
use super::error::{Error, ErrorKind};
use super::hook::HookKind;
use super::hook_run::Running;
use super::log::{Stream, whole_lines};
use super::unit::{HookError, Retry, Unit};

/// How the charm's program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookExit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
    /// The charm has neither `dispatch` nor a file for this hook or action.
    Missing,
    /// It could not be started; the text is the cause, such as `permission denied`.
    NotStarted(String),
}

impl HookExit {
    /// What Go calls this end; `None` for a success.
    fn failure(&self) -> Option<String> {
        match self {
            Self::Code(0) | Self::Missing => None,
            Self::Code(code) => Some(format!("exit status {code}")),
            Self::Signal(signal) => Some(go_signal(*signal)),
            Self::NotStarted(why) => Some(why.clone()),
        }
    }

    fn is_termination(&self) -> bool {
        matches!(self, Self::Signal(9 | 15))
    }
}

/// The text that Go's `os/exec` gives for a process that a signal has ended.
pub(super) fn go_signal(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        other => return format!("signal: signal {other}"),
    };
    format!("signal: {name}")
}

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
            Ending::Action(record) => record.committed,
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
fn wait(step: u32) -> Duration {
    const FIRST: u64 = 5;
    const LAST: u64 = 300;
    let seconds = 1_u64.checked_shl(step.min(16)).unwrap_or(LAST).saturating_mul(FIRST);
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
        self.note_time(now);
        let name = running.run.name();
        let (stdout, stderr) = (whole_lines(stdout), whole_lines(stderr));
        if !running.printed {
            let logger = running.run.output_logger();
            self.log.push_output(Stream::Stdout, &logger, stdout);
            self.log.push_output(Stream::Stderr, &logger, stderr);
        }

        let tools = std::mem::take(&mut running.tools);
        let mut replay_notices = None;
        let ending = if running.run.kind.is_action() {
            Ending::Action(self.finish_action(running, exit, stdout, stderr))
        } else {
            let kind = running.run.kind.clone();
            let ending = self.finish_hook(running, exit, now);
            if matches!(ending, Ending::Dropped { .. })
                && !matches!(kind, HookKind::PebbleReady { .. })
            {
                replay_notices = kind.container().map(str::to_owned);
            }
            ending
        };
        Ok(Finished { name, ending, tools, replay_notices })
    }

    fn finish_hook(&mut self, mut running: Running, exit: &HookExit, now: Instant) -> Ending {
        let kind = running.run.kind.clone();
        // A pod ends whatever becomes of its stop hook.
        self.life.stopped |= self.life.pod_ending && kind == HookKind::Stop;
        if exit.is_termination() {
            if self.is_leaving() && (kind.container().is_some() || self.life.stopped) {
                self.give_up(&kind);
                return Ending::Dropped { cause: exit.failure().unwrap_or_default() };
            }
            // A failed hook that runs again stays the failed hook.
            match &mut self.error {
                Some(error) => error.retry = Retry::Now,
                None => self.requeued = Some(kind),
            }
            return Ending::Requeued;
        }
        let failure = exit.failure().or_else(|| self.commit(&mut running).err());
        let Some(cause) = failure else {
            self.error = None;
            self.complete(&kind, running.config_at_start, Some(now));
            if running.reboot {
                self.agent_restarted();
            }
            return if *exit == HookExit::Missing { Ending::Skipped } else { Ending::Committed };
        };
        self.log_agent(LogLevel::Error, format!("hook {:?} failed: {cause}", kind.name()));
        if kind.container().is_some() {
            self.give_up(&kind);
            return Ending::Dropped { cause };
        }
        let same = self.error.as_ref().filter(|error| error.kind == kind);
        let (failures, step) = same.map_or((0, 0), |error| (error.failures, error.step));
        let failures = failures.saturating_add(1);
        let wait = wait(step) / self.settings.retry_divisor.max(1);
        let retry_at = now.checked_add(wait).filter(|_| self.settings.automatic_retry);
        self.error = Some(HookError {
            kind,
            failures,
            step: step.saturating_add(1),
            retry: retry_at.map_or(Retry::Never, Retry::At),
        });
        Ending::Failed { cause, failures, retry_in: retry_at.map(|_| wait) }
    }

    /// Makes what the hook asked for the unit's own, all or nothing.
    pub(super) fn commit(&mut self, running: &mut Running) -> Result<(), String> {
        /// `max-charm-state-size`.
        const STATE_LIMIT: usize = 2 * 1024 * 1024;
        if !running.state.is_empty() {
            let kept = self.state.iter().filter(|(key, _)| !running.state.contains_key(*key));
            let set = running
                .state
                .iter()
                .filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
            let size: usize = kept.chain(set).map(|(key, value)| key.len() + value.len()).sum();
            if size > STATE_LIMIT {
                return Err(format!(
                    "charm state is {size} bytes, max allowed size is {STATE_LIMIT}: quota limit \
                     exceeded"
                ));
            }
        }
        for (key, value) in std::mem::take(&mut running.state) {
            match value {
                Some(value) => {
                    self.state.insert(key, value);
                }
                None => {
                    self.state.remove(&key);
                }
            }
        }
        self.ports = running.ports.applied_to(&self.ports);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let waits: Vec<u64> = (0..8).map(|step| wait(step).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(wait(u32::MAX).as_secs(), 300);
    }
}
