//! The hook that runs now: its process, its hook tools, and what was printed of it.

use std::time::{Duration, Instant};

use charmwright_agent::HookRun;
use rustix::process::Pid;

use super::duration_text::whole_seconds;
use super::hook_process::LOGGED_BYTES_LIMIT;
use super::retries::RetryCount;
use super::session_event::HookEnd;
use super::tool_server::ToolServer;

/// When it is said again that a hook still runs: after these seconds, and then every minute.
pub(super) const PROGRESS_SECONDS: [u64; 3] = [10, 30, 60];

/// The hook that runs now.
#[derive(Debug)]
pub struct RunningHook {
    pub(super) run: HookRun,
    pub(super) began: Instant,
    /// After how many seconds it is said next that it still runs.
    pub(super) next_progress_seconds: u64,
    /// How many lines of standard error it has written.
    pub(super) stderr_lines: usize,
    pub(super) process: Option<Pid>,
    /// Serves the hook's tools as long as the hook runs.
    pub(super) _tool_server: Option<ToolServer>,
    /// The retries that the charm's calls needed.
    pub(super) retries: RetryCount,
    /// Whether the hook's name was printed for what stands below it.
    pub(super) is_name_printed: bool,
    /// Whether anything that the charm said was printed.
    pub(super) has_printed_message: bool,
    pub(super) last_status: (String, String),
    pub(super) deferred_before: usize,
}

impl RunningHook {
    /// The hook's process, as long as it runs.
    pub fn pid(&self) -> Option<Pid> {
        self.process
    }

    pub fn name(&self) -> String {
        self.run.name()
    }

    /// When it is to be said that it still runs.
    pub fn next_progress_line(&self) -> Instant {
        self.began + Duration::from_secs(self.next_progress_seconds)
    }

    /// What is to be said of output that is too much even for the log.
    pub(super) fn unlogged(&self, end: &HookEnd) -> Option<String> {
        (end.unlogged > 0).then(|| {
            format!(
                "it printed {} byte(s) more than the log takes of one hook ({LOGGED_BYTES_LIMIT} of \
                 each stream)",
                end.unlogged
            )
        })
    }

    /// Which hook it is, and for how long it has been running.
    pub fn describe(&self, now: Instant) -> String {
        let action = if self.run.kind().is_action() { "action " } else { "" };
        let running = now.saturating_duration_since(self.began);
        format!("{action}{}, {}", self.run.name(), whole_seconds(running.as_secs()))
    }
}
