//! Carrying out the commands, one after another: each returns at once, but those that wait hold up
//! the ones behind them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use charmwright_agent::ActionId;

use super::command_input::InputSource;
use super::expectations::Wait;
use super::session_event::InputLine;
use super::wanted_status::WantedStatus;

/// The lines still to be carried out, and what holds them up.
#[derive(Debug)]
pub struct Script {
    pub(super) source: InputSource,
    pub(super) lines: VecDeque<InputLine>,
    pub(super) wait: Option<Wait>,
    /// Whether the line that is being carried out may fail.
    pub(super) may_fail: bool,
    /// The last action that a line asked for.
    pub(super) last_action: Option<ActionId>,
    pub(super) has_input_ended: bool,
    /// Only the unit's settling is waited for; its status decides about the exit code.
    pub(super) is_until_idle: bool,
}

impl Script {
    pub fn new(source: InputSource, until_idle: Option<Duration>) -> Self {
        let wait = until_idle.map(|limit| Wait::ForStatus {
            status: WantedStatus::Idle,
            limit,
            deadline: deadline_after(limit),
        });
        Self {
            source,
            lines: VecDeque::new(),
            wait,
            may_fail: false,
            last_action: None,
            has_input_ended: until_idle.is_some(),
            is_until_idle: until_idle.is_some(),
        }
    }

    pub fn push(&mut self, line: InputLine) {
        self.lines.push_back(line);
    }

    pub fn end_of_input(&mut self) {
        self.has_input_ended = true;
    }

    /// Forgets what was still to come.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.wait = None;
    }

    /// When it has to be looked at again.
    pub fn deadline(&self) -> Option<Instant> {
        self.wait.as_ref().and_then(Wait::deadline)
    }
}

/// `limit` from now; a limit of years is one of a year.
pub fn deadline_after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now + Duration::from_secs(365 * 24 * 3600))
}
