//! The end of a session: stop and remove, then everything that was started.

use std::time::{Duration, Instant};

use charmwright_agent::{Ending as HookEnding, Finished, Resolve};

use super::hooks::RunningHook;
use super::session::Session;
use super::session_event::{SessionEvent, StopRequest};
use crate::bounded_log::last_line;
use crate::processes::{self, ProcessExit};
use crate::sanitize;

/// How long the last hooks may take: a pod is killed after this time too.
const HOOKS_LIMIT: Duration = Duration::from_secs(30);
/// How long containers are waited for; each kills itself after its own 30 s.
const CONTAINERS_LIMIT: Duration = Duration::from_secs(40);

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Alive,
    /// stop and remove are to run, until the deadline.
    Stopping {
        deadline: Instant,
    },
    Over,
}

impl Phase {
    pub fn deadline(self) -> Option<Instant> {
        match self {
            Self::Stopping { deadline } => Some(deadline),
            Self::Alive | Self::Over => None,
        }
    }
}

impl Session {
    /// Begins the end: stop and remove run, then the unit is gone. Asked again, nothing changes.
    pub(super) fn quit(&mut self) {
        if self.phase != Phase::Alive {
            return;
        }
        if self.json {
            self.print_json();
        }
        self.phase = Phase::Stopping { deadline: Instant::now() + HOOKS_LIMIT };
        self.script.clear();
        self.terminal_output.print_line("stopping");
        self.unit.request_stop();
    }

    /// Ends now; what still runs is killed.
    pub(super) fn stop_at_once(&mut self) {
        if self.phase == Phase::Alive && self.json {
            self.print_json();
        }
        self.terminal_output.print_line("stopping at once");
        self.failed = true;
        self.phase = Phase::Over;
        self.kill_hook();
        for container in &mut self.containers {
            container.kill();
        }
    }

    /// Keeps the end from waiting for what will not come: a failed hook is not run again, a hanging
    /// one is killed.
    pub(super) fn enforce_shutdown(&mut self, now: Instant) {
        let Phase::Stopping { deadline } = self.phase else {
            return;
        };
        if self.hook.is_none() && self.unit.report().failed_hook.is_some() {
            // Like `juju resolved --no-retry` on a unit that is being removed. It cannot fail: the
            // unit is in error.
            let _ = self.unit.resolved(Resolve::NoRetry);
        }
        if now >= deadline {
            let name = self.hook.as_ref().map_or_else(String::new, RunningHook::name);
            self.terminal_output.print_line(&format!(
                "cannot wait any longer for {name}: it has not ended {} s after the unit was to \
                 stop",
                HOOKS_LIMIT.as_secs()
            ));
            self.failed = true;
            self.kill_hook();
            self.phase = Phase::Over;
        }
    }

    /// Notes a stop or remove that failed: the charm has a mistake that a script should hear of.
    pub(super) fn note_stop_failure(&mut self, finished: &Finished) {
        if matches!(finished.ending(), HookEnding::Failed { .. })
            && matches!(finished.name(), "stop" | "remove")
        {
            self.failed = true;
        }
    }

    /// Takes the end of a container's Pebble, asked for or not.
    pub(super) fn pebble_ended(&mut self, name: &str, start: u64, exit: ProcessExit) {
        let Some(container) = self.containers.iter_mut().find(|container| container.name == name)
        else {
            return;
        };
        let end = container.note_end(start);
        let how = match exit {
            ProcessExit::Code(code) => format!("with code {code}"),
            ProcessExit::Signal(signal) => format!("by signal {signal}"),
        };
        let last_log_line = last_line(container.log());
        let again = match (end.start_again, &self.pebble) {
            (true, Some(pebble)) => container.start(pebble),
            _ => Ok(()),
        };
        // A refresh may have taken the container away.
        let _ = self.unit.pebble_poll_due(name);
        self.lasting_error.clear();
        if end.was_requested {
            self.terminal_output.print_line(&format!("Pebble in {name} has ended"));
        } else {
            self.terminal_output.print_line(&format!(
                "Pebble in {name} ended {how}; `pebble start` starts it again"
            ));
            self.terminal_output.print_detail(&last_log_line);
        }
        if let Err(error) = again {
            self.refuse(&error.chain());
        }
    }

    /// Ends everything that still runs, and says nothing of what ends as it should.
    pub(super) async fn tear_down(&mut self) {
        // First of all: a graceful stop of Pebble waits for open requests.
        self.watchers = None;
        // The sockets of the hook's tools go with it.
        self.hook = None;
        for container in &mut self.containers {
            container.stop();
        }
        let deadline = tokio::time::Instant::now() + CONTAINERS_LIMIT;
        while self.containers.iter().any(super::container::Container::is_running) {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(SessionEvent::PebbleEnded { container, start, .. })) => {
                    if let Some(container) =
                        self.containers.iter_mut().find(|known| known.name == container)
                    {
                        container.note_end(start);
                    }
                }
                Ok(Some(SessionEvent::StopRequested(StopRequest::Immediate))) => {
                    for container in &mut self.containers {
                        container.kill();
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        // Children of hooks that have ended long ago, and whatever else is left.
        processes::kill_descendants(|| {});
    }

    /// The status as one JSON document on standard output.
    fn print_json(&mut self) {
        use std::io::Write;
        let text =
            sanitize::json(&serde_json::to_string_pretty(&self.unit.report()).unwrap_or_default());
        let mut out = std::io::stdout();
        // A reader that has left does not want it.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}
