//! The runner that starts each hook tool as a process.
//!
//! Starting processes takes most of the time of a hook, so this file adds little to it: it starts
//! no thread and no shell, and opens only the pipes that it needs. It looks for the tool on `PATH`
//! itself, because the standard library starts a program that is given by its path with
//! `posix_spawn`, which is cheaper than a fork of this process.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::tool_runner::{ToolCall, ToolError, ToolRunner};

/// The time after which a tool is killed, unless the caller sets another. A tool asks the
/// controller through the agent, and a controller that fails over answers again after about a
/// minute. It is better that the hook waits for it than that it fails.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(300);

/// The largest output of a tool that is read, in bytes. The largest known output is a databag: Juju
/// 4.0 stores 16 MiB, and its JSON has two bytes for a quotation mark and six for `<`. A databag
/// that cannot be read cannot be made smaller either.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// The most of a tool's standard error that is kept, in bytes.
const MAX_STDERR: usize = 64 * 1024;

/// The interval at which the end of a process is polled on a kernel that has no pidfd (Linux before
/// 5.3).
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A runner that starts each hook tool on `PATH` as a process. The process gets the environment and
/// the working directory of this one.
///
/// - A tool that is still running at the deadline is killed. The deadline is 5 minutes after the
///   start unless [`deadline`](Self::deadline) sets another.
/// - The call ends when the tool exits. A child of the tool may keep the tool's output open; the
///   output that is there is read, and the rest is not waited for.
/// - The tool is killed when it has written more than 64 MiB to standard output. The first 64 KiB
///   of standard error are kept, and the rest is dropped.
/// - An argument over 131,071 bytes, or with a NUL in it, is an error, and no process is started.
/// - A tool may exit without reading all of its input. Its exit code alone says whether it failed.
#[derive(Debug, Clone)]
#[must_use]
pub struct ProcessRunner {
    /// The directories in which a tool is looked for, in order.
    folders: Vec<PathBuf>,
    /// The time that a tool has from its start.
    deadline: Duration,
}

impl ProcessRunner {
    /// Makes a runner that looks for tools on this process's `PATH`. The variable is read now.
    pub fn new() -> Self {
        let tools = Self { folders: Vec::new(), deadline: DEFAULT_DEADLINE };
        match std::env::var_os("PATH") {
            Some(path) => tools.path(path),
            None => tools,
        }
    }

    /// Sets the directories in which tools are looked for, separated as in `PATH`. The tools
    /// themselves still get this process's `PATH`.
    pub fn path(mut self, path: impl Into<OsString>) -> Self {
        // An empty entry of `PATH` means the current directory. Without the `.`, the program would
        // be a name without a slash, which the standard library looks for on `PATH` once more.
        let current_if_empty = |folder: PathBuf| {
            if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }
        };
        self.folders = std::env::split_paths(&path.into()).map(current_if_empty).collect();
        self
    }

    /// Sets the time after which a running tool is killed.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Returns the path of the first executable file of that name.
    ///
    /// A file that cannot be executed is skipped, but it decides the error if no directory has an
    /// executable one. A charm reads [`ToolError::NotFound`] as "this Juju does not have the tool",
    /// so that error is returned only if no directory has, or may have, a file of that name.
    fn find(&self, tool: &str) -> Result<PathBuf, ToolError> {
        // A name with a slash would lead out of the directories of the tools.
        if tool.is_empty() || tool.contains('/') {
            return Err(ToolError::NotFound);
        }
        let mut unusable: Option<io::Error> = None;
        for folder in &self.folders {
            let program = folder.join(tool);
            let error = match program.metadata() {
                // Any of the three bits counts: whether this user may execute the file is for the
                // kernel to say.
                Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                    return Ok(program);
                }
                Ok(found) if found.is_file() => io::ErrorKind::PermissionDenied.into(),
                Ok(_) => io::ErrorKind::IsADirectory.into(),
                // A symbolic link exists even if its target does not.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && program.symlink_metadata().is_ok() =>
                {
                    error
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    continue;
                }
                // A directory that cannot be searched may have the tool.
                Err(error) => error,
            };
            // The error of the first file, which is the one that `PATH` prefers.
            unusable.get_or_insert(error);
        }
        Err(unusable.map_or(ToolError::NotFound, ToolError::NotStarted))
    }
}

impl Default for ProcessRunner {
    fn default() -> Self {
        Self::new()
    }
}

impl ToolRunner for ProcessRunner {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        call.check_args()?;
        // A deadline beyond what the clock can express is none.
        let deadline = Instant::now().checked_add(self.deadline);
        let mut process = ToolProcess::start(self.find(call.tool)?.as_os_str(), call)?;
        match process.communicate(deadline) {
            Ok(status) => process.into_result(status),
            Err(reason) => {
                process.kill();
                Err(match reason {
                    KillReason::Deadline => {
                        ToolError::Deadline { limit: self.deadline, stderr: process.take_stderr() }
                    }
                    KillReason::TooMuchOutput => ToolError::TooMuchOutput { limit: MAX_OUTPUT },
                    KillReason::Broken(error) => ToolError::Broken(error),
                })
            }
        }
    }

    fn has_tool(&self, tool: &str) -> bool {
        self.find(tool).is_ok()
    }

    fn find_tool(&self, tool: &str) -> Result<(), ToolError> {
        self.find(tool).map(drop)
    }
}

/// The reason why a running tool has to be killed.
enum KillReason {
    /// The deadline passed.
    Deadline,
    /// The tool wrote more than [`MAX_OUTPUT`] bytes.
    TooMuchOutput,
    /// A pipe failed, or the process could not be waited for.
    Broken(io::Error),
}

impl From<io::Error> for KillReason {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Errno> for KillReason {
    fn from(error: Errno) -> Self {
        Self::Broken(error.into())
    }
}

/// A running tool, this process's ends of its pipes, and the output that was read from them.
struct ToolProcess<'a> {
    child: Child,
    /// The descriptor that becomes readable when the process ends; `None` on a kernel that has no
    /// pidfd.
    pidfd: Option<OwnedFd>,
    /// The write end of the tool's input; `None` once all of the input is sent.
    stdin_pipe: Option<ChildStdin>,
    /// The part of the input that is not sent yet.
    unsent_input: &'a [u8],
    /// The read end of the tool's output; `None` once it is at its end.
    stdout_pipe: Option<ChildStdout>,
    /// The read end of the tool's standard error; `None` once it is at its end.
    stderr_pipe: Option<ChildStderr>,
    /// The output that was read so far.
    stdout: Vec<u8>,
    /// The start of the standard error that was read so far.
    stderr: Vec<u8>,
}

/// The events that a wait for the tool returned.
#[derive(Default)]
struct Ready {
    /// The output can be read, or is at its end.
    has_stdout: bool,
    /// The standard error can be read, or is at its end.
    has_stderr: bool,
    /// The process has ended.
    has_exited: bool,
}

impl<'a> ToolProcess<'a> {
    /// Starts the process. The caller has to call [`communicate`](Self::communicate) and, if that
    /// fails, [`kill`](Self::kill): a child that is never waited for stays in the process table.
    fn start(program: &OsStr, call: &ToolCall<'a>) -> Result<Self, ToolError> {
        let mut child = Command::new(program)
            .args(&call.args)
            .stdin(if call.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ToolError::NotStarted)?;
        let mut process = Self {
            pidfd: open_pidfd(&child),
            stdin_pipe: child.stdin.take(),
            unsent_input: call.stdin.unwrap_or_default(),
            stdout_pipe: child.stdout.take(),
            stderr_pipe: child.stderr.take(),
            child,
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        // A write must not block while the tool itself waits for its output to be read. The flag
        // does not affect the tool, whose end of the pipe is another open file.
        if let Some(Err(error)) =
            process.stdin_pipe.as_ref().map(|stdin| rustix::io::ioctl_fionbio(stdin, true))
        {
            process.kill();
            return Err(ToolError::Broken(error.into()));
        }
        Ok(process)
    }

    /// Writes the tool's input and reads its output until the tool has ended.
    ///
    /// Both happen in turns, as far as each goes without blocking. A tool that fills its output
    /// before it has read its input would otherwise wait for this process for ever, and this
    /// process for the tool.
    fn communicate(&mut self, deadline: Option<Instant>) -> Result<ExitStatus, KillReason> {
        loop {
            self.write_stdin()?;
            let Some(ready) = self.wait(time_left(deadline)?)? else {
                continue;
            };
            self.read(&ready)?;
            if ready.has_exited {
                break;
            }
        }
        // The last output of the tool is still in the pipes. Reading them to their end could take
        // for ever, because a child of the tool may hold them open, so only the output that is
        // there is read.
        loop {
            let Some(ready) = self.wait(Some(Duration::ZERO))? else {
                continue;
            };
            // The process has ended, so this wait only collects its exit status.
            if !ready.has_stdout && !ready.has_stderr {
                return Ok(self.child.wait()?);
            }
            self.read(&ready)?;
            // A child that goes on writing must not keep this loop running past the deadline.
            time_left(deadline)?;
        }
    }

    /// Writes as much of the input as the pipe takes, and closes the pipe after the last byte.
    fn write_stdin(&mut self) -> Result<(), KillReason> {
        while let Some(stdin) = &mut self.stdin_pipe {
            if self.unsent_input.is_empty() {
                self.stdin_pipe = None;
                break;
            }
            match stdin.write(self.unsent_input) {
                Ok(count) => self.unsent_input = self.unsent_input.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The tool closed its input. It need not read all of it; its exit code says
                // whether it failed.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stdin_pipe = None,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until a pipe is ready, the process has ended or `limit` is over. Without a limit it
    /// waits for as long as it takes. It returns `None` if a signal to this process interrupted the
    /// wait.
    fn wait(&mut self, limit: Option<Duration>) -> Result<Option<Ready>, KillReason> {
        let limit = match (&self.pidfd, limit) {
            (Some(_), limit) => limit,
            (None, Some(limit)) => Some(limit.min(EXIT_POLL_INTERVAL)),
            (None, None) => Some(EXIT_POLL_INTERVAL),
        };
        // A limit that is too long for the kernel's type is no limit.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut ready = Ready::default();
        {
            // The input has no flag, because `write_stdin` tries to write after every wait.
            let stdin =
                self.stdin_pipe.as_ref().map(|pipe| (PollFd::new(pipe, PollFlags::OUT), None));
            let stdout = self
                .stdout_pipe
                .as_ref()
                .map(|pipe| (PollFd::new(pipe, PollFlags::IN), Some(&mut ready.has_stdout)));
            let stderr = self
                .stderr_pipe
                .as_ref()
                .map(|pipe| (PollFd::new(pipe, PollFlags::IN), Some(&mut ready.has_stderr)));
            let exit = self
                .pidfd
                .as_ref()
                .map(|exit| (PollFd::new(exit, PollFlags::IN), Some(&mut ready.has_exited)));
            let (mut polled, flags): (Vec<_>, Vec<_>) =
                [exit, stdout, stderr, stdin].into_iter().flatten().unzip();
            match poll(&mut polled, limit.as_ref()) {
                Ok(_) => {}
                Err(Errno::INTR) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            // An end of a pipe, or an error on it, sets other flags than `IN`. Any flag means that
            // a read returns at once.
            for (polled, flag) in polled.iter().zip(flags) {
                if let Some(flag) = flag {
                    *flag = !polled.revents().is_empty();
                }
            }
        }
        // Without a pidfd the poll does not report the end of the process, so it is asked for.
        if self.pidfd.is_none() {
            ready.has_exited = self.child.try_wait()?.is_some();
        }
        Ok(Some(ready))
    }

    /// Reads once from each pipe that is ready.
    fn read(&mut self, ready: &Ready) -> Result<(), KillReason> {
        if ready.has_stdout && read_once(&mut self.stdout_pipe, &mut self.stdout)? {
            self.stdout_pipe = None;
        }
        if self.stdout.len() > MAX_OUTPUT {
            return Err(KillReason::TooMuchOutput);
        }
        if ready.has_stderr && read_once(&mut self.stderr_pipe, &mut self.stderr)? {
            self.stderr_pipe = None;
        }
        // The rest is dropped, but still read: a tool that fills the pipe would block.
        self.stderr.truncate(MAX_STDERR);
        Ok(())
    }

    /// Kills the tool and removes it from the process table. Children of the tool are not killed,
    /// because this process does not know their ids.
    fn kill(&mut self) {
        // Each call fails only if the process has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Turns the exit status of the tool into its output or its error.
    fn into_result(mut self, status: ExitStatus) -> Result<Vec<u8>, ToolError> {
        if status.success() {
            return Ok(self.stdout);
        }
        let stderr = self.take_stderr();
        Err(match (status.code(), status.signal()) {
            (None, Some(signal)) => ToolError::Killed { signal, stderr },
            // A process that was waited for has ended with a code or by a signal, so -1 does not
            // occur.
            (code, _) => ToolError::Exited { code: code.unwrap_or(-1), stderr },
        })
    }

    /// Takes the standard error that was read so far, as trimmed text. Bytes that are not UTF-8
    /// become U+FFFD.
    fn take_stderr(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.stderr)).trim().to_owned()
    }
}

/// Returns the time until the deadline; `None` if there is no deadline. A deadline that has passed
/// is an error.
fn time_left(deadline: Option<Instant>) -> Result<Option<Duration>, KillReason> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left == Some(Duration::ZERO) { Err(KillReason::Deadline) } else { Ok(left) }
}

/// Reads once from a pipe that is ready. Returns `true` if the pipe is at its end.
fn read_once(pipe: &mut Option<impl AsFd>, into: &mut Vec<u8>) -> Result<bool, KillReason> {
    let Some(pipe) = pipe else { return Ok(false) };
    // A page of the pipe's buffer; nearly every answer of a tool fits into it.
    into.reserve(4096);
    match rustix::io::read(pipe, spare_capacity(into)) {
        Ok(count) => Ok(count == 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Opens a descriptor that becomes readable when the process ends; `None` if the kernel has none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_pidfd(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

/// Returns `None`, because other systems have no pidfd. The end of the process is polled there.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_pidfd(_child: &Child) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
#[path = "tests/process_runner.rs"]
mod tests;
