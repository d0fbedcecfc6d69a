//! This module runs the three programs in rounds and computes medians and ratios of their runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::calls::Call;
use crate::case::MeasuredEvent;
use crate::common::numbers::median;
use crate::common::{Failure, print_progress};
use crate::record::record;
use crate::unit::{Charm, Unit};

/// Counts say how often each hook tool was started, by its name.
pub(crate) type Counts = BTreeMap<String, usize>;

/// An event's programs are the two charms and the floor, with the number of their calls.
pub(crate) struct EventPrograms {
    event: &'static MeasuredEvent,
    floor: PathBuf,
    requests: usize,
    rust: Counts,
    ops: Counts,
}

impl EventPrograms {
    /// Records the Rust charm, compiles the floor, and counts the hook tools of both charms in a
    /// run of each, which is not measured.
    ///
    /// # Errors
    ///
    /// A charm fails, or it starts other hook tools than it started when the model answered them:
    /// the measured runs would then do other work, and the floor as well.
    pub(crate) fn new(unit: &Unit<'_>, event: &'static MeasuredEvent) -> Result<Self, Failure> {
        let recording = record(unit, event.name)?;
        let recorded = recording.tools();
        let rust = unit.run(Charm::Rust, event.name, &unit.log(), None)?;
        let ops = unit.run(Charm::Ops, event.name, &unit.log(), None)?;
        for (charm, calls) in [(Charm::Rust, &recorded), (Charm::Rust, &rust), (Charm::Ops, &ops)] {
            let answered = unit.calls(charm, event.name)?;
            if calls != answered {
                return Err(format!(
                    "the charm ({charm:?}) does something else each time it runs {}: {calls:#?}, \
                     but when the model answered {answered:#?}",
                    event.name
                )
                .into());
            }
        }
        Ok(Self {
            event,
            floor: unit.programs.floor(unit.case, event.name, &recording)?,
            requests: recording.steps.len() - recorded.len(),
            rust: count_tools(&rust),
            ops: count_tools(&ops),
        })
    }
}

/// Counts the hook tools among the calls.
fn count_tools(calls: &[Call]) -> Counts {
    let mut counts = Counts::new();
    for call in calls {
        if let Call::Tool { argv, .. } = call {
            *counts.entry(argv.first().cloned().unwrap_or_default()).or_default() += 1;
        }
    }
    counts
}

/// A run is one process of one program.
#[derive(Debug, Clone, Copy)]
struct Run {
    wall: Duration,
    peak_kib: u64,
}

/// An event's result holds the figures of one row of the table.
pub(crate) struct EventResult {
    pub(crate) event: &'static MeasuredEvent,
    pub(crate) requests: usize,
    pub(crate) rust_tools: Counts,
    pub(crate) ops_tools: Counts,
    /// The medians of the wall times.
    pub(crate) floor: Duration,
    pub(crate) rust: Duration,
    pub(crate) ops: Duration,
    /// The medians of the ratios within a round.
    pub(crate) rust_to_floor: f64,
    pub(crate) ops_to_rust: f64,
    /// The largest peak memory of all runs, in KiB.
    pub(crate) rust_peak: u64,
    pub(crate) ops_peak: u64,
}

/// Runs the three programs once for each event in each of `rounds` rounds.
pub(crate) fn run_rounds(
    unit: &Unit<'_>,
    events: &[EventPrograms],
    rounds: usize,
) -> Result<Vec<EventResult>, Failure> {
    let mut runs: Vec<[Vec<Run>; 3]> = events.iter().map(|_| Default::default()).collect();
    // The rounds are one more than asked for: round 0 fills the caches and is not measured.
    for round in 0..=rounds {
        if round % 10 == 0 && round > 0 {
            print_progress(&format!("{round} of {rounds}"));
        }
        for (event_programs, runs) in events.iter().zip(&mut runs) {
            // The order turns from round to round, so that no program always comes first.
            for turn in 0..3 {
                let program = (round + turn) % 3;
                let run = run_program(unit, event_programs, program)?;
                if round > 0
                    && let Some(runs) = runs.get_mut(program)
                {
                    runs.push(run);
                }
            }
        }
    }
    Ok(events
        .iter()
        .zip(runs)
        .map(|(event_programs, runs)| summarize(event_programs, &runs))
        .collect())
}

/// Computes the result of an event from the runs of the floor, the Rust charm and the charm on ops.
fn summarize(event_programs: &EventPrograms, [floor, rust, ops]: &[Vec<Run>; 3]) -> EventResult {
    let walls = |runs: &[Run]| {
        Duration::from_secs_f64(median(runs.iter().map(|run| run.wall.as_secs_f64()).collect()))
    };
    let ratios = |numerator: &[Run], denominator: &[Run]| {
        median(
            numerator
                .iter()
                .zip(denominator)
                .map(|(numerator, denominator)| {
                    numerator.wall.as_secs_f64() / denominator.wall.as_secs_f64()
                })
                .collect(),
        )
    };
    let peak = |runs: &[Run]| runs.iter().map(|run| run.peak_kib).max().unwrap_or(0);
    EventResult {
        event: event_programs.event,
        requests: event_programs.requests,
        rust_tools: event_programs.rust.clone(),
        ops_tools: event_programs.ops.clone(),
        floor: walls(floor),
        rust: walls(rust),
        ops: walls(ops),
        rust_to_floor: ratios(rust, floor),
        ops_to_rust: ratios(ops, rust),
        rust_peak: peak(rust),
        ops_peak: peak(ops),
    }
}

/// Runs one program: 0 is the floor, 1 the Rust charm, and any other number the charm on ops.
fn run_program(
    unit: &Unit<'_>,
    event_programs: &EventPrograms,
    program: usize,
) -> Result<Run, Failure> {
    let (charm, line) = match program {
        0 => (Charm::Rust, vec![event_programs.floor.display().to_string()]),
        1 => (Charm::Rust, unit.command_line(Charm::Rust)),
        _ => (Charm::Ops, unit.command_line(Charm::Ops)),
    };
    if let Some(program) = line.first() {
        // Every program starts from the page cache: a disk that is read in one run and not in
        // another would be measured.
        load_into_page_cache(Path::new(program))?;
    }
    let event = event_programs.event.name;
    let mut configured = Ok(());
    let launched = unit.programs.launcher.run(&line, |command| {
        configured = unit.configure(command, charm, event);
        command.stdout(Stdio::null());
    })?;
    configured?;
    if launched.status != 0 {
        return Err(format!("{line:?} failed in {event}: wait status {}", launched.status).into());
    }
    Ok(Run { wall: launched.wall, peak_kib: launched.peak_kib })
}

/// Reads a file to its end, which brings all of it into the page cache.
fn load_into_page_cache(program: &Path) -> Result<(), Failure> {
    fs::read(program)
        .map(drop)
        .map_err(|error| format!("cannot read {}: {error}", program.display()).into())
}
