//! One process, measured from outside by `launch.c`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Failure;
use super::setup::{compile, source_folder};

/// The compiled `launch`.
pub(crate) struct Launcher(PathBuf);

/// What one process took, with all that it has started and waited for.
#[allow(dead_code, reason = "each benchmark reads what it shows")]
pub(crate) struct LaunchedProcess {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// Of the largest process.
    pub(crate) peak_kib: u64,
    /// As wait(2) gives it.
    pub(crate) status: u64,
    /// All that it wrote to standard output and standard error.
    pub(crate) output: String,
}

impl Launcher {
    pub(crate) fn build(build_folder: &Path) -> Result<Self, Failure> {
        let program = build_folder.join("launch");
        compile(&source_folder("common").join("launch.c"), &program, &[])?;
        Ok(Self(program))
    }

    /// Runs a command line to its end, whatever its status. `configure` sets folder and environment.
    pub(crate) fn run(
        &self,
        command_line: &[String],
        configure: impl FnOnce(&mut Command),
    ) -> Result<LaunchedProcess, Failure> {
        let mut command = Command::new(&self.0);
        command.args(command_line).stdin(Stdio::null());
        configure(&mut command);
        let output = command.output()?;
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
