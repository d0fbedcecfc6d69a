//! The one seam between a charm and its hook tools: who runs one tool, its call and its failure.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long one argument may be in bytes: 32 pages of 4 KiB with the NUL at its end (Linux,
/// `MAX_ARG_STRLEN`).
pub(super) const MAX_ARGUMENT: usize = 131_071;

/// Runs one hook tool at a time: as a process ([`ProcessRunner`](super::ProcessRunner)), or
/// answered in-process by a test.
///
/// # For implementors
///
/// - `run` blocks until the tool has ended and returns its standard output as it was, trailing
///   newline included.
/// - An exit code other than 0 is [`ToolError::Exited`] with the code as it was: the caller tells
///   1 from 2.
/// - Calls may come from several threads; Juju serves them one at a time.
pub trait ToolRunner: Send + Sync {
    /// Runs one tool to its end and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// The tool was not started, or did not end well: see [`ToolError`].
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError>;

    /// Whether the tool is there to be started. The default says that every tool is.
    fn has_tool(&self, tool: &str) -> bool {
        let _ = tool;
        true
    }

    /// Looks for the tool without starting it. The default asks [`has_tool`](ToolRunner::has_tool).
    ///
    /// # Errors
    ///
    /// [`ToolError::NotFound`] only where nothing of that name is there; anything else means that
    /// it is there, or may be, and cannot be started.
    fn find_tool(&self, tool: &str) -> Result<(), ToolError> {
        if self.has_tool(tool) { Ok(()) } else { Err(ToolError::NotFound) }
    }
}

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

/// One call of a hook tool: its name, its arguments, and what it reads from standard input.
pub struct ToolCall<'a> {
    /// The tool's name as it is on `PATH`, such as `status-set`.
    pub tool: &'static str,
    /// The arguments after the name. Each is at most 131,071 bytes on Linux.
    pub args: Vec<String>,
    /// What the tool reads from standard input; `None` means that it is empty.
    pub stdin: Option<&'a [u8]>,
}

impl<'a> ToolCall<'a> {
    /// A call of `tool` with no arguments.
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

    /// Adds `--` and then `text`, so that a text which starts with `-` is not taken for an option.
    #[must_use]
    pub fn free_text(self, text: impl Into<String>) -> Self {
        self.arg("--").arg(text)
    }

    /// Gives the tool something to read.
    #[must_use]
    pub fn stdin(mut self, bytes: &'a [u8]) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Checks that a process can be given these arguments, before one is started. An implementation
    /// of [`ToolRunner`] that starts none calls it too, so that it takes what a real tool takes.
    ///
    /// # Errors
    ///
    /// [`ToolError::BadArgument`] for an argument over 131,071 bytes, or with a NUL byte in it.
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

/// Shows the tool and how much it is given, never what: arguments and input carry the charm's data.
impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("tool", &self.tool)
            .field("args", &self.args.len())
            .field("stdin", &self.stdin.map(<[u8]>::len))
            .finish()
    }
}

/// Why a hook tool gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// No executable of that name is on `PATH`. Juju puts there only the tools that it has.
    #[error("is not on PATH")]
    NotFound,
    /// The executable could not be started.
    #[error("could not be started")]
    NotStarted(#[source] io::Error),
    /// An argument cannot be given to a process: it is too long, or holds a NUL byte. Nothing was
    /// started.
    #[error("{reason}")]
    BadArgument {
        /// What is wrong with which argument, such as `argument 2 is 200000 bytes long (at most
        /// 131071)`.
        reason: String,
    },
    /// The tool ended with a code other than 0: 1 is a failure, 2 a wrong use.
    #[error("exited with code {code}")]
    Exited {
        /// The exit code.
        code: i32,
        /// What it wrote to standard error, trimmed; the first 64 KiB.
        stderr: String,
    },
    /// A signal ended the tool.
    #[error("was killed by signal {signal}")]
    Killed {
        /// The signal's number.
        signal: i32,
        /// What it wrote to standard error until then.
        stderr: String,
    },
    /// The tool was still running at its deadline and was killed. It may have acted.
    #[error("did not end within {limit:?}")]
    Deadline {
        /// How long it was given.
        limit: Duration,
        /// What it wrote to standard error until then.
        stderr: String,
    },
    /// The tool wrote more than is read, and was killed.
    #[error("printed more than {limit} bytes")]
    TooMuchOutput {
        /// How many bytes are read at most.
        limit: usize,
    },
    /// Talking to the running tool failed; it was killed. It may have acted.
    #[error("could not be talked to")]
    Broken(#[source] io::Error),
}
