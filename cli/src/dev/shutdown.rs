//! The end of a session: stop and remove, then everything that was started.

use std::time::{Duration, Instant};

use charmwright_agent::Resolve;

use super::command_input::InputSource;
use super::container::Container;
use super::phase::Phase;
use super::running_hook::RunningHook;
use super::session::Session;
use super::session_event::{SessionEvent, StopRequest};
use crate::processes;
use crate::sanitize;

/// How long the last hooks may take: a pod is killed after this time too.
const HOOKS_LIMIT: Duration = Duration::from_secs(30);
/// How long containers are waited for; each kills itself after its own 30 s.
const CONTAINERS_LIMIT: Duration = Duration::from_secs(40);

impl Session {
    /// Begins the end: stop and remove run, then the unit is gone. Asked again, nothing changes.
    pub(super) fn quit(&mut self) {
        if self.phase != Phase::Alive {
            return;
        }
        if self.is_json {
            self.print_json();
        }
        self.phase = Phase::Stopping { deadline: Instant::now() + HOOKS_LIMIT };
        self.script.clear();
        self.terminal_output.print_line("stopping");
        self.unit.request_stop();
    }

    /// Ends now; what still runs is killed.
    pub(super) fn stop_at_once(&mut self) {
        if self.phase == Phase::Alive && self.is_json {
            self.print_json();
        }
        self.terminal_output.print_line("stopping at once");
        self.has_failed = true;
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
            self.has_failed = true;
            self.kill_hook();
            self.phase = Phase::Over;
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
        while self.containers.iter().any(Container::is_running) {
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

    /// Takes the failure of a line: told to a person, let go where the line may fail, else the end
    /// of the run with exit code 1.
    pub(super) fn fail_command(&mut self, why: &str) {
        self.script.wait = None;
        if std::mem::take(&mut self.script.may_fail) {
            return self.terminal_output.print_line(&format!("{why}; `try` lets it go"));
        }
        self.terminal_output.print_line(why);
        if self.script.source == InputSource::Terminal {
            return;
        }
        self.print_table();
        self.has_failed = true;
        self.quit();
    }
}
