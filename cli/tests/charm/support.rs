//! A run of `charmwright dev` that gets its commands line by line, and whose output a test can
//! check.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use charmwright::pebble::RetrySummary;
use charmwright_testing::proxy::FaultProxy;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::charms::{
    RESTART_ON_CHECK, build_charms, checkout, declare_any_workload, pebble_or_skip, target_folders,
};
use crate::printed_output::{HookLine, Table};
pub use crate::runs::{CHARMWRIGHT, wait_until};
use crate::runs::{WAIT_LIMIT, lock_scripts, processes_with_path};

/// The factor by which the agent's waits are shortened. Pebble is polled every 1.25 s, and
/// update-status comes after 75 s, when every run is over.
const TEST_SPEED: u32 = 4;

/// Returns a TCP port on which nothing listens, and which no other test has got.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return port;
        }
    }
}

/// The charm and the options of a run.
pub struct Setup {
    folder: TempDir,
    charm: &'static str,
    pebble: PathBuf,
    args: Vec<String>,
    speed: u32,
    is_proxied: bool,
}

impl Setup {
    /// Sets up any-workload-k8s with the demo workload on this port and a health check of it.
    /// Returns `None` if there is no Pebble, and the test is to be skipped.
    pub fn any_workload(test: &str, port: u16) -> Option<Self> {
        let setup = Self::new(test, "any-workload-k8s")?
            .config("command", &format!("{CHARMWRIGHT} demo-workload"))
            .config("port", &port.to_string())
            .config("health-check", "http:/");
        declare_any_workload(&setup.charm_dir());
        Some(setup)
    }

    /// Sets up the example [`RESTART_ON_CHECK`], whose check fails while [`DevRun::unhealthy_file`]
    /// exists.
    pub fn restart_on_check(test: &str) -> Option<Self> {
        let setup = Self::new(test, RESTART_ON_CHECK)?;
        let unhealthy_file = setup.folder.path().join("ill");
        let file = |name: &str, text: &str| fs::write(setup.charm_dir().join(name), text).unwrap();
        file(
            "metadata.yaml",
            "name: restart-on-check\nsummary: s\ndescription: d\ncontainers: {workload: {}}\n",
        );
        file(
            "config.yaml",
            "options:\n  command: {type: string}\n  check: {type: string}\n\
             \x20 pebble-retry-attempts: {type: int}\n  pebble-retry-step: {type: string}\n",
        );
        Some(
            setup
                .config("command", "sleep 3600")
                .config("check", &format!("test ! -e {}", unhealthy_file.display())),
        )
    }

    fn new(test: &str, charm: &'static str) -> Option<Self> {
        let pebble = pebble_or_skip(test)?;
        {
            let _lock = lock_scripts();
            build_charms();
        }
        let folder = tempfile::Builder::new().prefix("cw").tempdir_in("/tmp").unwrap();
        for name in ["charm", "hold", "proxied", "proxied/workload"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Some(Self { folder, charm, pebble, args: Vec::new(), speed: TEST_SPEED, is_proxied: false })
    }

    fn charm_dir(&self) -> PathBuf {
        self.folder.path().join("charm")
    }

    /// Sets an option of the charm before it is installed.
    pub fn config(self, key: &str, value: &str) -> Self {
        self.arg("--config").arg(&format!("{key}={value}"))
    }

    /// Makes Pebble's calls fail after this number of attempts. The first wait is 200 ms, and each
    /// further one is 200 ms longer.
    pub fn retry_attempts(self, retry_attempts: u32) -> Self {
        self.config("pebble-retry-attempts", &retry_attempts.to_string())
            .config("pebble-retry-step", "200ms")
    }

    /// Adds a word to the command line.
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Gives the agent the waits that Juju's has.
    pub fn in_real_time(mut self) -> Self {
        self.speed = 1;
        self
    }

    /// Lets the charm, but not the agent, reach Pebble through [`DevRun::proxy`].
    pub fn with_proxy(mut self) -> Self {
        self.is_proxied = true;
        self
    }

    /// Starts the run.
    pub fn start(self) -> DevRun {
        let root = self.folder.path();
        let socket = root.join("run/containers/workload/pebble.socket");
        let proxy = self.is_proxied.then(|| {
            FaultProxy::start_at(root.join("proxied/workload/pebble.socket"), &socket).unwrap()
        });
        let mut child = {
            let _lock = lock_scripts();
            let dispatch = self.charm_dir().join("dispatch");
            fs::write(&dispatch, self.dispatch()).unwrap();
            fs::set_permissions(&dispatch, fs::Permissions::from_mode(0o755)).unwrap();
            Command::new(CHARMWRIGHT)
                .arg("dev")
                .arg(self.charm_dir())
                .arg("--dir")
                .arg(root.join("run"))
                .arg("--pebble")
                .arg(&self.pebble)
                .arg("--speed")
                .arg(self.speed.to_string())
                .args(&self.args)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let (sender, lines) = channel();
        read_lines(child.stdout.take().unwrap(), sender.clone());
        read_lines(child.stderr.take().unwrap(), sender);
        let input = RunInput { stdin: Arc::new(Mutex::new(child.stdin.take())), socket };
        DevRun { folder: self.folder, child, input, lines, lines_seen: Vec::new(), proxy }
    }

    /// Returns the charm's program: it waits while its hook is held, and then runs what the
    /// checkout's own `dispatch` runs.
    fn dispatch(&self) -> String {
        let root = self.folder.path().display();
        let (target_folders, programs) = target_folders();
        let containers = if self.is_proxied {
            format!("export CHARMWRIGHT_CONTAINERS={root}/proxied")
        } else {
            String::new()
        };
        let program = if self.charm == RESTART_ON_CHECK {
            programs.join("examples").join(RESTART_ON_CHECK)
        } else {
            checkout().join("dispatch")
        };
        format!(
            "#!/bin/sh\n{containers}\nexport CARGO_TARGET_DIR='{}'\n\
             while [ -f \"{root}/hold/$JUJU_HOOK_NAME\" ]; do sleep 0.02; done\nexec '{}' \"$@\"\n",
            target_folders.display(),
            program.display()
        )
    }
}

fn read_lines(from: impl Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

/// The standard input of a run, for any thread.
#[derive(Clone)]
pub struct RunInput {
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    socket: PathBuf,
}

impl RunInput {
    /// Sends a command to the run.
    pub fn send(&self, command: &str) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        // If the run has ended already, the next look at its lines reports that.
        if let Some(stdin) = stdin.as_mut() {
            let _ = writeln!(stdin, "{command}").and_then(|()| stdin.flush());
        }
    }

    /// Kills Pebble, and returns when it does not answer any more.
    pub fn kill_pebble(&self) {
        self.send("pebble kill");
        wait_until("Pebble's end", || UnixStream::connect(&self.socket).is_err());
    }

    /// Starts Pebble, and returns when it accepts connections.
    pub fn start_pebble(&self) {
        self.send("pebble start");
        wait_until("Pebble's start", || UnixStream::connect(&self.socket).is_ok());
    }
}

/// A run of `charmwright dev`.
pub struct DevRun {
    folder: TempDir,
    child: Child,
    pub input: RunInput,
    lines: Receiver<String>,
    /// All lines that were printed so far.
    lines_seen: Vec<String>,
    proxy: Option<FaultProxy>,
}

impl DevRun {
    /// Sends a command to the run.
    pub fn send(&self, command: &str) {
        self.input.send(command);
    }

    /// Returns the proxy of a run that was set up with one.
    pub fn proxy(&self) -> &FaultProxy {
        self.proxy.as_ref().unwrap()
    }

    /// Returns the path of the file that makes the check of [`RESTART_ON_CHECK`] fail.
    pub fn unhealthy_file(&self) -> PathBuf {
        self.folder.path().join("ill")
    }

    /// Makes this hook wait before its first call until it is released.
    pub fn hold_hook(&self, hook: &str) {
        fs::write(self.folder.path().join("hold").join(hook), "").unwrap();
    }

    /// Lets a held hook continue.
    pub fn release_hook(&self, hook: &str) {
        fs::remove_file(self.folder.path().join("hold").join(hook)).unwrap();
    }

    /// Returns the number of lines so far, as a position for [`DevRun::lines_since`].
    pub fn line_count(&self) -> usize {
        self.lines_seen.len()
    }

    /// Returns the lines after that position.
    pub fn lines_since(&self, position: usize) -> &[String] {
        &self.lines_seen[position..]
    }

    fn unit_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("run/unit.log")).unwrap()
    }

    /// Returns the number of lines of the unit's log so far, as a position for
    /// [`DevRun::retries_since`].
    pub fn log_length(&self) -> usize {
        self.unit_log().lines().count()
    }

    /// Reads the summaries of retries in the unit's log after that position.
    pub fn retries_since(&self, position: usize) -> Vec<RetrySummary> {
        let summary = |line| RetrySummary::at_end_of(line).map(|(_, summary)| summary);
        self.unit_log().lines().skip(position).filter_map(summary).collect()
    }

    /// Waits for the next line that contains this text.
    #[track_caller]
    pub fn line(&mut self, text: &str) -> String {
        self.next(text, |line| line.contains(text).then(|| line.to_owned()))
    }

    /// Waits for the next end of this hook.
    #[track_caller]
    pub fn hook(&mut self, name: &str) -> HookLine {
        self.next(name, |line| HookLine::read(line).filter(|hook| hook.name == name))
    }

    /// Returns the hooks that ended after that position.
    pub fn hooks_since(&self, position: usize) -> Vec<HookLine> {
        self.lines_since(position).iter().filter_map(|line| HookLine::read(line)).collect()
    }

    #[track_caller]
    fn next<T>(&mut self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + WAIT_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = wanted(&line);
                    self.lines_seen.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("waited {WAIT_LIMIT:?} for {what:?}{}", self.describe())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the run ended before {what:?}{}", self.describe())
                }
            }
        }
    }

    /// Returns everything that helps to explain a failed test: the output, the logs and the
    /// requests.
    pub fn describe(&self) -> String {
        let log = |name: &str| {
            fs::read_to_string(self.folder.path().join("run").join(name)).unwrap_or_default()
        };
        let requests: Vec<String> = self
            .proxy
            .iter()
            .flat_map(FaultProxy::requests)
            .map(|lines_seen| {
                format!(
                    "{} {} {} -> {:?}",
                    lines_seen.method,
                    lines_seen.path,
                    String::from_utf8_lossy(&lines_seen.body),
                    lines_seen.status
                )
            })
            .collect();
        format!(
            "\n-- printed\n{}\n-- unit.log\n{}\n-- Pebble\n{}\n-- through the proxy\n{}",
            self.lines_seen.join("\n"),
            log("unit.log"),
            log("pebble-workload.log"),
            requests.join("\n")
        )
    }

    /// Prints the table, settled or not, and reads it.
    #[track_caller]
    pub fn table(&mut self) -> Table {
        self.send("status");
        self.line("> status");
        let mut table = Vec::new();
        loop {
            let line = self.next("a table", |line| Some(line.to_owned()));
            match (line.is_empty(), table.is_empty()) {
                (false, _) => table.push(line),
                (true, true) => {}
                (true, false) => return Table::read(&table),
            }
        }
    }

    /// Waits until the unit is settled and has this status, and returns the table.
    #[track_caller]
    pub fn wait_until_settled(&mut self, status: &str) -> Table {
        self.send(&format!("wait-for {status} 80s"));
        self.table()
    }

    /// Ends the run by `quit`, checks that it exits with 0 and leaves nothing behind, and returns
    /// the lines after the command.
    #[track_caller]
    pub fn quit(self) -> Vec<String> {
        self.end(&[".charmwright", "pebble-workload.log"])
    }

    /// Does the same for a run that never started Pebble.
    #[track_caller]
    pub fn quit_without_pebble(self) -> Vec<String> {
        self.end(&[".charmwright"])
    }

    #[track_caller]
    fn end(mut self, logs: &[&str]) -> Vec<String> {
        let position = self.line_count();
        self.send("quit");
        drop(self.input.stdin.lock().unwrap_or_else(PoisonError::into_inner).take());
        let deadline = Instant::now() + WAIT_LIMIT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.lines_seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the run does not end{}", self.describe()),
            }
        }
        let code = self.child.wait().unwrap();
        assert!(code.success(), "{code}{}", self.describe());
        // The proxy's socket lies in the folder of the test too, and is not a leftover of the run.
        self.proxy = None;
        wait_until("the end of every process", || {
            processes_with_path(self.folder.path()).is_empty()
        });
        let mut left: Vec<_> = fs::read_dir(self.folder.path().join("run"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        // The log of a unit that has logged nothing does not exist.
        left.retain(|name| name != "unit.log");
        assert_eq!(left, logs);
        self.lines_since(position).to_vec()
    }
}

impl Drop for DevRun {
    fn drop(&mut self) {
        // After a failed test the run has to end and clean up before its folder is removed.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = rustix::process::kill_process(Pid::from_child(&self.child), Signal::QUIT);
            let _ = self.child.wait();
        }
    }
}

/// A demo workload that answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Workload {
    pub pid: u32,
}

impl Workload {
    /// Sends a request to the demo workload on this port. Returns `None` if nothing answers there.
    pub fn at(port: u16) -> Option<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.set_read_timeout(Some(WAIT_LIMIT)).ok()?;
        write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let (_, text) = answer.split_once("hello from the demo workload, process ")?;
        let (pid, rest) = text.split_once(" on port ")?;
        assert_eq!(rest.trim_end(), port.to_string());
        Some(Self { pid: pid.parse().unwrap() })
    }

    /// Returns the value of a variable in the environment of the workload.
    pub fn variable(&self, name: &str) -> Option<String> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap();
        environment
            .split(|byte| *byte == 0)
            .map(String::from_utf8_lossy)
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned))
    }
}
