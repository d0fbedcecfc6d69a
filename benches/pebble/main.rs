//! The client for Pebble beside its peers: Pebble's own Go client, curl, ops.pebble, and a floor
//! that only moves the bytes.
//!
//! `cargo bench --bench pebble` builds what it needs (a small Go program on the Pebble that
//! `tests/tools` pins, a Python environment with ops, a C program that starts a process), starts
//! two real daemons that nobody has used before, and prints tables in Markdown.
//!
//! - **Each peer is a process** that does one operation over and over: first some repetitions to
//!   warm up, which do not count, then those that are measured. It takes the time and the CPU time
//!   (user and system) around its loop itself, so neither its start nor the interpreter's is part
//!   of them. Two figures are of the whole process: the peak memory, as wait4(2) gives it, and
//!   curl's CPU time, since curl cannot be asked; its times are its own too (`time_total` of each
//!   transfer, several in one process on one connection).
//! - **Ours** is `charmwright::pebble::Client` on a current-thread runtime, in this executable,
//!   built as a charm of this workspace is released: with link-time optimisation (the `bench`
//!   profile is the `release` one). Without it our client takes about a tenth more CPU time.
//! - **The floor** is a blocking loop on one kept connection, in this executable and on nothing but
//!   `std`: the same request, the body read and thrown away. Its exec makes the same requests with
//!   the same three websockets, and shows what each phase takes the daemon.
//! - **The rounds** are interleaved: each runs every peer once for each operation, in turning
//!   order. A ratio is of two runs of one round, and the tables have the medians. The first round
//!   is for the caches and thrown away.
//! - **Files**: every peer reads what it pushes from the same file and counts and throws away what
//!   it pulls, so that memory is comparable. What was pushed is compared with the source once,
//!   after the first round. Files and daemons lie in `/dev/shm`; the tables say so, or that a disk
//!   is in the figures where there is none. One row pushes to the disk that the build lies on,
//!   since there Pebble's sync is part of it.
//! - **exec** has a daemon of its own with `PEBBLE_PERSIST=never`: else its state file, written and
//!   synced several times an exec, is all that is measured. It is started anew for each run of a
//!   peer, since each change that it remembers makes the next exec slower.
//! - **ops** pulls 64 MiB in minutes: it does that once, and is stopped after `--patience`.
//!
//! A bound that is missed is marked in the table and nowhere else: times depend on the machine, so
//! the exit code does not depend on them.
//!
//! Options, after `--`: `--rounds N` (default 15), `--patience SECONDS` (default 20), `--only TEXT`
//! for the operations with this in their name.

mod charmwright_client;
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

use std::process::ExitCode;

use common::{Failure, parse_number, print_progress, run_benchmark};
use environment::Environment;
use operation::{OPERATIONS, Operation};

struct Options {
    rounds: usize,
    patience: usize,
    only: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == driver::PEER_ARGUMENT
    {
        return driver::main(rest);
    }
    run_benchmark(|arguments| run(&options(arguments)?))
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { rounds: 15, patience: 20, only: String::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
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
