//! This benchmark dispatches an event to three programs: the Rust charm, the same charm on ops, and
//! a floor program that makes the same calls and nothing else.
//!
//! `cargo bench --bench dispatch` builds what it needs: the charm as it is released, three small C
//! programs, and a Python environment with ops. It starts one Pebble, runs the setup events of both
//! charms until the workload's layer is in place, and then measures four events:
//!
//! - The **floor** repeats what the Rust charm did. The benchmark records a run of the charm: each
//!   hook tool with its arguments and its input, and each request to Pebble. It compiles the
//!   recording into a C program with posix_spawn and one blocking socket.
//! - The **hook tools** are one static C program that answers from files. All three programs use
//!   it.
//! - The **rounds** are interleaved: each round runs all three programs once for each event, and
//!   the order turns from round to round. A ratio is that of two runs of one round, and the table
//!   has the medians. All three programs get the same environment, input and output.
//! - **No disk** is part of the figures: Pebble runs with `PEBBLE_PERSIST=never`, and ops' database
//!   lies in `/dev/shm` if the machine has it. On a disk, both would sync several times a hook, and
//!   the time of a sync differs a hundredfold from moment to moment. Pebble would also write its
//!   whole state each time, which grows with each measured replan.
//! - The **peak memory** is that of the largest process of the hook, hook tools included, as
//!   wait4(2) returns it.
//! - The **hook tools are counted** in separate runs, which write a log; the measured runs write
//!   none.
//!
//! Options, after `--`: `--rounds N` (default 40), and `--hook PATH` to measure another hook
//! executable than the released charm.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod measure;
mod record;
mod recording;
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

/// The options of the command line.
struct Options {
    rounds: usize,
    hook: Option<PathBuf>,
}

fn main() -> ExitCode {
    run_benchmark(|arguments| run(&options(arguments)?))
}

/// Parses the command line.
fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { rounds: 40, hook: None };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            // Cargo adds this argument to those of the user.
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

/// Measures all events and prints the table. Returns `true` if the bounds of counts and sizes hold;
/// those of times depend on the machine and do not count.
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
