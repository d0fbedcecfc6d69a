//! Everything that can happen to a session, as one type in one queue, so that one loop owns the
//! unit and nothing is shared.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::charm_source::PreparedCharm;
use super::hook_process::{HookEnd, PrintedLines};
use super::tool_server::ToolCall;
use crate::error::Result;
use crate::processes::ProcessExit;

/// Something that happened.
#[derive(Debug)]
pub enum SessionEvent {
    /// A hook tool was called.
    ToolCalled(ToolCall),
    /// The running hook wrote lines to one of its streams.
    HookPrinted(PrintedLines),
    /// The running hook ended.
    HookEnded(HookEnd),
    /// A poll of a container's Pebble: what it answered, or `None`. `start` counts the container's
    /// starts, 0 while none runs.
    PebblePolled { container: String, start: u64, info: Option<PebbleInfo> },
    /// Pebble recorded something a hook tells of.
    Notice { container: String, notice: Notice },
    /// A container's Pebble ended; `start` counts the container's starts.
    PebbleEnded { container: String, start: u64, exit: ProcessExit },
    /// A line of the script, the terminal or the pipe.
    InputLine(InputLine),
    /// The script, the terminal or the pipe is at its end.
    InputEnded,
    /// What a command asked of Pebble or of a server was answered: what to print, or why it failed.
    RequestAnswered(Result<String>),
    /// The charm was made anew for `upgrade`, or why it was not.
    CharmPrepared(Result<PreparedCharm>),
    /// Someone asked the session to end.
    StopRequested(StopRequest),
}

/// A command's line, and its place among those that are read ahead.
#[derive(Debug)]
pub struct InputLine {
    pub text: String,
    /// Given back when the line is dropped; a file's lines need none.
    _permit: Option<OwnedSemaphorePermit>,
}

impl InputLine {
    pub fn new(text: String, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { text, _permit: permit }
    }
}

/// What a Pebble says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PebbleInfo {
    /// Differs for each start.
    pub boot_id: String,
    pub version: String,
}

/// How the session is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRequest {
    /// Run stop and remove first.
    Graceful,
    /// Kill everything now.
    Immediate,
}

/// What a notice of Pebble's tells the charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Custom { id: String, key: String },
    CheckFailed { check: String },
    CheckRecovered { check: String },
}

/// A time of so many seconds: `40 s`, `1m05s`, `2h05m`, `3d04h`.
pub fn whole_seconds(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// The time something took, as a person reads it.
pub fn human_duration(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_millis() < 10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        0 => format!("{} ms", time.as_millis()),
        1..=59 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let ages = [0, 59, 60, 3599, 3600, 86_399, 86_400, 90_000_000];
        assert_eq!(
            ages.map(whole_seconds),
            ["0 s", "59 s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "1041d16h"]
        );
    }
}
