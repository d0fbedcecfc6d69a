//! The messages between a hook tool's process and the agent.
//!
//! Source: reference `juju-agent.md` 1.3 and 9.2.

use std::path::PathBuf;
use std::time::Instant;

/// A request of a hook tool's process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolRequest {
    /// `JUJU_CONTEXT_ID` of the caller.
    pub context_id: String,
    /// `JUJU_AGENT_TOKEN` of the caller, else empty: Juju before 4.0 refuses one that it has not
    /// given, and it gives none to a charm that runs beside its agent.
    pub token: String,
    /// The caller's working directory, absolute: relative paths in arguments start there.
    pub dir: PathBuf,
    /// The tool's name: the last part of `argv[0]`.
    pub name: String,
    /// The arguments after the name.
    pub args: Vec<String>,
    /// All of standard input, once [`ToolStep::NeedsInput`] has asked for it.
    pub stdin: Option<Vec<u8>>,
    /// The content of the file that [`ToolStep::NeedsFile`] has asked for, or why it cannot be
    /// read: the system's text, such as `no such file or directory`.
    pub file: Option<Result<Vec<u8>, String>>,
    /// The time of the call: a status that it sets is so since then. Without it, since the hook
    /// began.
    pub now: Option<Instant>,
}

/// The step that the agent has come to with a call: its answer, or what the caller does first.
///
/// The steps are all that there are, so that a caller which takes each cannot forget one. No step
/// is asked for again once the request has what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ToolStep {
    /// Nothing has been done yet: the caller sends the same request again with all of standard
    /// input.
    NeedsInput,
    /// Nothing has been done yet: the caller sends the same request again with the content of this
    /// file.
    NeedsFile(PathBuf),
    /// `--output`: the caller writes this file, and [`OutputFile::written`] then gives the answer.
    WriteFile(OutputFile),
    /// `juju-reboot --now`: the caller gives the answer, kills the hook's processes, and finishes
    /// the hook as killed by signal 9.
    KillHook(ToolAnswer),
    /// The call has its answer.
    Done(ToolAnswer),
}

impl ToolStep {
    pub(super) fn failed(code: u8, text: &str) -> Self {
        Self::Done(ToolAnswer::failed(code, text))
    }
}

/// What the tool's process does: prints both texts and exits with the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ToolAnswer {
    /// 0, 1 for an error while running, 2 for a mistake in the arguments.
    pub code: u8,
    /// For standard output.
    pub stdout: Vec<u8>,
    /// For standard error. An error is one line that begins with `ERROR `; the warning of an old
    /// option may stand before it, with no line end between them.
    pub stderr: Vec<u8>,
}

impl ToolAnswer {
    pub(super) fn failed(code: u8, text: &str) -> Self {
        Self { code, stdout: Vec::new(), stderr: format!("ERROR {text}\n").into_bytes() }
    }
}

/// A file that the agent, not the tool's process, writes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct OutputFile {
    /// The path; the file is created, or cut to nothing first.
    pub path: PathBuf,
    /// All that the file then holds.
    pub content: Vec<u8>,
    /// The answer once it is written.
    pub(super) answer: ToolAnswer,
}

impl OutputFile {
    /// Gives the answer once the file is written, or could not be: the error is the system's text,
    /// such as `no such file or directory`.
    pub fn written(self, outcome: Result<(), String>) -> ToolAnswer {
        match outcome {
            Ok(()) => self.answer,
            Err(cause) => ToolAnswer::failed(1, &format!("open {}: {cause}", self.path.display())),
        }
    }
}
