//! The trait that runs one hook tool, the call that it takes and the error that it returns.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The longest argument of a process, in bytes. Linux allows 32 pages of 4 KiB, the NUL at the end
/// included (`MAX_ARG_STRLEN`).
pub(super) const MAX_ARGUMENT: usize = 131_071;

/// A runner of hook tools.
///
/// [`ProcessRunner`](super::ProcessRunner) runs each tool as a process; a test's runner answers
/// in-process.
///
/// # For implementors
///
/// - `run` blocks until the tool has ended. It returns the tool's standard output unchanged, the
///   trailing newline included.
/// - `run` returns [`ToolError::Exited`] for every exit code other than 0, with the code unchanged:
///   the caller treats 1 (a failure) and 2 (a refused call) differently.
/// - Several threads may call `run` at once; Juju serves their calls one at a time.
pub trait ToolRunner: Send + Sync {
    /// Runs one tool to its end and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// The tool was not started, did not exit with code 0, or its output could not be read: see
    /// [`ToolError`].
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError>;

    /// Returns `true` if the tool can be started. The default implementation returns `true` for
    /// every tool.
    fn has_tool(&self, tool: &str) -> bool {
        // Named without an underscore, because the documentation shows the name.
        let _ = tool;
        true
    }

    /// Looks for the tool without starting it. The default implementation asks
    /// [`has_tool`](ToolRunner::has_tool).
    ///
    /// # Errors
    ///
    /// [`ToolError::NotFound`] if no file of that name exists. Any other error means that a file
    /// exists, or may exist, and cannot be started.
    fn find_tool(&self, tool: &str) -> Result<(), ToolError> {
        if self.has_tool(tool) { Ok(()) } else { Err(ToolError::NotFound) }
    }
}

// `HookTools` owns its runner. With an `Arc`, a test can keep a second handle to look at the calls.
impl<T: ToolRunner + ?Sized> ToolRunner for Arc<T> {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        (**self).run(call)
    }

    fn has_tool(&self, tool: &str) -> bool {
        (**self).has_tool(tool)
    }

    fn find_tool(&self, tool: &str) -> Result<(), ToolError> {
        (**self).find_tool(tool)
    }
}

/// A call of one hook tool: its name, its arguments and its standard input.
pub struct ToolCall<'a> {
    /// The name of the tool on `PATH`, such as `status-set`.
    pub tool: &'static str,
    /// The arguments after the name. Linux allows each of them at most 131,071 bytes.
    pub args: Vec<String>,
    /// The bytes that the tool reads from standard input. `None` is an empty input.
    pub stdin: Option<&'a [u8]>,
}

impl<'a> ToolCall<'a> {
    /// Makes a call of `tool` without arguments and without input.
    #[must_use]
    pub fn new(tool: &'static str) -> Self {
        Self { tool, args: Vec::new(), stdin: None }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds `--` and then `text`, because the tool would read a text that starts with `-` as an
    /// option.
    #[must_use]
    pub fn free_text(self, text: impl Into<String>) -> Self {
        self.arg("--").arg(text)
    }

    /// Sets the standard input of the tool.
    #[must_use]
    pub fn stdin(mut self, bytes: &'a [u8]) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Checks that the operating system can pass these arguments to a process.
    ///
    /// A [`ToolRunner`] that starts no process should call it too, so that it refuses what a real
    /// process cannot get.
    ///
    /// # Errors
    ///
    /// [`ToolError::BadArgument`] if an argument is longer than 131,071 bytes or holds a NUL byte.
    pub fn check_args(&self) -> Result<(), ToolError> {
        for (index, arg) in self.args.iter().enumerate() {
            let reason = if arg.len() > MAX_ARGUMENT {
                format!(
                    "argument {} is {} bytes long (at most {MAX_ARGUMENT})",
                    index + 1,
                    arg.len()
                )
            } else if arg.as_bytes().contains(&0) {
                format!("argument {} holds a NUL byte", index + 1)
            } else {
                continue;
            };
            return Err(ToolError::BadArgument { reason });
        }
        Ok(())
    }
}

/// Shows the tool, the number of arguments and the size of the input. It does not show their
/// content, because they carry the charm's data, secrets included.
impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("tool", &self.tool)
            .field("args", &self.args.len())
            .field("stdin", &self.stdin.map(<[u8]>::len))
            .finish()
    }
}

/// The reason why a hook tool gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// No file of that name is on `PATH`. Juju puts only the tools of its own version there.
    #[error("is not on PATH")]
    NotFound,
    /// The file on `PATH` could not be started as a process.
    #[error("could not be started")]
    NotStarted(#[source] io::Error),
    /// An argument cannot be passed to a process: it is too long, or holds a NUL byte. No process
    /// was started.
    #[error("{reason}")]
    BadArgument {
        /// The argument and what is wrong with it, such as `argument 2 is 200000 bytes long (at
        /// most 131071)`.
        reason: String,
    },
    /// The tool exited with a code other than 0: 1 is a failure, 2 a refused call (Juju 2.9 to
    /// 4.1).
    #[error("exited with code {code}")]
    Exited {
        /// The exit code.
        code: i32,
        /// The first 64 KiB of standard error, trimmed.
        stderr: String,
    },
    /// A signal ended the tool.
    #[error("was killed by signal {signal}")]
    Killed {
        /// The number of the signal.
        signal: i32,
        /// The first 64 KiB of standard error, trimmed.
        stderr: String,
    },
    /// The tool was still running at its deadline and was killed. It may have acted.
    #[error("did not end within {limit:?}")]
    Deadline {
        /// The time that the tool had.
        limit: Duration,
        /// The first 64 KiB of standard error, trimmed.
        stderr: String,
    },
    /// The tool wrote more than `limit` bytes to standard output and was killed.
    #[error("printed more than {limit} bytes")]
    TooMuchOutput {
        /// The largest output that is read, in bytes.
        limit: usize,
    },
    /// A pipe to the running tool failed, and the tool was killed. It may have acted.
    #[error("could not be talked to")]
    Broken(#[source] io::Error),
}
