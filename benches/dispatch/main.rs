//! This benchmark dispatches an event to three programs: a Rust charm, the same charm on ops, and
//! a floor program that makes the same calls and nothing else. It does so for two charms, the
//! **cases** ([`cases`]).
//!
//! `cargo bench --bench dispatch` builds what it needs: the Rust charms as they are released, three
//! small C programs, and a Python environment with ops. For each case it starts a Pebble for each
//! container, runs the hooks of a new unit in both charms until the unit is in operation, and then
//! measures its events:
//!
//! - A **model** of Juju (`charmwright_agent`) dispatches the hooks and answers the hook tools, one
//!   model for each charm. The benchmark fails unless both charms have the same effects after each
//!   event: status, ports, databags, secrets read, and the plans of all Pebbles.
//! - The **floor** repeats what the Rust charm did. The benchmark records a run of the charm: each
//!   hook tool with its arguments and its input, and each request to Pebble. It compiles the
//!   recording into a C program with posix_spawn and a blocking socket for each Pebble.
//! - The **hook tools** are one static C program. In the measured runs it answers from files, which
//!   have the answers of the model. All three programs use it.
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
//!   none. These runs must make the calls that the model answered, or the benchmark fails.
//!
//! Options, after `--`: `--rounds N` (default 40), `--case PACKAGE` to measure one charm alone, and
//! with it `--hook PATH` to measure another hook executable than the released one.

mod agent;
mod calls;
mod case;
mod cases;
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

use case::Case;
use common::{Failure, parse_number, print_progress, run_benchmark, temporary_folder};
use setup::Programs;
use unit::Unit;

/// The options of the command line.
struct Options {
    rounds: usize,
    case: Option<String>,
    hook: Option<PathBuf>,
}

fn main() -> ExitCode {
    run_benchmark(|arguments| run(&options(arguments)?))
}

/// Parses the command line.
fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options { rounds: 40, case: None, hook: None };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            // Cargo adds this argument to those of the user.
            "--bench" => {}
            "--rounds" => {
                options.rounds = parse_number(argument, value()?)?;
            }
            "--case" => options.case = Some(value()?.clone()),
            "--hook" => options.hook = Some(std::path::absolute(value()?)?),
            _ => {
                return Err(format!(
                    "unknown option {argument}; there are --rounds N, --case PACKAGE and \
                     --hook PATH"
                )
                .into());
            }
        }
    }
    if options.hook.is_some() && options.case.is_none() {
        return Err("--hook needs --case, which says whose executable it is".into());
    }
    Ok(options)
}

/// Measures all cases and prints their tables. Returns `true` if the bounds of counts and sizes
/// hold; those of times depend on the machine and do not count.
fn run(options: &Options) -> Result<bool, Failure> {
    let mut cases = cases::all()?;
    if let Some(package) = &options.case {
        cases.retain(|case| case.package == package);
        if cases.is_empty() {
            return Err(format!("there is no case {package}").into());
        }
    }
    let programs = Programs::build(&cases, options.hook.as_deref())?;
    let mut hold = true;
    for case in &cases {
        hold &= measure_case(case, &programs, options.rounds)?;
    }
    Ok(hold)
}

/// Measures the events of a case and prints its table. Returns `true` if its bounds hold.
fn measure_case(case: &Case, programs: &Programs, rounds: usize) -> Result<bool, Failure> {
    let package = case.package;
    print_progress(&format!("{package}: bringing both charms into operation"));
    let folder = temporary_folder()?;
    let mut unit = Unit::new(programs, case, folder.path().to_path_buf())?;
    unit.operate()?;
    let mut events = Vec::new();
    for event in case.events {
        events.push(measure::EventPrograms::new(&unit, event)?);
    }
    print_progress(&format!("{package}: measuring {rounds} rounds of {} events", events.len()));
    let results = measure::run_rounds(&unit, &events, rounds)?;
    table::print(case, &results, programs)
}
