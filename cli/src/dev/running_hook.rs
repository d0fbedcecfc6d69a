//! The running hook: its process, the server of its hook tools, and what was printed about it.

use std::time::{Duration, Instant};

use charmwright_agent::HookRun;
use rustix::process::Pid;

use super::duration_text::whole_seconds;
use super::hook_process::LOGGED_BYTES_LIMIT;
use super::retries::RetryCount;
use super::session_event::HookEnd;
use super::tool_server::ToolServer;

/// The running times, in seconds, after which the session says that a hook is still running. After
/// the last one it says so every minute.
pub(super) const PROGRESS_SECONDS: [u64; 3] = [10, 30, 60];

/// The hook that is running.
#[derive(Debug)]
pub struct RunningHook {
    /// The run as the model describes it.
    pub(super) run: HookRun,
    /// The time at which the hook was started.
    pub(super) began: Instant,
    /// The running time in seconds at which the session says next that the hook is still running.
    pub(super) next_progress_seconds: u64,
    /// The number of lines that the hook has written to standard error.
    pub(super) stderr_lines: usize,
    /// The hook's process, if it could be started.
    pub(super) process: Option<Pid>,
    /// The server of the hook's tools. It is dropped with the hook, which removes the socket.
    pub(super) _tool_server: Option<ToolServer>,
    /// The retries that the charm's calls needed.
    pub(super) retries: RetryCount,
    /// `true` if the hook's name stands above the lines that are printed while it runs.
    pub(super) is_name_printed: bool,
    /// `true` if a message of the charm was printed.
    pub(super) has_printed_message: bool,
    /// The status and message that the operator has seen last.
    pub(super) last_status: (String, String),
    /// The number of deferred events when the hook began.
    pub(super) deferred_before: usize,
}

impl RunningHook {
    /// Returns the id of the hook's process, while it runs.
    pub fn pid(&self) -> Option<Pid> {
        self.process
    }

    /// Returns the name of the hook or action.
    pub fn name(&self) -> String {
        self.run.name()
    }

    /// Returns the time at which the session says next that the hook is still running.
    pub fn next_progress_line(&self) -> Instant {
        self.began + Duration::from_secs(self.next_progress_seconds)
    }

    /// Returns the remark about output that was too much for the log.
    pub(super) fn unlogged(&self, end: &HookEnd) -> Option<String> {
        (end.unlogged > 0).then(|| {
            format!(
                "it printed {} byte(s) more than the log takes of one hook ({LOGGED_BYTES_LIMIT} \
                 of each stream)",
                end.unlogged
            )
        })
    }

    /// Returns the name of the hook and the time for which it has been running.
    pub fn describe(&self, now: Instant) -> String {
        let action = if self.run.kind().is_action() { "action " } else { "" };
        let running = now.saturating_duration_since(self.began);
        format!("{action}{}, {}", self.run.name(), whole_seconds(running.as_secs()))
    }
}
