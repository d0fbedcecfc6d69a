//! What the peers run on: two daemons, the files, and the programs that are built first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use tempfile::TempDir;

use crate::common::launch::Launcher;
use crate::common::setup::{build_folder, python_with_ops, run_to_end, source_folder};
use crate::common::{Failure, print_progress, temporary_folder};
use crate::curl;
use crate::operation::{CONTENTS, Content, Operation};
use crate::peer::Peer;

/// How many services the plan has.
pub(crate) const SERVICES: usize = 10;

pub(crate) struct Environment {
    pub(crate) launcher: Launcher,
    /// This executable.
    pub(crate) this_executable: PathBuf,
    pub(crate) go: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) ops_client: PathBuf,
    /// Whether there is one.
    pub(crate) has_curl: bool,
    /// How many seconds a peer may take for what it does only once.
    pub(crate) limit_in_seconds: usize,
    daemon: Daemon,
    exec_daemon: Daemon,
    /// For what is to be written to a disk.
    disk: TempDir,
    // The last, since the daemons live in it.
    folder: TempDir,
}

impl Environment {
    pub(crate) fn prepare(limit_in_seconds: usize) -> Result<Self, Failure> {
        let build_folder = build_folder()?;
        let go = go_client(&build_folder)?;
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
            go,
            python,
            ops_client: source_folder("pebble").join("ops_client/client.py"),
            has_curl: curl::is_installed(),
            limit_in_seconds,
            daemon: Daemon::start(daemon("daemon"))?,
            exec_daemon: Daemon::start(daemon("forgetful").forgetful())?,
            disk: tempfile::Builder::new().prefix("bench-").tempdir_in(&build_folder)?,
            folder,
        })
    }

    pub(crate) fn daemon(&self, operation: Operation) -> &Daemon {
        match operation {
            Operation::Exec => &self.exec_daemon,
            _ => &self.daemon,
        }
    }

    /// Starts the daemon again whose work leaves something behind: with each change that it
    /// remembers, the next takes it longer.
    pub(crate) fn restart_exec_daemon(&self, operation: Operation) -> Result<(), Failure> {
        if operation == Operation::Exec {
            self.exec_daemon.kill()?;
            self.exec_daemon.start_again()?;
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.folder().starts_with("/dev/shm")
    }

    /// A file to pull, and the one whose content is pushed.
    pub(crate) fn source(&self, content: Content) -> PathBuf {
        self.folder().join(content.name())
    }

    /// Where a peer pushes to.
    pub(crate) fn target(&self, peer: Peer, operation: Operation) -> PathBuf {
        let folder = match operation {
            Operation::PushSmallToDisk => self.disk.path(),
            _ => self.folder(),
        };
        folder.join(format!("{peer:?}-{operation:?}"))
    }

    /// Sees that what a peer pushed is what it was to push.
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

/// Random-like bytes, the same in every run, or one byte only.
fn content_bytes(content: Content) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = std::iter::repeat_with(|| {
        // xorshift64: fast, and nothing in it looks like a boundary.
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

/// Ten services as charms have them, none of which runs, and two checks.
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

/// The small program on Pebble's Go client, with the modules that the tests' own Pebble is made of.
fn go_client(build_folder: &Path) -> Result<PathBuf, Failure> {
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
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off"),
    )?;
    Ok(program)
}
