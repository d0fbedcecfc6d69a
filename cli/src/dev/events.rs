//! Everything that can happen to a session, as one type in one queue, so that one loop owns the unit and nothing is shared.

use std::time::Duration;

use super::charm_source::PreparedCharm;
use super::hook_process::HookEnd;
use super::tool_server::ToolCall;
use crate::error::Result;
use crate::processes::Ending;

/// Something that happened.
#[derive(Debug)]
pub enum Happening {
    /// A hook tool was called.
    Tool(ToolCall),
    /// The running hook wrote a line to standard error.
    HookWarned(String),
    /// The running hook ended.
    HookEnded(HookEnd),
    /// A poll of a container's Pebble: what it answered, or `None`. `start` counts the container's starts, 0 while none runs.
    PebblePolled {
        container: String,
        start: u64,
        seen: Option<SeenPebble>,
    },
    /// Pebble recorded something a hook tells of.
    Notice { container: String, notice: Notice },
    /// A container's Pebble ended; `start` counts the container's starts.
    PebbleEnded {
        container: String,
        start: u64,
        ending: Ending,
    },
    /// A line of the script, the terminal or the pipe.
    Line(String),
    /// The script, the terminal or the pipe is at its end.
    EndOfInput,
    /// A `fetch` ended: what to print, or why it failed.
    Fetched(Result<String>),
    /// The charm was made anew for `upgrade`, or why it was not.
    Prepared(Result<PreparedCharm>),
    /// Someone asked the session to end.
    Asked(Stop),
}

/// What a Pebble says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPebble {
    /// Differs for each start.
    pub boot_id: String,
    pub version: String,
}

/// How the session is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Run stop and remove first.
    InOrder,
    /// Kill everything now.
    AtOnce,
}

/// What a notice of Pebble's tells the charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Custom { id: String, key: String },
    CheckFailed { check: String },
    CheckRecovered { check: String },
}

/// The time something took, as a person reads it.
pub fn human(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_millis() < 10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        0 => format!("{} ms", time.as_millis()),
        1..=59 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}
