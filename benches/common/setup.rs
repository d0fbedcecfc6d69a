//! This module builds what both benchmarks need: C programs and a Python environment with ops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Failure, print_progress};

/// Returns the folder with the sources of a benchmark.
pub(crate) fn source_folder(benchmark: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(benchmark)
}

/// Creates the folder for the programs that this benchmark builds.
///
/// It lies in cargo's target folder and stays from run to run.
pub(crate) fn build_folder() -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", super::NAME));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
///
/// The command could not be started, or its status is a failure; the message then has both its
/// standard error and its standard output.
pub(crate) fn run_to_end(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    Err(format!("{command:?} failed: {}\n{}", output.status, printed.trim_end()).into())
}

/// Compiles a C program, statically linked, so that no measured time goes into the dynamic loader.
pub(crate) fn compile(source: &Path, program: &Path, options: &[String]) -> Result<(), Failure> {
    run_to_end(
        Command::new("cc")
            .args(["-O2", "-static", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(program)
            .args(options)
            .arg(source),
    )
    .map_err(|failure| {
        format!(
            "cannot compile {}; a C compiler and a static libc are needed: {failure}",
            source.display()
        )
    })?;
    Ok(())
}

/// Returns the Python of a virtual environment that has the ops of `requirements.txt`.
///
/// The environment stays from run to run and is created again when `requirements.txt` changes.
pub(crate) fn python_with_ops(build_folder: &Path) -> Result<PathBuf, Failure> {
    let folder = build_folder.join("venv");
    let python = folder.join("bin/python");
    let requirements = source_folder("common").join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)?;
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    print_progress(&format!("installing {} from PyPI", wanted.trim()));
    // On the first run there is no folder to remove; any other problem fails the next command.
    let _old = fs::remove_dir_all(&folder);
    run_to_end(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run_to_end(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&requirements),
    )?;
    // The last step: an installation that was interrupted has no stamp and is made again.
    fs::write(stamp, wanted)?;
    Ok(python)
}
