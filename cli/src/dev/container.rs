//! A container of the unit: starts, stops and kills its Pebble, and counts the starts.
//!
//! To the charm each start is a new boot. The daemon's own boot id cannot tell starts apart here:
//! unless the daemon is process 1, it is the boot id of the kernel.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::process::Command;
use tokio::sync::{mpsc, watch};

use super::session_event::SessionEvent;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::private_files;
use crate::processes::ProcessExit;

/// The variables of our environment that the container gets: those that an image's own environment
/// would hold.
const KEPT_VARIABLES: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TERM", "TZ"];

/// The time that Pebble may take to answer for the first time. On a busy machine a start takes
/// seconds.
const START_UP_LIMIT: Duration = Duration::from_secs(30);

/// A container. It holds only its Pebble and the processes that Pebble starts.
#[derive(Debug)]
pub struct Container {
    pub name: String,
    pub socket: PathBuf,
    /// The path of this program. It is asked for once: after a rebuild of the program, the system
    /// returns the path of a deleted file.
    program: PathBuf,
    /// The log of the daemon and its services.
    log: PathBuf,
    pebble_dir: PathBuf,
    /// The process id of `container-init`, while it runs.
    running: Option<Pid>,
    /// The number of the running start, counted from 1, or 0 while none is running. The watchers
    /// follow it.
    start: watch::Sender<u64>,
    /// The number of starts so far.
    starts: u64,
    /// The time at which the running Pebble was started, until it has answered a poll.
    unanswered_since: Option<Instant>,
    /// `true` from the moment at which its end was requested until it has ended.
    is_stop_requested: bool,
    /// `true` if the container is to be started again once it has ended.
    is_restart_requested: bool,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl Container {
    /// Makes a container that is not started yet.
    ///
    /// # Errors
    /// Fails if the path of its socket is too long, or if the folder of the socket cannot be made.
    pub fn new(
        name: &str,
        workspace: &Workspace,
        program: &Path,
        events: mpsc::UnboundedSender<SessionEvent>,
    ) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            program: program.to_owned(),
            socket: workspace.pebble_socket(name)?,
            log: workspace.pebble_log(name),
            pebble_dir: workspace.pebble_dir(name),
            running: None,
            start: watch::Sender::new(0),
            starts: 0,
            unanswered_since: None,
            is_stop_requested: false,
            is_restart_requested: false,
            events,
        })
    }

    /// Returns a receiver of the number of the running start, which is 0 while none is running.
    pub fn follow_start(&self) -> watch::Receiver<u64> {
        self.start.subscribe()
    }

    /// Returns the number of the running start, counted from 1.
    pub fn current_start(&self) -> Option<u64> {
        Some(*self.start.borrow()).filter(|start| *start > 0)
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Records that Pebble has answered a poll.
    pub fn note_answer(&mut self) {
        self.unanswered_since = None;
    }

    /// Returns `true` if Pebble was started so recently that a missing answer means nothing.
    pub fn is_starting(&self) -> bool {
        self.unanswered_since.is_some_and(|since| since.elapsed() < START_UP_LIMIT)
    }

    /// Returns `true` until the process has ended or started as it was requested.
    pub fn is_changing(&self) -> bool {
        self.is_stop_requested || self.is_restart_requested
    }

    /// Returns the id of the process that stands for the container. Code that collects children
    /// must leave this one to the task that waits for it.
    pub fn pid(&self) -> Option<Pid> {
        self.running
    }

    /// Starts the container with `pebble` in it, as Juju does. A container that runs already is
    /// left alone, and one that is ending is started again when it has ended.
    ///
    /// # Errors
    /// When the log cannot be opened or the process not started.
    pub fn start(&mut self, pebble: &Path) -> Result<()> {
        self.is_restart_requested = self.is_stop_requested;
        if self.running.is_some() {
            return Ok(());
        }
        let failed = || Error::new(format!("cannot start container \"{}\"", self.name));
        // `container-init` cannot write to its own log before it has opened it, so its errors go to
        // the same file.
        let errors = private_files::append(&self.log).map_err(|e| failed().because(e))?;
        let mut child = Command::new(&self.program)
            .args(["container-init", "--follow", &std::process::id().to_string(), "--log"])
            .arg(&self.log)
            .arg("--")
            .arg(pebble)
            .args(["run", "--create-dirs", "--hold", "--verbose"])
            .env_clear()
            .envs(KEPT_VARIABLES.iter().filter_map(|name| Some((*name, env::var_os(name)?))))
            .envs(self.environment())
            // A workload must not depend on the folder that the user started the command in.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|e| failed().because(e))?;
        self.running = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        self.starts += 1;
        self.unanswered_since = Some(Instant::now());
        let (container, start, events) = (self.name.clone(), self.starts, self.events.clone());
        // `send_replace` and not `send`: the value must change also while no watcher follows it.
        self.start.send_replace(start);
        tokio::spawn(async move {
            use std::os::unix::process::ExitStatusExt;
            let exit = match child.wait().await {
                Ok(status) => status
                    .code()
                    .map_or(ProcessExit::Signal(status.signal().unwrap_or(0)), ProcessExit::Code),
                Err(_) => ProcessExit::Code(-1),
            };
            let _ = events.send(SessionEvent::PebbleEnded { container, start, exit });
        });
        Ok(())
    }

    /// Returns the variables that Juju sets in a workload container.
    fn environment(&self) -> [(&'static str, OsString); 3] {
        [
            ("PEBBLE", self.pebble_dir.clone().into()),
            ("PEBBLE_SOCKET", self.socket.clone().into()),
            ("JUJU_CONTAINER_NAME", self.name.clone().into()),
        ]
    }

    /// Requests that Pebble stops its services and ends. [`SessionEvent::PebbleEnded`] follows.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Kills Pebble and everything that it started, at once. [`SessionEvent::PebbleEnded`] follows.
    pub fn kill(&mut self) {
        self.signal(Signal::HUP);
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(pid) = self.running {
            self.is_stop_requested = true;
            self.is_restart_requested = false;
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Records the end of the start numbered `start`. The answer says whether the end was
    /// requested, and whether a new start was.
    pub fn note_end(&mut self, start: u64) -> ContainerEnd {
        // An event of an earlier start may arrive late, and says nothing about the running one.
        if self.starts == start {
            self.running = None;
            self.unanswered_since = None;
            self.start.send_replace(0);
        }
        ContainerEnd {
            was_requested: std::mem::take(&mut self.is_stop_requested),
            is_restart_requested: std::mem::take(&mut self.is_restart_requested),
        }
    }
}

/// What was requested of a container that has ended.
#[derive(Debug, Clone, Copy)]
pub struct ContainerEnd {
    pub was_requested: bool,
    pub is_restart_requested: bool,
}
