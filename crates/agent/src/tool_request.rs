//! [`ToolRequest`] and [`ToolStep`] are the messages between a hook tool's process and the agent.
//!
//! Source: reference `juju-agent.md` 1.3 and 9.2.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

/// A request of a hook tool's process to the agent.
///
/// `Debug` leaves out what may hold the content of a secret: the arguments of `secret-add` and
/// `secret-set`, the standard input and the files.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ToolRequest {
    /// The caller's `JUJU_CONTEXT_ID`.
    pub context_id: String,
    /// The caller's `JUJU_AGENT_TOKEN`, or the empty string. The agent gives no token to a charm
    /// that runs beside it, and Juju before 4.0 refuses any other token.
    pub token: String,
    /// The caller's working directory, an absolute path. Relative paths in arguments start there.
    pub dir: PathBuf,
    /// The tool's name, which is the last part of `argv[0]`.
    pub name: String,
    /// The arguments after the name.
    pub args: Vec<String>,
    /// The whole standard input, after [`ToolStep::NeedsInput`] has asked for it.
    pub stdin: Option<Vec<u8>>,
    /// The contents of the files that [`ToolStep::NeedsFile`] has asked for, by path. An error is
    /// the operating system's text, such as `no such file or directory`.
    pub files: BTreeMap<PathBuf, Result<Vec<u8>, String>>,
    /// The time of the call, from which a status that it sets counts. Without it the status counts
    /// from the last time that the model knows, such as the start of the hook.
    pub now: Option<Instant>,
}

impl fmt::Debug for ToolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_content = matches!(self.name.as_str(), "secret-add" | "secret-set");
        let args = if has_content { &[] } else { self.args.as_slice() };
        let sizes = |file: &Result<Vec<u8>, String>| file.as_ref().map(Vec::len).ok();
        let files = self.files.iter().map(|(path, file)| (path, sizes(file)));
        f.debug_struct("ToolRequest")
            .field("context_id", &self.context_id)
            .field("dir", &self.dir)
            .field("name", &self.name)
            .field("args", &args)
            .field("arg_count", &self.args.len())
            .field("stdin_bytes", &self.stdin.as_ref().map(Vec::len))
            .field("file_bytes", &files.collect::<BTreeMap<_, _>>())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The agent's reply to a request: the answer, or what the caller must do first.
///
/// The enum is exhaustive on purpose, so that the compiler finds a caller that forgets a step. The
/// agent does not ask again for what the request already has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ToolStep {
    /// The caller sends the same request again with the whole standard input. The tool has not run
    /// yet.
    NeedsInput,
    /// The caller sends the same request again with the content of this file, beside those that it
    /// has sent already. The tool has not run yet.
    NeedsFile(PathBuf),
    /// The caller writes this file (`--output`). [`OutputFile::written`] then returns the answer.
    WriteFile(OutputFile),
    /// The caller sends the answer, kills the hook's processes, and finishes the hook as killed by
    /// signal 9 (`juju-reboot --now`).
    KillHook(ToolAnswer),
    /// The caller sends this answer.
    Done(ToolAnswer),
}

impl ToolStep {
    pub(super) fn failed(code: u8, text: &str) -> Self {
        Self::Done(ToolAnswer::failed(code, text))
    }
}

/// The answer to a call: the tool's process prints both texts and exits with the code.
///
/// `Debug` leaves out the text for standard output, which may be the content of a secret.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ToolAnswer {
    /// The exit code: 0 for a success, 1 for an error while the tool ran, 2 for a mistake in the
    /// arguments.
    pub code: u8,
    /// The text for standard output.
    pub stdout: Vec<u8>,
    /// The text for standard error. An error is one line that begins with `ERROR `. The warning of
    /// a deprecated option may stand before it, with no newline between them.
    pub stderr: Vec<u8>,
}

impl fmt::Debug for ToolAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolAnswer")
            .field("code", &self.code)
            .field("stdout_bytes", &self.stdout.len())
            .field("stderr", &String::from_utf8_lossy(&self.stderr))
            .finish()
    }
}

impl ToolAnswer {
    pub(super) fn failed(code: u8, text: &str) -> Self {
        Self { code, stdout: Vec::new(), stderr: format!("ERROR {text}\n").into_bytes() }
    }
}

/// A file that the agent writes, as its own user: the tool's process does not open it.
///
/// `Debug` leaves out the content of the file, which may be that of a secret.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct OutputFile {
    /// The path. A missing file is created, and an existing one is truncated.
    pub path: PathBuf,
    /// The whole content of the file.
    pub content: Vec<u8>,
    /// The answer to the call if the file could be written.
    pub(super) answer: ToolAnswer,
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFile")
            .field("path", &self.path)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl OutputFile {
    /// Returns the answer to the call after the attempt to write the file. The error of `outcome`
    /// is the operating system's text, such as `no such file or directory`.
    pub fn written(self, outcome: Result<(), String>) -> ToolAnswer {
        match outcome {
            Ok(()) => self.answer,
            Err(cause) => ToolAnswer::failed(1, &format!("open {}: {cause}", self.path.display())),
        }
    }
}
