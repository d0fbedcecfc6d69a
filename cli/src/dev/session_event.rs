//! Everything that can happen to a session, as one type in one queue, so that one loop owns the
//! unit and nothing is shared.

use charmwright_agent::{Stream, ToolRequest};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::charm_source::PreparedCharm;
use crate::error::Result;
use crate::processes::ProcessExit;
use crate::wire::Reply;

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

/// One call of a hook tool, and where its answer goes.
#[derive(Debug)]
pub struct ToolCall {
    pub request: ToolRequest,
    pub reply: oneshot::Sender<Reply>,
}

/// How a hook ended, and what it wrote.
#[derive(Debug)]
pub struct HookEnd {
    pub outcome: HookOutcome,
    /// The first megabyte of each stream.
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The last lines of both streams, standard output's first.
    pub last_lines: Vec<String>,
    /// How many bytes of whole lines were too many for the log.
    pub unlogged: u64,
}

impl HookEnd {
    /// The end of a hook that never ran.
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

/// How a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOutcome {
    Ended(ProcessExit),
    /// The charm has no program for it.
    Missing,
    /// Its program could not be started: why.
    NotStarted(String),
}

/// Lines that a running hook has just written to one of its streams.
#[derive(Debug)]
pub struct PrintedLines {
    pub stream: Stream,
    pub lines: Vec<String>,
}
