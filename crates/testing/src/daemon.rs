//! A real Pebble daemon of one's own.

use std::env;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::error::{Error, ErrorKind};
use super::folder::{check_socket_path, short_temp_dir};
use super::pebble_binary::{Pinned, Search};
use super::process_tree::{ProcessTree, signal};
use super::wire;
use charmwright_pebble::Client;

/// The variable by which a daemon's processes are known, wherever they have gone: a child inherits
/// it.
const MARK: &str = "CHARMWRIGHT_DAEMON";

/// How a [`Daemon`] is to run. Private fields, consuming setters; [`DaemonOptions::new`] is a
/// daemon that starts its enabled services.
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    binary: Option<PathBuf>,
    pinned: Pinned,
    folder: Option<PathBuf>,
    socket: Option<PathBuf>,
    container: String,
    layers: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    hold: bool,
    forgetful: bool,
    own_group: bool,
    start_limit: Duration,
    stop_limit: Duration,
}

impl Default for DaemonOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl DaemonOptions {
    /// The pinned Pebble, in a temporary folder, with no layers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            binary: None,
            pinned: Pinned::Current,
            folder: None,
            socket: None,
            container: "workload".to_owned(),
            layers: Vec::new(),
            environment: Vec::new(),
            hold: false,
            forgetful: false,
            own_group: false,
            start_limit: Duration::from_secs(30),
            stop_limit: Duration::from_secs(30),
        }
    }

    /// The Pebble to run. Default: what [`Search::find`] gives.
    #[must_use]
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// This of the pinned Pebbles, unless [`DaemonOptions::binary`] names one. Default:
    /// [`Pinned::Current`].
    #[must_use]
    pub fn pinned(mut self, pinned: Pinned) -> Self {
        self.pinned = pinned;
        self
    }

    /// A folder to live in, made when it is not there, and not removed in the end. Default: a
    /// temporary one, removed on drop.
    #[must_use]
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// Where the socket is, at most 107 bytes. Default: `containers/NAME/pebble.socket` in the
    /// daemon's folder.
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// The name of the container that this daemon stands for, used in the default socket's path.
    /// Default: `workload`.
    #[must_use]
    pub fn container(mut self, name: impl Into<String>) -> Self {
        self.container = name.into();
        self
    }

    /// A layer on disk, as an OCI image brings it, in YAML. Unlike one added over the API it is
    /// there again after a restart.
    #[must_use]
    pub fn layer(mut self, label: impl Into<String>, yaml: impl Into<String>) -> Self {
        self.layers.push((label.into(), yaml.into()));
        self
    }

    /// One more variable in the daemon's environment, and so in that of its services.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// `--hold`: enabled services are not started until somebody asks.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    /// `PEBBLE_PERSIST=never`: no state file, so that changes are gone and their numbers begin at 1
    /// again after a restart. Pebble knows it since 1.23: [`Pinned::Oldest`] keeps its state all
    /// the same.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.forgetful = true;
        self
    }

    /// A process group of its own, so that Ctrl-C at a terminal does not reach it: for a program
    /// that ends it itself. In a test leave this off, and Ctrl-C stops the daemon together with the
    /// test.
    #[must_use]
    pub fn own_process_group(mut self) -> Self {
        self.own_group = true;
        self
    }

    /// How long a start may take until the daemon answers. Default: 30 s.
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// How long a graceful stop may take before it becomes a kill. Default: 30 s.
    #[must_use]
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limit;
        self
    }
}

/// A running Pebble in a folder of its own, its socket included.
///
/// It ends as a container ends: whichever way it goes, every process that it started goes with it,
/// also one in a process group of its own (Pebble gives each service one) or one that has lost its
/// parent. Only a process that both lost its parent and threw away its environment while no
/// relative was alive can escape. Dropping it kills all that and removes the temporary folder.
///
/// All methods take `&self`, so that one thread can kill it while another has a request in flight.
pub struct Daemon {
    options: DaemonOptions,
    binary: PathBuf,
    folder: PathBuf,
    socket: PathBuf,
    mark: String,
    state: Mutex<State>,
    _temporary: Option<TempDir>,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    boots: u32,
}

impl Daemon {
    /// Starts a daemon and returns once it answers. Its enabled services need not be up yet: Pebble
    /// starts them a moment later.
    ///
    /// Without [`DaemonOptions::binary`] this builds Pebble when it is not there yet, telling what
    /// it does on standard error.
    ///
    /// # Errors
    ///
    /// Those of [`Search::find`]; [`ErrorKind::SocketPath`]; [`ErrorKind::Io`] for its folder;
    /// [`ErrorKind::Daemon`] when it ends at once or does not answer in time, with the end of what
    /// it said.
    pub fn start(options: DaemonOptions) -> Result<Self, Error> {
        let search = Search::new().pinned(options.pinned);
        let search = match &options.binary {
            Some(path) => search.explicit(path),
            None => search,
        };
        let binary = search.find(&mut |line| eprintln!("charmwright: {line}"))?;
        let (folder, temporary) = match &options.folder {
            Some(folder) => (
                std::path::absolute(folder)
                    .map_err(Error::io(format!("cannot find {}", folder.display())))?,
                None,
            ),
            None => {
                let temporary = short_temp_dir()?;
                (temporary.path().to_path_buf(), Some(temporary))
            }
        };
        let socket = match &options.socket {
            Some(socket) => std::path::absolute(socket)
                .map_err(Error::io(format!("cannot find {}", socket.display())))?,
            None => folder.join("containers").join(&options.container).join("pebble.socket"),
        };
        check_socket_path(&socket)?;
        if options.pinned == Pinned::Oldest {
            // It makes this one too, and ends when it cannot.
            let mut second = socket.clone().into_os_string();
            second.push(".untrusted");
            check_socket_path(Path::new(&second))?;
        }
        // The process id and the folder together name one daemon on this machine.
        let mark = format!("{}:{}", std::process::id(), folder.display());
        let daemon = Self {
            options,
            binary,
            folder,
            socket,
            mark,
            state: Mutex::default(),
            _temporary: temporary,
        };
        daemon.lay_out()?;
        daemon.start_again()?;
        Ok(daemon)
    }

    /// The path of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A new client of it, named for the container.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.socket).with_target(format!("container \"{}\"", self.options.container))
    }

    /// The folder whose `NAME/pebble.socket` is its socket: what `CHARMWRIGHT_CONTAINERS` is to be.
    /// `None` when [`DaemonOptions::socket`] put it at a place that is not of this form.
    #[must_use]
    pub fn containers(&self) -> Option<&Path> {
        let container = self.socket.parent()?;
        let fits = self.socket.file_name()? == "pebble.socket"
            && container.file_name()? == self.options.container.as_str();
        if fits { container.parent() } else { None }
    }

    /// Its folder: `pebble/` is Pebble's own (`$PEBBLE`), `pebble.log` is what it says.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The Pebble that it runs.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// How often it was started.
    #[must_use]
    pub fn boots(&self) -> u32 {
        self.state().boots
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let mut state = self.state();
        let child = state.child.as_mut()?;
        matches!(child.try_wait(), Ok(None)).then(|| child.id())
    }

    /// Whether its process runs now.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// All that it has written so far, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Kills it with SIGKILL, and every process that it started. Its socket's file stays, as after
    /// any such end, and refuses connections. A daemon that does not run is not an error: what it
    /// left is ended all the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Daemon`] when a process cannot be ended.
    pub fn kill(&self) -> Result<(), Error> {
        let mut state = self.state();
        self.end(&mut state, End::Kill).map(drop)
    }

    /// Stops it as SIGTERM does: it stops its services, removes its socket and exits; whoever is
    /// then left is killed. `None` when it did not run. With a request still waiting for its answer
    /// Pebble exits with 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Daemon`] when it is still there after [`DaemonOptions::stop_limit`]; it has
    /// then been killed.
    pub fn stop(&self) -> Result<Option<ExitStatus>, Error> {
        let mut state = self.state();
        self.end(&mut state, End::Stop)
    }

    /// Starts it again in the same folder and waits until it answers. Layers that came over the API
    /// are gone, those on disk are not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Daemon`] when it runs already, ends at once, or does not answer in time.
    pub fn start_again(&self) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(child) = state.child.as_mut() {
            match child.try_wait() {
                Ok(None) => {
                    return Err(Error::new(
                        ErrorKind::Daemon,
                        "cannot start Pebble: it is running; kill or stop it first",
                    ));
                }
                // It ended by itself (on-success: shutdown, say): what it started goes too.
                _ => self.end(&mut state, End::Kill).map(drop)?,
            }
        }
        let child = self.spawn()?;
        state.child = Some(child);
        state.boots += 1;
        self.wait_until_it_answers(&mut state)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Poisoned by a test's panic: the daemon must still be ended.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("pebble.log")
    }

    fn lay_out(&self) -> Result<(), Error> {
        let make = |folder: &Path| {
            fs::create_dir_all(folder)
                .map_err(Error::io(format!("cannot make the folder {}", folder.display())))
        };
        let layers = self.folder.join("pebble/layers");
        make(&layers)?;
        if let Some(folder) = self.socket.parent() {
            make(folder)?;
        }
        for (index, (label, yaml)) in self.options.layers.iter().enumerate() {
            let path = layers.join(format!("{:03}-{label}.yaml", index + 1));
            fs::write(&path, yaml)
                .map_err(Error::io(format!("cannot write {}", path.display())))?;
        }
        Ok(())
    }

    fn spawn(&self) -> Result<Child, Error> {
        let path = self.log_path();
        let open = || -> io::Result<(File, File)> {
            let log = OpenOptions::new().create(true).append(true).open(&path)?;
            Ok((log.try_clone()?, log))
        };
        let (out, err) = open().map_err(Error::io(format!("cannot write {}", path.display())))?;
        let mut command = Command::new(&self.binary);
        command.arg("run").current_dir(&self.folder).stdin(Stdio::null()).stdout(out).stderr(err);
        if self.options.hold {
            command.arg("--hold");
        }
        if self.options.own_group {
            command.process_group(0);
        }
        // What our own surroundings want of a Pebble, or of a systemd service (with NOTIFY_SOCKET
        // an idle daemon exits), is not meant here.
        for (name, _) in env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            if text == "PEBBLE"
                || text.starts_with("PEBBLE_")
                || matches!(text, "NOTIFY_SOCKET" | "WATCHDOG_USEC")
            {
                command.env_remove(&name);
            }
        }
        command
            .env("PEBBLE", self.folder.join("pebble"))
            .env("PEBBLE_SOCKET", &self.socket)
            .env(MARK, &self.mark);
        if self.options.forgetful {
            command.env("PEBBLE_PERSIST", "never");
        }
        command.envs(self.options.environment.iter().map(|(name, value)| (name, value)));
        command
            .spawn()
            .map_err(Error::io(format!("cannot start Pebble at {}", self.binary.display())))
    }

    fn wait_until_it_answers(&self, state: &mut State) -> Result<(), Error> {
        let end = Instant::now() + self.options.start_limit;
        loop {
            if matches!(
                wire::get(&self.socket, "/v1/system-info", self.options.start_limit),
                Ok(200)
            ) {
                return Ok(());
            }
            let ended = state.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            let reason = match ended {
                Some(status) => format!("it ended with {status}"),
                None if Instant::now() > end => format!(
                    "no answer on {} in {:?}",
                    self.socket.display(),
                    self.options.start_limit
                ),
                None => {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                }
            };
            let said = self.log_tail();
            self.end(state, End::Kill)?;
            return Err(Error::new(
                ErrorKind::Daemon,
                format!("cannot start Pebble: {reason}; the end of what it said:\n{said}"),
            ));
        }
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
    }

    /// Ends the daemon and all that it started.
    fn end(&self, state: &mut State, how: End) -> Result<Option<ExitStatus>, Error> {
        let Some(mut child) = state.child.take() else {
            return Ok(None);
        };
        let pid = child.id();
        let already = child.try_wait().ok().flatten();
        // The number of a process that has been waited for may be a stranger's by now.
        let root = if already.is_some() { u32::MAX } else { child.id() };
        let mut tree = ProcessTree::new(root, &format!("{MARK}={}", self.mark));
        let mut too_slow = false;
        if already.is_none() && matches!(how, End::Stop) {
            signal(pid, Signal::TERM);
            too_slow = wait_for(&mut child, self.options.stop_limit, &mut tree).is_none();
        }
        if already.is_none() && matches!(child.try_wait(), Ok(None)) {
            // Stopped first, so that it starts nobody while we look whom it has started.
            signal(pid, Signal::STOP);
            tree.remember();
            signal(pid, Signal::KILL);
        }
        let status = child.wait().map_err(Error::io("cannot wait for Pebble's end"))?;
        let left = tree.kill(Duration::from_secs(10));
        if !left.is_empty() {
            return Err(Error::new(
                ErrorKind::Daemon,
                format!("cannot end what Pebble started: processes {left:?} outlive SIGKILL"),
            ));
        }
        if too_slow {
            let limit = self.options.stop_limit;
            return Err(Error::new(
                ErrorKind::Daemon,
                format!("cannot stop Pebble: still running {limit:?} after SIGTERM; it was killed"),
            ));
        }
        Ok(Some(status))
    }
}

#[derive(Clone, Copy)]
enum End {
    Kill,
    Stop,
}

/// Waits for a child, keeping its tree in mind meanwhile: the members' parents go before them.
fn wait_for(child: &mut Child, limit: Duration, tree: &mut ProcessTree) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    tree.remember();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("charmwright: {error}");
        }
    }
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon")
            .field("folder", &self.folder)
            .field("socket", &self.socket)
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}
