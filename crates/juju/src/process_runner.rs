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
const DEADLINE: Duration = Duration::from_secs(300);

/// How much a tool may print. A unit's whole state is 2 MiB at most, a secret 1 MB.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

/// How much of what a tool complains is kept.
const MAX_STDERR: usize = 64 * 1024;

/// How often a process is looked at where the kernel cannot tell of its end (Linux before 5.3).
const LOOK_AGAIN: Duration = Duration::from_millis(10);

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
        let tools = Self { folders: Vec::new(), deadline: DEADLINE };
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
        let here = |folder: PathBuf| {
            if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }
        };
        self.folders = std::env::split_paths(&path.into()).map(here).collect();
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
        let mut running = Running::start(self.find(call.tool)?.as_os_str(), call)?;
        match running.talk(deadline) {
            Ok(status) => running.outcome(status),
            Err(stop) => {
                running.end();
                Err(match stop {
                    Stop::Deadline => {
                        ToolError::Deadline { limit: self.deadline, stderr: running.complaint() }
                    }
                    Stop::TooMuchOutput => ToolError::TooMuchOutput { limit: MAX_OUTPUT },
                    Stop::Broken(error) => ToolError::Broken(error),
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
enum Stop {
    Deadline,
    TooMuchOutput,
    Broken(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Broken(error.into())
    }
}

/// A tool that was started: our ends of its pipes, and what came out of them so far.
struct Running<'a> {
    child: Child,
    /// Becomes readable when the process ends; `None` where the kernel has no such thing.
    exit: Option<OwnedFd>,
    stdin: Option<ChildStdin>,
    unsent: &'a [u8],
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    output: Vec<u8>,
    complaint: Vec<u8>,
}

/// What can be done without waiting.
#[derive(Default)]
struct Ready {
    stdout: bool,
    stderr: bool,
    exited: bool,
}

impl<'a> Running<'a> {
    fn start(program: &OsStr, call: &ToolCall<'a>) -> Result<Self, ToolError> {
        let mut child = Command::new(program)
            .args(&call.args)
            .stdin(if call.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ToolError::NotStarted)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut running = Self {
            exit: exit_of(&child),
            child,
            stdin,
            unsent: call.stdin.unwrap_or_default(),
            stdout,
            stderr,
            output: Vec::new(),
            complaint: Vec::new(),
        };
        // Only our end stops blocking; the tool's end is another open file.
        if let Some(Err(error)) =
            running.stdin.as_ref().map(|stdin| rustix::io::ioctl_fionbio(stdin, true))
        {
            running.end();
            return Err(ToolError::Broken(error.into()));
        }
        Ok(running)
    }

    /// Feeds the tool and reads what it writes, side by side so that neither waits for the other,
    /// until it has ended.
    fn talk(&mut self, deadline: Option<Instant>) -> Result<ExitStatus, Stop> {
        loop {
            self.feed()?;
            let Some(ready) = self.wait(time_left(deadline)?)? else {
                continue;
            };
            self.read(&ready)?;
            if ready.exited {
                break;
            }
        }
        // What it wrote before it ended is in the pipes. A process it left behind may hold them
        // open for ever.
        loop {
            let Some(ready) = self.wait(Some(Duration::ZERO))? else {
                continue;
            };
            if !ready.stdout && !ready.stderr {
                return Ok(self.child.wait()?);
            }
            self.read(&ready)?;
            time_left(deadline)?;
        }
    }

    /// Writes as much as the pipe takes, and closes it after the last byte.
    fn feed(&mut self) -> Result<(), Stop> {
        while let Some(stdin) = &mut self.stdin {
            if self.unsent.is_empty() {
                self.stdin = None;
                break;
            }
            match stdin.write(self.unsent) {
                Ok(count) => self.unsent = self.unsent.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The tool reads no further, which is its right.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stdin = None,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until there is something to do, or `limit` is over; with no limit, for as long as it
    /// takes. `None` when a signal of this process's own came between.
    fn wait(&mut self, limit: Option<Duration>) -> Result<Option<Ready>, Stop> {
        let limit = match (&self.exit, limit) {
            (Some(_), limit) => limit,
            (None, Some(limit)) => Some(limit.min(LOOK_AGAIN)),
            (None, None) => Some(LOOK_AGAIN),
        };
        // A limit of more seconds than the kernel counts is none.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut ready = Ready::default();
        {
            let stdin = self.stdin.as_ref().map(|pipe| (PollFd::new(pipe, PollFlags::OUT), None));
            let stdout = self
                .stdout
                .as_ref()
                .map(|pipe| (PollFd::new(pipe, PollFlags::IN), Some(&mut ready.stdout)));
            let stderr = self
                .stderr
                .as_ref()
                .map(|pipe| (PollFd::new(pipe, PollFlags::IN), Some(&mut ready.stderr)));
            let exit = self
                .exit
                .as_ref()
                .map(|exit| (PollFd::new(exit, PollFlags::IN), Some(&mut ready.exited)));
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
        if self.exit.is_none() {
            ready.exited = self.child.try_wait()?.is_some();
        }
        Ok(Some(ready))
    }

    fn read(&mut self, ready: &Ready) -> Result<(), Stop> {
        if ready.stdout && read_some(&mut self.stdout, &mut self.output)? {
            self.stdout = None;
        }
        if self.output.len() > MAX_OUTPUT {
            return Err(Stop::TooMuchOutput);
        }
        if ready.stderr && read_some(&mut self.stderr, &mut self.complaint)? {
            self.stderr = None;
        }
        self.complaint.truncate(MAX_STDERR);
        Ok(())
    }

    /// Kills the tool and takes it out of the process table. Its own children, if it has any, are
    /// not ours to know.
    fn end(&mut self) {
        // Either fails only if it is over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn outcome(mut self, status: ExitStatus) -> Result<Vec<u8>, ToolError> {
        if status.success() {
            return Ok(self.output);
        }
        let stderr = self.complaint();
        Err(match (status.code(), status.signal()) {
            (None, Some(signal)) => ToolError::Killed { signal, stderr },
            (code, _) => ToolError::Exited { code: code.unwrap_or(-1), stderr },
        })
    }

    fn complaint(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.complaint)).trim().to_owned()
    }
}

/// What is left of the time, if it is bounded at all.
fn time_left(deadline: Option<Instant>) -> Result<Option<Duration>, Stop> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left == Some(Duration::ZERO) { Err(Stop::Deadline) } else { Ok(left) }
}

/// Reads once from a pipe that has something, or is at its end; says whether it was the end.
fn read_some(pipe: &mut Option<impl AsFd>, into: &mut Vec<u8>) -> Result<bool, Stop> {
    let Some(pipe) = pipe else { return Ok(false) };
    into.reserve(4096);
    match rustix::io::read(pipe, spare_capacity(into)) {
        Ok(count) => Ok(count == 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn exit_of(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn exit_of(_child: &Child) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
#[path = "tests/process_runner.rs"]
mod tests;
