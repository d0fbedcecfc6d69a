//! Both benchmarks share this code: it starts a benchmark, builds its programs and measures one
//! process.

pub(crate) mod launch;
pub(crate) mod numbers;
pub(crate) mod setup;

use std::path::Path;
use std::process::ExitCode;

use tempfile::TempDir;

/// A failure is a message for a person; no code of the benchmarks tells one kind from another.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// The name of the benchmark. Each benchmark is a crate of its own, so the crate's name tells it.
const NAME: &str = env!("CARGO_CRATE_NAME");

/// Runs a benchmark with the arguments of cargo and of the user, and returns the exit code.
///
/// `run` returns `false` when a bound is missed that makes the benchmark fail.
pub(crate) fn run_benchmark(run: impl FnOnce(&[String]) -> Result<bool, Failure>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` runs this executable too, without `--bench`. A measurement
        // has nothing to test, and its minutes would be added to every run of the tests.
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

/// Parses the number after `option`, which must be 1 or more.
pub(crate) fn parse_number(option: &str, text: &str) -> Result<usize, Failure> {
    text.parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| format!("{option} needs a number from 1").into())
}

/// Creates a temporary folder, in memory if the machine has `/dev/shm`.
///
/// Its path is short, because the path of a unix socket has at most 107 bytes (unix(7)).
pub(crate) fn temporary_folder() -> Result<TempDir, Failure> {
    let folder = ["/dev/shm", "/tmp"]
        .into_iter()
        .find(|folder| Path::new(folder).is_dir())
        .ok_or("there is neither /dev/shm nor /tmp")?;
    Ok(tempfile::Builder::new().prefix("cw-bench-").tempdir_in(folder)?)
}

/// Prints a line about the progress on standard error; standard output carries the table alone.
pub(crate) fn print_progress(text: &str) {
    eprintln!("{NAME} benchmark: {text}");
}
