//! What the benchmarks have in common: how they are started, what they build, and how one process
//! is measured.

pub(crate) mod launch;
pub(crate) mod numbers;
pub(crate) mod setup;

use std::path::Path;
use std::process::ExitCode;

use tempfile::TempDir;

/// What went wrong, in words; nobody but a person reads it.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// The benchmark's name: each is a crate of its own.
const NAME: &str = env!("CARGO_CRATE_NAME");

/// Runs a benchmark with the arguments that cargo and the user gave it. It gives whether it
/// succeeded.
pub(crate) fn run_benchmark(run: impl FnOnce(&[String]) -> Result<bool, Failure>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` runs this too, and means to test: there is nothing to test in
        // a measurement.
        println!("nothing measured: this is a benchmark; run it with `cargo bench --bench {NAME}`");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            print_progress(&format!("{failure}"));
            ExitCode::FAILURE
        }
    }
}

/// The number after `option`, from 1.
pub(crate) fn parse_number(option: &str, text: &str) -> Result<usize, Failure> {
    text.parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| format!("{option} needs a number from 1").into())
}

/// A folder in memory where there is one, with a path short enough for a socket.
pub(crate) fn temporary_folder() -> Result<TempDir, Failure> {
    let folder = ["/dev/shm", "/tmp"]
        .into_iter()
        .find(|folder| Path::new(folder).is_dir())
        .ok_or("there is neither /dev/shm nor /tmp")?;
    Ok(tempfile::Builder::new().prefix("cw-bench-").tempdir_in(folder)?)
}

/// Progress, on standard error: standard output is the table's.
pub(crate) fn print_progress(what: &str) {
    eprintln!("{NAME} benchmark: {what}");
}
