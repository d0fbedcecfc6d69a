//! One dispatch, three times: the Rust charm, the same charm on ops, and a floor program that makes
//! the same calls and nothing else.
//!
//! `cargo bench --bench dispatch` builds what it needs (the charm as it is released, three small C
//! programs, a Python environment with ops), starts one real Pebble, brings both charms into
//! operation with the workload's layer in place, and then measures four events:
//!
//! - The **floor** does what the Rust charm was *seen* to do. The charm's run is recorded (each
//!   hook tool with its arguments and input, each request to Pebble), and the recording is compiled
//!   into a C program: posix_spawn, one raw socket, blocking.
//! - The **hook tools** are one static C program that answers from files, the same for all three.
//! - The **rounds** are interleaved: each runs all three once for each event, in turning order; a
//!   ratio is of two runs of one round, and the table has the medians. All three get the same
//!   environment, input and output.
//! - **No disk** is part of it: Pebble runs with `PEBBLE_PERSIST=never`, and ops' database lies in
//!   `/dev/shm` (where there is one). Both sync to disk several times a hook otherwise, which
//!   differs a hundredfold from moment to moment, and Pebble writes all of its state each time,
//!   which grows with each replan that is measured.
//! - **Peak memory** is that of the largest process of the hook, its tools included, as wait4(2)
//!   gives it.
//! - **Hook tools** are counted in runs of their own, with a log that the measured runs do not
//!   write.
//!
//! Options, after `--`: `--rounds N` (default 40), `--hook PATH` to measure another hook executable
//! than the released charm.

#[path = "../common/mod.rs"]
mod common;
mod measure;
mod record;
mod setup;
mod table;
mod unit;

use std::path::PathBuf;
use std::process::ExitCode;

use charmwright_testing::daemon::{Daemon, DaemonOptions};

use common::{Failure, parse_number, print_progress, run_benchmark, temporary_folder};
use record::record;
use setup::Programs;
use unit::{EVENTS, Unit};

struct Options {
    rounds: usize,
    hook: Option<PathBuf>,
}

fn main() -> ExitCode {
    run_benchmark(|arguments| run(&options(arguments)?))
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { rounds: 40, hook: None };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {}
            "--rounds" => {
                options.rounds = parse_number(argument, value()?)?;
            }
            "--hook" => options.hook = Some(std::path::absolute(value()?)?),
            _ => {
                return Err(format!(
                    "unknown option {argument}; there are --rounds N and --hook PATH"
                )
                .into());
            }
        }
    }
    Ok(options)
}

/// Whether the floors that do not depend on this machine's mood hold.
fn run(options: &Options) -> Result<bool, Failure> {
    let programs = Programs::build(options.hook.as_deref())?;
    print_progress("starting Pebble");
    let folder = temporary_folder()?;
    let daemon_options =
        DaemonOptions::new().container("workload").forgetful().folder(folder.path().join("pebble"));
    let daemon = Daemon::start(daemon_options)?;
    let unit = Unit::new(&programs, folder.path(), &daemon)?;
    print_progress("bringing both charms into operation, and recording the one in Rust");
    unit.run_setup_events()?;
    let mut events = Vec::new();
    for event in EVENTS {
        let recording = record(&unit, event)?;
        let floor = programs.floor(event, &recording)?;
        events.push(measure::EventPrograms::new(&unit, event, &recording, floor)?);
    }
    print_progress(&format!("measuring {} rounds of {} events", options.rounds, EVENTS.len()));
    let results = measure::run_rounds(&unit, &events, options.rounds)?;
    table::print(&results, &programs)
}
