//! A real Pebble daemon that belongs to one test.

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

/// The environment variable that marks a daemon and, because a child inherits it, all processes
/// that the daemon starts.
const MARK: &str = "CHARMWRIGHT_DAEMON";

/// The options of a [`Daemon`].
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    binary: Option<PathBuf>,
    pinned: Pinned,
    folder: Option<PathBuf>,
    socket: Option<PathBuf>,
    container: String,
    layers: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    is_held: bool,
    is_forgetful: bool,
    has_own_group: bool,
    start_limit: Duration,
    stop_limit: Duration,
}

impl Default for DaemonOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl DaemonOptions {
    /// Makes the options of a daemon of the pinned Pebble, in a temporary folder and without
    /// layers, which starts its enabled services.
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
            is_held: false,
            is_forgetful: false,
            has_own_group: false,
            start_limit: Duration::from_secs(30),
            stop_limit: Duration::from_secs(30),
        }
    }

    /// Sets the path of the Pebble to run. Default: the one that [`Search::find`] returns.
    #[must_use]
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Sets the pinned version to run, unless [`DaemonOptions::binary`] names a Pebble. Default:
    /// [`Pinned::Current`].
    #[must_use]
    pub fn pinned(mut self, pinned: Pinned) -> Self {
        self.pinned = pinned;
        self
    }

    /// Sets the folder of the daemon. It is made if it does not exist, and it is not removed when
    /// the daemon is dropped. Default: a temporary folder, which is removed.
    #[must_use]
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// Sets the path of the socket, of at most 107 bytes. Default:
    /// `containers/NAME/pebble.socket` in the daemon's folder.
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// Sets the name of the container that this daemon stands for. It is part of the default path
    /// of the socket. Default: `workload`.
    #[must_use]
    pub fn container(mut self, name: impl Into<String>) -> Self {
        self.container = name.into();
        self
    }

    /// Adds a layer in YAML as a file in the daemon's folder, as an OCI image contains it.
    ///
    /// The file is named for the label and the number of layers before it. Unlike a layer that is
    /// added over the API it is in the plan again after a restart.
    #[must_use]
    pub fn layer(mut self, label: impl Into<String>, yaml: impl Into<String>) -> Self {
        self.layers.push((label.into(), yaml.into()));
        self
    }

    /// Adds a variable to the environment of the daemon, which its services inherit.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs Pebble with `--hold`: it does not start the enabled services by itself.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.is_held = true;
        self
    }

    /// Runs Pebble with `PEBBLE_PERSIST=never`: it keeps no state file, so after a restart it has
    /// no changes and numbers new ones from 1 again.
    ///
    /// Pebble knows the variable since 1.23. [`Pinned::Oldest`] keeps its state all the same.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.is_forgetful = true;
        self
    }

    /// Runs the daemon in a process group of its own, so that Ctrl-C at a terminal does not reach
    /// it.
    ///
    /// It is for a program that ends the daemon itself. In a test Ctrl-C should end the daemon
    /// together with the test.
    #[must_use]
    pub fn own_process_group(mut self) -> Self {
        self.has_own_group = true;
        self
    }

    /// Sets the time that a start may take until the daemon answers. Default: 30 s.
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Sets the time that a graceful stop may take before the daemon is killed. Default: 30 s.
    #[must_use]
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limit;
        self
    }
}

/// A Pebble daemon with a folder and a socket of its own.
///
/// It ends as a container ends. However it ends, every process that it started ends with it, also
/// one in another process group (Pebble gives each service one) and one that has lost its parent.
/// Only a process that has lost its parent and dropped its environment, while no process related to
/// it ran, is not found.
///
/// Dropping it kills the daemon and these processes, and removes the temporary folder.
///
/// All methods take `&self`, so that one thread can kill the daemon while another waits for its
/// reply.
pub struct Daemon {
    options: DaemonOptions,
    binary: PathBuf,
    folder: PathBuf,
    socket: PathBuf,
    /// The value of [`MARK`] in the environment of the daemon.
    mark: String,
    state: Mutex<State>,
    /// The temporary folder, which is removed when this is dropped.
    _temporary: Option<TempDir>,
}

#[derive(Default)]
struct State {
    /// The process of the daemon, until it was waited for.
    child: Option<Child>,
    /// The number of starts so far.
    boots: u32,
}

impl Daemon {
    /// Starts a daemon and waits until it answers.
    ///
    /// Its enabled services need not run yet: Pebble starts them a moment later. Without
    /// [`DaemonOptions::binary`] this builds the pinned Pebble if that has not been built yet, and
    /// prints its progress on standard error.
    ///
    /// # Errors
    ///
    /// - The errors of [`Search::find`].
    /// - [`ErrorKind::SocketPath`] if the path of the socket is too long.
    /// - [`ErrorKind::Io`] if the folder or a file in it cannot be made.
    /// - [`ErrorKind::Daemon`] if the daemon ends at once or does not answer in time. The message
    ///   has the last ten lines of its log.
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
            // Pebble 1.1.1 makes this second socket, too, and ends if it cannot.
            let mut second = socket.clone().into_os_string();
            second.push(".untrusted");
            check_socket_path(Path::new(&second))?;
        }
        // The process id and the folder together identify one daemon on this machine.
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
        daemon.make_folders()?;
        daemon.start_again()?;
        Ok(daemon)
    }

    /// Returns the path of the daemon's socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns a new client of the daemon, whose errors name the container.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.socket).with_target(format!("container \"{}\"", self.options.container))
    }

    /// Returns the folder that holds `NAME/pebble.socket`, which is the value of
    /// `CHARMWRIGHT_CONTAINERS` for a charm. Returns `None` if [`DaemonOptions::socket`] has
    /// another form.
    #[must_use]
    pub fn containers(&self) -> Option<&Path> {
        let container = self.socket.parent()?;
        let is_usual = self.socket.file_name()? == "pebble.socket"
            && container.file_name()? == self.options.container.as_str();
        if is_usual { container.parent() } else { None }
    }

    /// Returns the folder of the daemon. In it `pebble/` is the folder of Pebble itself
    /// (`$PEBBLE`), and `pebble.log` is the output of Pebble.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of the Pebble that the daemon runs.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Returns the number of starts so far, the first one included.
    #[must_use]
    pub fn boots(&self) -> u32 {
        self.state().boots
    }

    /// Returns the process id of the daemon, or `None` if it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let mut state = self.state();
        let child = state.child.as_mut()?;
        matches!(child.try_wait(), Ok(None)).then(|| child.id())
    }

    /// Returns `true` if the process of the daemon runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// Returns the output of the daemon so far, of all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Kills the daemon and every process that it started with SIGKILL.
    ///
    /// The file of its socket stays, as after any SIGKILL, and refuses connections. If the daemon
    /// has ended by itself, the processes that it left are killed all the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Daemon`] if a process still runs ten seconds after SIGKILL.
    pub fn kill(&self) -> Result<(), Error> {
        let mut state = self.state();
        self.end(&mut state, End::Kill).map(drop)
    }

    /// Stops the daemon with SIGTERM and returns its exit status, or `None` if it did not run.
    ///
    /// Pebble stops its services, removes its socket and exits. It exits with 1 if a request is
    /// still waiting for its reply. The processes that are left after that are killed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Daemon`] if the daemon still ran after [`DaemonOptions::stop_limit`] and was
    /// killed, or if a process still runs ten seconds after SIGKILL.
    pub fn stop(&self) -> Result<Option<ExitStatus>, Error> {
        let mut state = self.state();
        self.end(&mut state, End::Stop)
    }

    /// Starts the daemon again in the same folder and waits until it answers.
    ///
    /// Layers that were added over the API are not in its plan any more; those in files are.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Daemon`] if the daemon runs already, ends at once or does not answer in time.
    /// - [`ErrorKind::Io`] if its process cannot be started.
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
                // It has ended by itself (`on-success: shutdown`, for example), and the processes
                // that it started may still run.
                _ => self.end(&mut state, End::Kill).map(drop)?,
            }
        }
        let child = self.spawn()?;
        state.child = Some(child);
        state.boots += 1;
        self.wait_until_it_answers(&mut state)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a test poisons the lock, and the daemon must be ended nonetheless.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("pebble.log")
    }

    /// Makes the folders of the daemon and the files of its layers.
    fn make_folders(&self) -> Result<(), Error> {
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
        if self.options.is_held {
            command.arg("--hold");
        }
        if self.options.has_own_group {
            command.process_group(0);
        }
        // The variables in the environment of the test are meant for another Pebble or for a
        // systemd service. With NOTIFY_SOCKET an idle daemon exits.
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
        if self.options.is_forgetful {
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

    /// Ends the daemon and every process that it started.
    fn end(&self, state: &mut State, how: End) -> Result<Option<ExitStatus>, Error> {
        let Some(mut child) = state.child.take() else {
            return Ok(None);
        };
        let pid = child.id();
        let has_ended = child.try_wait().is_ok_and(|status| status.is_some());
        // The id of a process that was waited for may belong to another process by now. No process
        // has this one.
        let root = if has_ended { u32::MAX } else { child.id() };
        let mut tree = ProcessTree::new(root, &format!("{MARK}={}", self.mark));
        let mut is_too_slow = false;
        if !has_ended && matches!(how, End::Stop) {
            signal(pid, Signal::TERM);
            is_too_slow = wait_for(&mut child, self.options.stop_limit, &mut tree).is_none();
        }
        if !has_ended && matches!(child.try_wait(), Ok(None)) {
            // SIGSTOP comes first, so that the daemon starts no process during the scan for those
            // that it has started.
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
        if is_too_slow {
            let limit = self.options.stop_limit;
            return Err(Error::new(
                ErrorKind::Daemon,
                format!("cannot stop Pebble: still running {limit:?} after SIGTERM; it was killed"),
            ));
        }
        Ok(Some(status))
    }
}

/// The way in which a daemon is ended.
#[derive(Clone, Copy)]
enum End {
    /// With SIGKILL.
    Kill,
    /// With SIGTERM, and with SIGKILL after the limit.
    Stop,
}

/// Waits until the child has ended. Returns `None` if it still runs after `limit`.
fn wait_for(child: &mut Child, limit: Duration, tree: &mut ProcessTree) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    // The daemon may end before the processes that it started, and with it the way to them.
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
