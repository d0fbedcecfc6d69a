//! The commands that are still to run, and the condition that the next one waits for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use charmwright_agent::ActionId;

use super::command_input::InputSource;
use super::expectations::Wait;
use super::session_event::InputLine;
use super::wanted_status::WantedStatus;

/// The lines that are still to run.
#[derive(Debug)]
pub struct Script {
    /// The source of the lines.
    pub(super) source: InputSource,
    /// The lines that are still to run, in their order.
    pub(super) lines: VecDeque<InputLine>,
    /// The condition that the next line waits for.
    pub(super) wait: Option<Wait>,
    /// `true` while a line runs that may fail.
    pub(super) may_fail: bool,
    /// The last action that a line started.
    pub(super) last_action: Option<ActionId>,
    /// `true` once no further line can come.
    pub(super) has_input_ended: bool,
    /// `true` for `--until-idle`: the run ends when the unit is settled, and its status decides the
    /// exit code.
    pub(super) is_until_idle: bool,
}

impl Script {
    /// Makes an empty script. With `until_idle` it waits until the unit is settled, for at most
    /// that time.
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

    /// Adds a line at the end.
    pub fn push(&mut self, line: InputLine) {
        self.lines.push_back(line);
    }

    /// Records that no further line comes, so that the run ends after the last one.
    pub fn end_of_input(&mut self) {
        self.has_input_ended = true;
    }

    /// Drops the lines that are still to run.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.wait = None;
    }

    /// Returns the time at which the condition must be checked again.
    pub fn deadline(&self) -> Option<Instant> {
        self.wait.as_ref().and_then(Wait::deadline)
    }
}

/// Returns the time `limit` from now. A limit that is too large for the clock becomes one year.
pub fn deadline_after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now + Duration::from_secs(365 * 24 * 3600))
}
