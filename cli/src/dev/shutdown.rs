//! The end of a session: runs stop and remove, then ends every process that was started. The
//! failure of a command is handled here too, since it may end the session.

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

/// The time for the last hooks: Kubernetes kills a pod after 30 s too.
const HOOKS_LIMIT: Duration = Duration::from_secs(30);
/// The time for the containers. Each kills its processes after its own 30 s, so this limit is
/// longer.
const CONTAINERS_LIMIT: Duration = Duration::from_secs(40);

impl Session {
    /// Begins the end: stop and remove run, then the unit is gone. A second call changes nothing.
    pub(super) fn quit(&mut self) {
        if self.phase != Phase::Alive {
            return;
        }
        if self.is_json {
            self.print_json();
        }
        self.phase = Phase::Stopping { deadline: Instant::now() + HOOKS_LIMIT };
        // The lines behind `quit` must not run on a unit that is being removed.
        self.script.clear();
        self.terminal_output.print_line("stopping");
        // A subordinate's unit goes with its application only, if its principal is to stay.
        if self.model.remove_unit(&self.unit).is_err() {
            let _ = self.model.remove_application(self.unit.application().as_str());
        }
    }

    /// Ends the session now, and kills every process that still runs.
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

    /// Keeps the end from taking for ever: a failed hook does not run again, and a hook that hangs
    /// is killed at the deadline.
    pub(super) fn enforce_shutdown(&mut self, now: Instant) {
        let Phase::Stopping { deadline } = self.phase else {
            return;
        };
        if self.hook.is_none() && self.report().failed_hook.is_some() {
            // As `juju resolved --no-retry` does for a unit that is being removed. It cannot fail,
            // because the unit is in error.
            let _ = self.model.resolved(&self.unit, Resolve::NoRetry);
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

    /// Ends every process that still runs, without a line for each.
    pub(super) async fn tear_down(&mut self) {
        // The watchers come first: Pebble waits for open requests before it stops.
        self.watchers = None;
        // This drops the server of the hook's tools and its socket too.
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
        // Children of earlier hooks, and whatever else is left.
        processes::kill_descendants(|| {});
    }

    /// Prints the status as one JSON document on standard output.
    fn print_json(&mut self) {
        use std::io::Write;
        let text =
            sanitize::json(&serde_json::to_string_pretty(&self.report()).unwrap_or_default());
        let mut out = std::io::stdout();
        // A reader that has closed the pipe does not want the document.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// Handles the failure of a line. On a terminal it is only printed. A line that may fail lets
    /// the script go on. Any other failure ends the run with exit code 1.
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
