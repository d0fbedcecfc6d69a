//! The events of a session. They are one type in one queue, so that one loop owns the unit and no
//! lock is needed.

use charmwright_agent::{Stream, ToolRequest};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::charm_source::PreparedCharm;
use crate::error::Result;
use crate::processes::ProcessExit;
use crate::wire::Reply;

/// An event that the session handles.
#[derive(Debug)]
pub enum SessionEvent {
    /// A hook tool was called.
    ToolCalled(ToolCall),
    /// The running hook wrote lines to one of its streams.
    HookPrinted(PrintedLines),
    /// The running hook ended.
    HookEnded(HookEnd),
    /// A container's Pebble was polled. `info` is its answer, or `None` if it gave none. `start` is
    /// the number of the container's start, or 0 while none runs.
    PebblePolled { container: String, start: u64, info: Option<PebbleInfo> },
    /// Pebble recorded a notice that causes a hook.
    Notice { container: String, notice: Notice },
    /// A container's Pebble ended. `start` is the number of the start that ended.
    PebbleEnded { container: String, start: u64, exit: ProcessExit },
    /// A line was read from the script, the terminal or the pipe.
    InputLine(InputLine),
    /// The script, the terminal or the pipe is at its end.
    InputEnded,
    /// Pebble or a server answered the request of a command. The result is the text to print, or
    /// the reason of the failure.
    RequestAnswered(Result<String>),
    /// The charm was copied or built again for `upgrade`, or that failed.
    CharmPrepared(Result<PreparedCharm>),
    /// A signal asked the session to end.
    StopRequested(StopRequest),
}

/// A line of input, with its permit to be read ahead.
#[derive(Debug)]
pub struct InputLine {
    pub text: String,
    /// The permit is returned when the line is dropped. The lines of a file need none, since the
    /// length of a file is limited.
    _permit: Option<OwnedSemaphorePermit>,
}

impl InputLine {
    /// Makes a line. `permit` limits how many lines are read ahead.
    pub fn new(text: String, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { text, _permit: permit }
    }
}

/// The answer of Pebble to a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PebbleInfo {
    /// The boot id, made unique for each start.
    pub boot_id: String,
    /// The daemon's version, such as `v1.32.1`.
    pub version: String,
}

/// The way in which the session is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRequest {
    /// stop and remove run first.
    Graceful,
    /// Everything is killed now.
    Immediate,
}

/// A notice of Pebble that causes a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Custom { id: String, key: String },
    CheckFailed { check: String },
    CheckRecovered { check: String },
}

/// A call of a hook tool, and the channel for its reply.
#[derive(Debug)]
pub struct ToolCall {
    pub request: ToolRequest,
    pub reply: oneshot::Sender<Reply>,
}

/// The end of a hook, and its output.
#[derive(Debug)]
pub struct HookEnd {
    pub outcome: HookOutcome,
    /// The first 1 MiB of standard output.
    pub stdout: Vec<u8>,
    /// The first 1 MiB of standard error.
    pub stderr: Vec<u8>,
    /// The last lines of both streams, those of standard output first.
    pub last_lines: Vec<String>,
    /// The number of bytes of complete lines that were too many for the log.
    pub unlogged: u64,
}

impl HookEnd {
    /// Returns the end of a hook for which no process was started.
    pub fn without_process(outcome: HookOutcome) -> Self {
        Self {
            outcome,
            stdout: Vec::new(),
            stderr: Vec::new(),
            last_lines: Vec::new(),
            unlogged: 0,
        }
    }
}

/// The way a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOutcome {
    /// The program ran and ended.
    Ended(ProcessExit),
    /// The charm has no program for the hook.
    Missing,
    /// The program could not be started. The text is the reason.
    NotStarted(String),
}

/// Lines that a running hook has just written to one of its streams.
#[derive(Debug)]
pub struct PrintedLines {
    pub stream: Stream,
    pub lines: Vec<String>,
}
