//! This benchmark compares the charmwright client for Pebble with its peers: Pebble's own Go
//! client, curl, ops.pebble, and a floor that only moves the bytes.
//!
//! `cargo bench --bench pebble` builds what it needs: a small Go program on the Pebble that
//! `tests/tools` pins, a Python environment with ops, and a C program that starts a process. It
//! starts two new daemons and prints tables in Markdown.
//!
//! - **Each peer is a process** that repeats one operation: first to warm up, which does not count,
//!   then measured. The peer measures the time and the CPU time (user and system) of its own loop,
//!   so the start of the process and of an interpreter is no part of them. Two figures are those of
//!   the whole process: the peak memory, which wait4(2) returns, and curl's CPU time, since curl
//!   does not print its own. curl does print its times (`time_total` of each transfer); it makes
//!   several transfers in one process on one connection.
//! - **Ours** in the tables is `charmwright::pebble::Client` on a current-thread runtime, in this
//!   executable. It is built as a charm of this workspace is released: with link-time optimisation
//!   (the `bench` profile is the `release` one). Without that the client takes about a tenth more
//!   CPU time.
//! - **The floor** is a blocking loop on one connection, in this executable and on nothing but
//!   `std`. It sends the same request, and reads and drops the body. Its exec makes the same
//!   requests with the same three websockets, and shows how long each phase takes the daemon.
//! - **The rounds** are interleaved: each round runs every peer once for each operation, and the
//!   order turns from round to round. A ratio is that of two runs of one round, and the tables have
//!   the medians. The first round fills the caches and is not measured.
//! - **Files**: every peer reads what it pushes from the same file, and counts and drops what it
//!   pulls, so that the memory is comparable. A pushed file is compared with its source once, after
//!   the first round. Files and daemons lie in `/dev/shm`; on a machine without one, the tables say
//!   that a disk is part of the figures. One row pushes to the disk of the build, where Pebble's
//!   sync is part of the time.
//! - **exec** has a daemon of its own with `PEBBLE_PERSIST=never`. With a state file, which Pebble
//!   writes and syncs several times an exec, the time of the syncs would be all that is measured.
//!   The daemon is restarted for each run of a peer, since each change that it remembers makes the
//!   next exec slower.
//! - **ops** takes minutes to pull 64 MiB: it does that once, and is stopped after `--patience`.
//!
//! A missed bound is marked in the table but does not change the exit code, since times depend on
//! the machine.
//!
//! Options, after `--`: `--rounds N` (default 15), `--patience SECONDS` (default 20), and
//! `--only TEXT` for the operations with this text in their names.

mod charmwright_client;
mod command_line;
#[path = "../common/mod.rs"]
mod common;
mod curl;
mod driver;
mod environment;
mod floor;
mod measure;
mod operation;
mod peer;
mod table;
mod task;

use std::process::ExitCode;

use common::{Failure, parse_number, print_progress, run_benchmark};
use environment::Environment;
use operation::{OPERATIONS, Operation};

/// The options of the command line; `patience` is in seconds.
struct Options {
    rounds: usize,
    patience: usize,
    only: String,
}

fn main() -> ExitCode {
    // A peer is recognised before anything else is parsed: its arguments are no options of the
    // benchmark, and cargo's `--bench` is not among them.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == driver::PEER_ARGUMENT
    {
        return driver::main(rest);
    }
    run_benchmark(|arguments| run(&options(arguments)?))
}

/// Parses the command line.
fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { rounds: 15, patience: 20, only: String::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            // Cargo adds this argument to those of the user.
            "--bench" => {}
            "--rounds" => options.rounds = parse_number(argument, value()?)?,
            "--patience" => options.patience = parse_number(argument, value()?)?,
            "--only" => options.only.clone_from(value()?),
            _ => {
                return Err(format!(
                    "unknown option {argument}; there are --rounds N, --patience SECONDS and \
                     --only TEXT"
                )
                .into());
            }
        }
    }
    Ok(options)
}

/// Measures the chosen operations and prints the tables.
fn run(options: &Options) -> Result<bool, Failure> {
    let operations: Vec<Operation> = OPERATIONS
        .into_iter()
        .filter(|operation| operation.title().contains(&options.only))
        .collect();
    if operations.is_empty() {
        return Err(format!("no operation has {:?} in its name", options.only).into());
    }
    let environment = Environment::prepare(options.patience)?;
    print_progress(&format!(
        "measuring {} rounds of {} operations",
        options.rounds,
        operations.len()
    ));
    let results = measure::run_rounds(&environment, &operations, options.rounds)?;
    table::print(&results, &environment, options.rounds)?;
    Ok(true)
}
