//! A charm made of shell scripts, a run of it, and checks of that run.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use charmwright_testing::processes::is_running;

pub use crate::runs::{CHARMWRIGHT, wait_until};
use crate::runs::{lock_scripts, processes_with_path};

/// A charm in a folder of its own, beside a folder for the temporary files of the run and a folder
/// for the charm's notes.
pub struct Charm {
    folder: tempfile::TempDir,
}

impl Charm {
    /// Makes a charm named `web` with these files. A file that begins with `#!` is executable, and
    /// `$OUT` in a script is the folder for its notes.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let charm = Self { folder: tempfile::Builder::new().prefix("cw").tempdir().unwrap() };
        for name in ["charm", "tmp", "out"] {
            fs::create_dir(charm.folder.path().join(name)).unwrap();
        }
        charm.write("metadata.yaml", "name: web\nsummary: s\ndescription: d\n");
        for (name, content) in files {
            charm.write(name, content);
        }
        charm
    }

    /// Makes a charm whose only program is this `dispatch`, a script for `sh`.
    pub fn with_dispatch(script: &str) -> Self {
        Self::new(&[("dispatch", &format!("#!/bin/sh\n{script}\n"))])
    }

    /// Writes a file of the charm.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.dir().join(name);
        let _lock = lock_scripts();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content.replace("$OUT", &self.out().display().to_string())).unwrap();
        let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("charm")
    }

    /// Returns the folder of `$OUT`.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Returns what the charm wrote to `$OUT/NAME`, or an empty text.
    pub fn note(&self, name: &str) -> String {
        fs::read_to_string(self.out().join(name)).unwrap_or_default()
    }

    /// Waits until the charm has written a line to `$OUT/NAME`, and returns it.
    pub fn wait_for_note(&self, name: &str) -> String {
        wait_until(&format!("the charm's note {name}"), || self.note(name).ends_with('\n'));
        self.note(name)
    }

    /// Returns the command `charmwright dev` for this charm.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(CHARMWRIGHT);
        command.arg("dev").arg(self.dir()).args(args).env("TMPDIR", self.folder.path().join("tmp"));
        command
    }

    /// Copies the program under test out of Cargo's folder. The copy may be replaced.
    pub fn copied_program(&self) -> PathBuf {
        let copy = self.out().join("charmwright");
        let _lock = lock_scripts();
        fs::copy(CHARMWRIGHT, &copy).unwrap();
        copy
    }

    /// Starts a run with this script on its standard input.
    pub fn start(&self, args: &[&str], script: &str) -> Child {
        Self::start_command(&mut self.command(args), script)
    }

    fn start_command(command: &mut Command, script: &str) -> Child {
        let mut child = {
            let _lock = lock_scripts();
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        // A run that ends early does not read the whole script.
        let _ = child.stdin.as_mut().unwrap().write_all(script.as_bytes());
        child
    }

    /// Runs the charm until the run ends, and checks that nothing is left behind.
    pub fn run(&self, args: &[&str], script: &str) -> Run {
        self.ended(self.start(args, script))
    }

    fn ended(&self, mut child: Child) -> Run {
        drop(child.stdin.take());
        let run = Run::from(child.wait_with_output().unwrap());
        self.assert_nothing_left();
        run
    }

    /// Starts a run through another program, which runs the command in its last arguments.
    pub fn start_within(&self, outer: &[&str], args: &[&str], script: &str) -> Child {
        let inner = self.command(args);
        let (program, rest) = outer.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(rest).arg(inner.get_program()).args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::start_command(&mut command, script)
    }

    /// Runs the charm through another program until the run ends, and checks that nothing is left
    /// behind.
    pub fn run_within(&self, outer: &[&str], args: &[&str], script: &str) -> Run {
        self.ended(self.start_within(outer, args, script))
    }

    /// Checks that no process of the run is alive and no file of it is left. It waits for processes
    /// that were just killed.
    pub fn assert_nothing_left(&self) {
        let tmp = self.folder.path().join("tmp");
        let left = || {
            fs::read_dir(&tmp).unwrap().flatten().map(|entry| entry.file_name()).collect::<Vec<_>>()
        };
        wait_until("the end of everything that was started", || self.processes().is_empty());
        wait_until("the removal of every temporary file", || left().is_empty());
    }

    /// Returns the processes that have this charm's folder in their environment or arguments.
    pub fn processes(&self) -> Vec<String> {
        processes_with_path(self.folder.path())
    }
}

/// The output and the exit code of a run.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Run {
    /// Checks the exit code, and shows the output if it is another one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that this text was printed.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "no {text:?} in\n{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Sends a signal to a process that this test started.
pub fn signal(child: &Child, name: &str) {
    signal_pid(&child.id().to_string(), name);
}

/// Sends a signal to a process that a run of this test started.
pub fn signal_pid(pid: &str, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), pid.trim()]).status().unwrap();
    assert!(sent.success(), "cannot send {name} to {pid}");
}

/// Returns `true` if a process is alive. A zombie is not.
pub fn is_alive(pid: &str) -> bool {
    is_running(pid.trim().parse().unwrap())
}
