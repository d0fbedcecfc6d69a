//! Hook tools as processes.
//!
//! This is on the way of every hook, and starting a process is nearly all that a hook costs, so
//! little is added to it: no thread, no shell, no more pipes than are needed, and a program given
//! by its path, with which the standard library starts it by `posix_spawn` instead of copying this
//! process.

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

/// How long a tool may take. Tools ask the controller through the agent, and a controller that
/// fails over answers again after a minute or so: the hook had better wait for that than fail.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(300);

/// How much a tool may print. A unit's whole state is 2 MiB at most, a secret 1 MB.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

/// How much of what a tool complains is kept.
const MAX_STDERR: usize = 64 * 1024;

/// How often a process is looked at where the kernel cannot tell of its end (Linux before 5.3).
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Runs hook tools as processes found on `PATH`, in this process's environment and directory.
///
/// - A tool that is still running at the deadline (5 minutes unless set) is killed. A tool that
///   ends while a process it left behind holds its output open has ended: what is there is read and
///   the rest is not waited for.
/// - At most 16 MiB of output are read; beyond that the tool is killed. Of standard error the first
///   64 KiB are kept.
/// - An argument over 131,071 bytes or with a NUL in it is refused before anything is started.
/// - A tool that does not read its input is no error; whether it did well is for it to say.
#[derive(Debug, Clone)]
#[must_use]
pub struct ProcessRunner {
    folders: Vec<PathBuf>,
    deadline: Duration,
}

impl ProcessRunner {
    /// Tools from this process's `PATH`, which is read now.
    pub fn new() -> Self {
        let tools = Self { folders: Vec::new(), deadline: DEFAULT_DEADLINE };
        match std::env::var_os("PATH") {
            Some(path) => tools.path(path),
            None => tools,
        }
    }

    /// Looks for tools in these folders, separated as in `PATH`, instead of in this process's own.
    /// What the tools themselves see as their `PATH` stays.
    pub fn path(mut self, path: impl Into<OsString>) -> Self {
        // An empty entry means the current directory, and a name without a slash would be looked
        // for a second time.
        let current_if_empty = |folder: PathBuf| {
            if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }
        };
        self.folders = std::env::split_paths(&path.into()).map(current_if_empty).collect();
        self
    }

    /// How long a tool may run until it is killed.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The first executable of that name. What cannot be executed is passed over, and named if
    /// nothing better comes: only where no folder has anything of that name, as far as it can be
    /// told, is the tool not there.
    fn find(&self, tool: &str) -> Result<PathBuf, ToolError> {
        if tool.is_empty() || tool.contains('/') {
            return Err(ToolError::NotFound);
        }
        let mut unusable: Option<io::Error> = None;
        for folder in &self.folders {
            let program = folder.join(tool);
            let error = match program.metadata() {
                Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                    return Ok(program);
                }
                Ok(found) if found.is_file() => io::ErrorKind::PermissionDenied.into(),
                Ok(_) => io::ErrorKind::IsADirectory.into(),
                // A link that leads nowhere is there all the same.
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
                Err(error) => error,
            };
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

/// Why a running tool is given up.
enum KillReason {
    Deadline,
    TooMuchOutput,
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

/// A tool that was started: our ends of its pipes, and what came out of them so far.
struct ToolProcess<'a> {
    child: Child,
    /// Becomes readable when the process ends; `None` where the kernel has no such thing.
    pidfd: Option<OwnedFd>,
    stdin_pipe: Option<ChildStdin>,
    unsent_input: &'a [u8],
    stdout_pipe: Option<ChildStdout>,
    stderr_pipe: Option<ChildStderr>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// What can be done without waiting.
#[derive(Default)]
struct Ready {
    has_stdout: bool,
    has_stderr: bool,
    has_exited: bool,
}

impl<'a> ToolProcess<'a> {
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
        // Only our end stops blocking; the tool's end is another open file.
        if let Some(Err(error)) =
            process.stdin_pipe.as_ref().map(|stdin| rustix::io::ioctl_fionbio(stdin, true))
        {
            process.kill();
            return Err(ToolError::Broken(error.into()));
        }
        Ok(process)
    }

    /// Feeds the tool and reads what it writes, side by side so that neither waits for the other,
    /// until it has ended.
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
        // What it wrote before it ended is in the pipes. A process it left behind may hold them
        // open for ever.
        loop {
            let Some(ready) = self.wait(Some(Duration::ZERO))? else {
                continue;
            };
            if !ready.has_stdout && !ready.has_stderr {
                return Ok(self.child.wait()?);
            }
            self.read(&ready)?;
            time_left(deadline)?;
        }
    }

    /// Writes as much as the pipe takes, and closes it after the last byte.
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
                // The tool reads no further, which is its right.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stdin_pipe = None,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until there is something to do, or `limit` is over; with no limit, for as long as it
    /// takes. `None` when a signal of this process's own came between.
    fn wait(&mut self, limit: Option<Duration>) -> Result<Option<Ready>, KillReason> {
        let limit = match (&self.pidfd, limit) {
            (Some(_), limit) => limit,
            (None, Some(limit)) => Some(limit.min(EXIT_POLL_INTERVAL)),
            (None, None) => Some(EXIT_POLL_INTERVAL),
        };
        // A limit of more seconds than the kernel counts is none.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut ready = Ready::default();
        {
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
            for (polled, flag) in polled.iter().zip(flags) {
                if let Some(flag) = flag {
                    *flag = !polled.revents().is_empty();
                }
            }
        }
        if self.pidfd.is_none() {
            ready.has_exited = self.child.try_wait()?.is_some();
        }
        Ok(Some(ready))
    }

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
        self.stderr.truncate(MAX_STDERR);
        Ok(())
    }

    /// Kills the tool and takes it out of the process table. Its own children, if it has any, are
    /// not ours to know.
    fn kill(&mut self) {
        // Either fails only if it is over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn into_result(mut self, status: ExitStatus) -> Result<Vec<u8>, ToolError> {
        if status.success() {
            return Ok(self.stdout);
        }
        let stderr = self.take_stderr();
        Err(match (status.code(), status.signal()) {
            (None, Some(signal)) => ToolError::Killed { signal, stderr },
            (code, _) => ToolError::Exited { code: code.unwrap_or(-1), stderr },
        })
    }

    fn take_stderr(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.stderr)).trim().to_owned()
    }
}

/// What is left of the time, if it is bounded at all.
fn time_left(deadline: Option<Instant>) -> Result<Option<Duration>, KillReason> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left == Some(Duration::ZERO) { Err(KillReason::Deadline) } else { Ok(left) }
}

/// Reads once from a pipe that has something, or is at its end; says whether it was the end.
fn read_once(pipe: &mut Option<impl AsFd>, into: &mut Vec<u8>) -> Result<bool, KillReason> {
    let Some(pipe) = pipe else { return Ok(false) };
    into.reserve(4096);
    match rustix::io::read(pipe, spare_capacity(into)) {
        Ok(count) => Ok(count == 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_pidfd(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_pidfd(_child: &Child) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
#[path = "tests/process_runner.rs"]
mod tests;
