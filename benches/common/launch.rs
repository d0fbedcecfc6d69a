//! `launch.c` starts one process and measures it from outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Failure;
use super::setup::{compile, source_folder};

/// A launcher holds the path of the compiled `launch.c`.
pub(crate) struct Launcher(PathBuf);

/// A launched process has ended; its figures include the processes that it started and waited for.
#[allow(dead_code, reason = "each benchmark reads what it shows")]
pub(crate) struct LaunchedProcess {
    /// The time from its start to its end.
    pub(crate) wall: Duration,
    /// The user time and the system time together.
    pub(crate) cpu: Duration,
    /// The peak memory of the largest of the processes, in KiB.
    pub(crate) peak_kib: u64,
    /// The wait status, as wait(2) encodes it.
    pub(crate) status: u64,
    /// The bytes that it wrote to standard output and standard error, in one order.
    pub(crate) output: String,
}

impl Launcher {
    /// Compiles `launch.c` into the build folder.
    pub(crate) fn build(build_folder: &Path) -> Result<Self, Failure> {
        let program = build_folder.join("launch");
        compile(&source_folder("common").join("launch.c"), &program, &[])?;
        Ok(Self(program))
    }

    /// Runs a command line to its end and returns its figures, also when its status is a failure.
    ///
    /// `configure` sets the working folder and the environment. The command inherits no input.
    pub(crate) fn run(
        &self,
        command_line: &[String],
        configure: impl FnOnce(&mut Command),
    ) -> Result<LaunchedProcess, Failure> {
        let mut command = Command::new(&self.0);
        command.args(command_line).stdin(Stdio::null());
        configure(&mut command);
        let output = command.output()?;
        // The launcher writes its four numbers to standard error, because standard output carries
        // what the measured program prints.
        let text = String::from_utf8_lossy(&output.stderr);
        let fields: Option<Vec<u64>> =
            text.split_ascii_whitespace().map(|field| field.parse().ok()).collect();
        match fields.as_deref() {
            Some(&[nanoseconds, cpu_microseconds, peak_kib, status]) if output.status.success() => {
                Ok(LaunchedProcess {
                    wall: Duration::from_nanos(nanoseconds),
                    cpu: Duration::from_micros(cpu_microseconds),
                    peak_kib,
                    status,
                    output: String::from_utf8_lossy(&output.stdout).into_owned(),
                })
            }
            _ => Err(format!("cannot measure {command_line:?}: {text}").into()),
        }
    }
}
