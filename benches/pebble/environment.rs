//! The environment of the peers has two daemons, the files to pull and push, and the programs that
//! are built first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use tempfile::TempDir;

use crate::common::launch::Launcher;
use crate::common::setup::{build_folder, python_with_ops, run_to_end, source_folder};
use crate::common::{Failure, print_progress, temporary_folder};
use crate::operation::{CONTENTS, Content, Operation};
use crate::peer::Peer;

/// The number of services in the plan.
pub(crate) const SERVICES: usize = 10;

/// The environment holds what every run of a peer needs.
pub(crate) struct Environment {
    /// The launcher that measures each process.
    pub(crate) launcher: Launcher,
    /// The path of this executable, which is started again as a peer.
    pub(crate) this_executable: PathBuf,
    /// The path of the program on Pebble's Go client.
    pub(crate) go_client: PathBuf,
    /// The Python that has ops.
    pub(crate) python: PathBuf,
    /// The path of the Python program on ops.pebble.
    pub(crate) ops_client: PathBuf,
    /// Says whether curl is installed.
    pub(crate) has_curl: bool,
    /// The time limit of an operation that a peer does only once, in seconds.
    pub(crate) limit_in_seconds: usize,
    /// The daemon for all operations but exec.
    daemon: Daemon,
    /// The daemon for exec, which keeps no state file (`PEBBLE_PERSIST=never`).
    exec_daemon: Daemon,
    /// The folder on the disk of the build, for pushes to a disk.
    disk: TempDir,
    // This field is the last one: fields are dropped in order, and the daemons, whose sockets lie
    // in this folder, must end before it is removed.
    folder: TempDir,
}

impl Environment {
    /// Builds the programs, writes the files and starts both daemons.
    pub(crate) fn prepare(limit_in_seconds: usize) -> Result<Self, Failure> {
        let build_folder = build_folder()?;
        let go_client = build_go_client(&build_folder)?;
        let python = python_with_ops(&build_folder)?;
        let launcher = Launcher::build(&build_folder)?;
        print_progress("starting two daemons");
        let folder = temporary_folder()?;
        for content in CONTENTS {
            fs::write(folder.path().join(content.name()), content_bytes(content))?;
        }
        let daemon = |name: &str| {
            DaemonOptions::new().folder(folder.path().join(name)).layer("bench", layer())
        };
        Ok(Self {
            launcher,
            this_executable: std::env::current_exe()?,
            go_client,
            python,
            ops_client: source_folder("pebble").join("ops_client/client.py"),
            has_curl: is_curl_installed(),
            limit_in_seconds,
            daemon: Daemon::start(daemon("daemon"))?,
            exec_daemon: Daemon::start(daemon("forgetful").forgetful())?,
            disk: tempfile::Builder::new().prefix("bench-").tempdir_in(&build_folder)?,
            folder,
        })
    }

    /// Returns the daemon that an operation uses.
    pub(crate) fn daemon(&self, operation: Operation) -> &Daemon {
        match operation {
            Operation::Exec => &self.exec_daemon,
            _ => &self.daemon,
        }
    }

    /// Restarts the exec daemon before a run of exec; does nothing for other operations.
    ///
    /// Each change that the daemon remembers makes its next exec slower. A new daemon remembers
    /// none, so every peer meets the same one.
    pub(crate) fn renew_daemon(&self, operation: Operation) -> Result<(), Failure> {
        if operation == Operation::Exec {
            self.exec_daemon.kill()?;
            self.exec_daemon.start_again()?;
        }
        Ok(())
    }

    /// Returns the folder of the daemons and of the files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns `true` if the folder lies in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.folder().starts_with("/dev/shm")
    }

    /// Returns the file with this content, which is pulled, or read by a push.
    pub(crate) fn source(&self, content: Content) -> PathBuf {
        self.folder().join(content.name())
    }

    /// Returns the path that a push of a peer writes.
    pub(crate) fn target(&self, peer: Peer, operation: Operation) -> PathBuf {
        let folder = match operation {
            Operation::PushSmallToDisk => self.disk.path(),
            _ => self.folder(),
        };
        folder.join(format!("{peer:?}-{operation:?}"))
    }

    /// Fails unless the file that a peer pushed equals the source.
    pub(crate) fn check_pushed(
        &self,
        peer: Peer,
        operation: Operation,
        content: Content,
    ) -> Result<(), Failure> {
        if fs::read(self.target(peer, operation))? == fs::read(self.source(content))? {
            return Ok(());
        }
        Err(format!("{} has pushed something else than the source", peer.name()).into())
    }
}

/// Generates the bytes of a file: pseudo-random ones, the same in every run, or CR bytes only.
fn content_bytes(content: Content) -> Vec<u8> {
    // The seed is the golden ratio in 64 bits. Any number but 0 would do, since xorshift of 0 is 0.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = std::iter::repeat_with(|| {
        // xorshift64 is fast, and its bytes contain no multipart boundary.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match content {
            Content::CarriageReturns => [b'\r'; 8],
            Content::Small | Content::Large => state.to_le_bytes(),
        }
    });
    words.flatten().take(content.size()).collect()
}

/// Returns the YAML of a layer with ten services, as charms write them, and two checks.
///
/// All are disabled: a running service or check would take CPU time during the measurement.
fn layer() -> String {
    let mut yaml = "summary: what the benchmark reads\nservices:\n".to_owned();
    for number in 0..SERVICES {
        yaml += &format!(
            "  service-{number}:
    override: replace
    summary: Service number {number}
    command: /usr/bin/service-{number} --port 80{number}0 --verbose
    startup: disabled
    on-failure: restart
    backoff-delay: 1s
    kill-delay: 10s
    environment:
      LOG_LEVEL: debug
      PORT: \"80{number}0\"
      DATABASE_URL: postgres://localhost:5432/service-{number}
"
        );
    }
    yaml + "checks:
  up:
    override: replace
    level: ready
    startup: disabled
    period: 10s
    http:
      url: http://localhost:8080/health
  port:
    override: replace
    startup: disabled
    tcp:
      port: 8080
"
}

/// Builds the program on Pebble's Go client, with the module versions that `tests/tools` pins for
/// the Pebble of the tests, so that client and daemon have one version.
fn build_go_client(build_folder: &Path) -> Result<PathBuf, Failure> {
    print_progress("building the program on Pebble's Go client");
    let folder = build_folder.join("go_client");
    fs::create_dir_all(&folder)?;
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools");
    for file in ["go.mod", "go.sum"] {
        fs::copy(tools.join(file), folder.join(file))?;
    }
    fs::copy(source_folder("pebble").join("go_client/main.go"), folder.join("main.go"))?;
    let program = folder.join("go_client");
    run_to_end(
        Command::new("go")
            .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o"])
            .args([&program, &folder.join("main.go")])
            .current_dir(&folder)
            // Without cgo the program needs no C library, and without a workspace it is built with
            // the versions of its own go.mod only.
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off"),
    )?;
    Ok(program)
}

/// Returns `true` if curl can be started, and prints a warning if it cannot.
fn is_curl_installed() -> bool {
    match run_to_end(Command::new("curl").arg("--version")) {
        Ok(_) => true,
        Err(failure) => {
            print_progress(&format!("WITHOUT CURL, so its bounds are not looked at: {failure}"));
            false
        }
    }
}
