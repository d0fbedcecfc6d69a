//! A container of the unit: its Pebble, started, stopped and killed, and how often it was started.
//!
//! Each start is a new boot to the charm. The daemon's own boot id cannot say that here: it is the
//! kernel's, unless the daemon is process 1.

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

/// What is passed on of our environment: what an image's own environment would hold.
const KEPT_VARIABLES: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TERM", "TZ"];

/// How long a Pebble may take to answer for the first time; on a busy machine a start takes
/// seconds.
const START_UP_LIMIT: Duration = Duration::from_secs(30);

/// One container: nothing but its Pebble, and whatever that starts.
#[derive(Debug)]
pub struct Container {
    pub name: String,
    pub socket: PathBuf,
    /// This program. Asked for once: after a rebuild of it, the system names the file that is gone.
    program: PathBuf,
    log: PathBuf,
    pebble_dir: PathBuf,
    running: Option<Pid>,
    /// Which start is the running one, counted from 1; 0 while none is running. The watchers follow
    /// it.
    start: watch::Sender<u64>,
    starts: u64,
    /// When the running Pebble was started, until it has answered a poll.
    unanswered_since: Option<Instant>,
    /// Whether its end was asked for.
    is_stop_requested: bool,
    /// Whether it is to be started again once it has ended.
    is_restart_requested: bool,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl Container {
    /// A container that is not started yet.
    ///
    /// # Errors
    /// When its socket's path is too long.
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

    /// Follows which start is running; 0 is none.
    pub fn follow_start(&self) -> watch::Receiver<u64> {
        self.start.subscribe()
    }

    /// The running start, counted from 1.
    pub fn current_start(&self) -> Option<u64> {
        Some(*self.start.borrow()).filter(|start| *start > 0)
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Notes that Pebble has answered a poll.
    pub fn note_answer(&mut self) {
        self.unanswered_since = None;
    }

    /// Whether a Pebble that does not answer has been started so recently that it says nothing.
    pub fn is_starting(&self) -> bool {
        self.unanswered_since.is_some_and(|since| since.elapsed() < START_UP_LIMIT)
    }

    /// Whether its process is not yet as it was asked to be.
    pub fn is_changing(&self) -> bool {
        self.is_stop_requested || self.is_restart_requested
    }

    /// The process that stands for the container, for those who wait for their own children.
    pub fn pid(&self) -> Option<Pid> {
        self.running
    }

    /// Starts the container with `pebble` in it, as Juju does. Nothing happens when it runs
    /// already; one that is ending is started when it has ended.
    ///
    /// # Errors
    /// When the log cannot be opened or the process not started.
    pub fn start(&mut self, pebble: &Path) -> Result<()> {
        self.is_restart_requested = self.is_stop_requested;
        if self.running.is_some() {
            return Ok(());
        }
        let failed = || Error::new(format!("cannot start container \"{}\"", self.name));
        // What it cannot do itself it says there.
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

    fn environment(&self) -> [(&'static str, OsString); 3] {
        [
            ("PEBBLE", self.pebble_dir.clone().into()),
            ("PEBBLE_SOCKET", self.socket.clone().into()),
            ("JUJU_CONTAINER_NAME", self.name.clone().into()),
        ]
    }

    /// Asks Pebble to stop its services and end; [`SessionEvent::PebbleEnded`] follows.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Kills Pebble and everything it started, at once; [`SessionEvent::PebbleEnded`] follows.
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

    /// Notes the end of the start numbered `start`; says whether it was asked for, and whether a
    /// new start was.
    pub fn note_end(&mut self, start: u64) -> ContainerEnd {
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

/// What was wanted of a container that has ended.
#[derive(Debug, Clone, Copy)]
pub struct ContainerEnd {
    pub was_requested: bool,
    pub is_restart_requested: bool,
}
