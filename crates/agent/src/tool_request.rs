//! What a hook tool's process sends to the agent, and what it gets back.
//!
//! Source: reference `juju-agent.md` 1.3 and 9.2.

use std::path::PathBuf;
use std::time::Instant;

/// What a hook tool's process asks.
#[derive(Debug, Clone, Default)]
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
    /// All of standard input, once an answer has said [`ToolAnswer::wants_stdin`].
    pub stdin: Option<Vec<u8>>,
    /// The content of the file that an answer asked for by [`ToolAnswer::wants_file`], or why it
    /// cannot be read: the system's text, such as `no such file or directory`.
    pub file: Option<Result<Vec<u8>, String>>,
    /// The time of the call: a status that it sets is so since then. Without it, since the hook
    /// began.
    pub now: Option<Instant>,
}

/// What the tool's process does: prints both texts and exits with the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ToolAnswer {
    /// 0, 1 for an error while running, 2 for a mistake in the arguments.
    pub code: i32,
    /// For standard output.
    pub stdout: Vec<u8>,
    /// For standard error. An error is one line that begins with `ERROR `; the warning of an old
    /// option may stand before it, with no line end between them.
    pub stderr: Vec<u8>,
    /// Nothing has been done yet: send the same request again with all of standard input.
    pub wants_stdin: bool,
    /// Nothing has been done yet: send the same request again with this file's content.
    pub wants_file: Option<PathBuf>,
    /// `--output`: write this file before answering; [`OutputFile::cannot_write`] is the answer if
    /// that fails.
    pub output_file: Option<OutputFile>,
    /// `juju-reboot --now`: kill the hook's processes, and finish it as killed by signal 9.
    pub kill_hook: bool,
}

/// A file that the agent, not the tool's process, writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Where; created, or cut to nothing first.
    pub path: PathBuf,
    /// What.
    pub content: Vec<u8>,
}

impl OutputFile {
    /// The answer when the file cannot be written; `cause` such as `no such file or directory`.
    pub fn cannot_write(&self, cause: &str) -> ToolAnswer {
        ToolAnswer::failed(1, &format!("open {}: {cause}", self.path.display()))
    }
}

impl ToolAnswer {
    pub(super) fn failed(code: i32, text: &str) -> Self {
        Self { code, stderr: format!("ERROR {text}\n").into_bytes(), ..Self::default() }
    }
}
