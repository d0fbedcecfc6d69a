//! What the peers run on: two daemons, the files, and the programs that are built first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use tempfile::TempDir;

use crate::common::launch::Launcher;
use crate::common::setup::{home, output, python, sources};
use crate::common::{Failure, place, say};
use crate::curl;
use crate::operation::{CONTENTS, Content, Operation};
use crate::peer::Peer;

/// How many services the plan has.
pub(crate) const SERVICES: usize = 10;

pub(crate) struct Stage {
    pub(crate) launcher: Launcher,
    /// This executable.
    pub(crate) here: PathBuf,
    pub(crate) go: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) ops_client: PathBuf,
    /// Whether there is one.
    pub(crate) curl: bool,
    /// How many seconds a peer may take for what it does only once.
    pub(crate) patience: usize,
    daemon: Daemon,
    forgetful: Daemon,
    /// For what is to be written to a disk.
    disk: TempDir,
    // The last, since the daemons live in it.
    place: TempDir,
}

impl Stage {
    pub(crate) fn set(patience: usize) -> Result<Self, Failure> {
        let home = home()?;
        let go = go_client(&home)?;
        let python = python(&home)?;
        let launcher = Launcher::build(&home)?;
        say("starting two daemons");
        let place = place()?;
        for content in CONTENTS {
            fs::write(place.path().join(content.name()), bytes(content))?;
        }
        let daemon = |name: &str| {
            DaemonOptions::new().folder(place.path().join(name)).layer("bench", layer())
        };
        Ok(Self {
            launcher,
            here: std::env::current_exe()?,
            go,
            python,
            ops_client: sources("pebble").join("ops_client/client.py"),
            curl: curl::is_there(),
            patience,
            daemon: Daemon::start(daemon("daemon"))?,
            forgetful: Daemon::start(daemon("forgetful").forgetful())?,
            disk: tempfile::Builder::new().prefix("bench-").tempdir_in(&home)?,
            place,
        })
    }

    pub(crate) fn daemon(&self, operation: Operation) -> &Daemon {
        match operation {
            Operation::Exec => &self.forgetful,
            _ => &self.daemon,
        }
    }

    /// Starts the daemon again whose work leaves something behind: with each change that it
    /// remembers, the next takes it longer.
    pub(crate) fn make_fresh(&self, operation: Operation) -> Result<(), Failure> {
        if operation == Operation::Exec {
            self.forgetful.kill()?;
            self.forgetful.start_again()?;
        }
        Ok(())
    }

    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn in_memory(&self) -> bool {
        self.place().starts_with("/dev/shm")
    }

    /// A file to pull, and the one whose content is pushed.
    pub(crate) fn source(&self, content: Content) -> PathBuf {
        self.place().join(content.name())
    }

    /// Where a peer pushes to.
    pub(crate) fn target(&self, peer: Peer, operation: Operation) -> PathBuf {
        let folder = match operation {
            Operation::PushSmallToDisk => self.disk.path(),
            _ => self.place(),
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
fn bytes(content: Content) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = std::iter::repeat_with(|| {
        // xorshift64: fast, and nothing in it looks like a boundary.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match content {
            Content::Returns => [b'\r'; 8],
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
fn go_client(home: &Path) -> Result<PathBuf, Failure> {
    say("building the program on Pebble's Go client");
    let folder = home.join("go_client");
    fs::create_dir_all(&folder)?;
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools");
    for file in ["go.mod", "go.sum"] {
        fs::copy(tools.join(file), folder.join(file))?;
    }
    fs::copy(sources("pebble").join("go_client/main.go"), folder.join("main.go"))?;
    let program = folder.join("go_client");
    output(
        Command::new("go")
            .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o"])
            .args([&program, &folder.join("main.go")])
            .current_dir(&folder)
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off"),
    )?;
    Ok(program)
}
