//! The measured runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::common::numbers::median;
use crate::common::{Failure, print_progress};
use crate::record::{Call, Recording, Step};
use crate::unit::{Charm, Unit};

/// Hook tools by name, and how often each was started.
pub(crate) type Counts = BTreeMap<String, usize>;

/// One event, and what runs in it.
pub(crate) struct EventPrograms {
    event: &'static str,
    floor: PathBuf,
    requests: usize,
    rust: Counts,
    ops: Counts,
}

impl EventPrograms {
    /// Counts the hook tools of both charms, in a run of each that is not measured.
    pub(crate) fn new(
        unit: &Unit<'_>,
        event: &'static str,
        recording: &Recording,
        floor: PathBuf,
    ) -> Result<Self, Failure> {
        let log = unit.work_folder.join("calls");
        let rust = count_tools(&unit.run(Charm::Rust, event, &log, None)?);
        let recorded =
            recording.steps.iter().filter(|step| matches!(step, Step::Tool { .. })).count();
        if rust.values().sum::<usize>() != recorded {
            return Err(format!(
                "the Rust charm started {rust:?} in {event}, but {recorded} hook tools were \
                 recorded"
            )
            .into());
        }
        let ops = count_tools(&unit.run(Charm::Ops, event, &log, None)?);
        Ok(Self { event, floor, requests: recording.steps.len() - recorded, rust, ops })
    }
}

fn count_tools(calls: &[Call]) -> Counts {
    let mut counts = Counts::new();
    for call in calls {
        if let Call::Tool { argv, .. } = call {
            *counts.entry(argv.first().cloned().unwrap_or_default()).or_default() += 1;
        }
    }
    counts
}

/// One run.
#[derive(Debug, Clone, Copy)]
struct Run {
    wall: Duration,
    peak_kib: u64,
}

/// What the table says of one event.
pub(crate) struct EventResult {
    pub(crate) event: &'static str,
    pub(crate) requests: usize,
    pub(crate) rust_tools: Counts,
    pub(crate) ops_tools: Counts,
    /// Medians of the wall times.
    pub(crate) floor: Duration,
    pub(crate) rust: Duration,
    pub(crate) ops: Duration,
    /// Medians of the ratios within a round.
    pub(crate) rust_to_floor: f64,
    pub(crate) ops_to_rust: f64,
    /// The largest of all runs, in KiB.
    pub(crate) rust_peak: u64,
    pub(crate) ops_peak: u64,
}

/// Runs all that there is in turn, so many times over.
pub(crate) fn run_rounds(
    unit: &Unit<'_>,
    events: &[EventPrograms],
    rounds: usize,
) -> Result<Vec<EventResult>, Failure> {
    let mut runs: Vec<[Vec<Run>; 3]> = events.iter().map(|_| Default::default()).collect();
    // One round more than asked for: the first is for the caches, and thrown away.
    for round in 0..=rounds {
        if round % 10 == 0 && round > 0 {
            print_progress(&format!("{round} of {rounds}"));
        }
        for (event_programs, runs) in events.iter().zip(&mut runs) {
            // Whoever comes first in one round comes last in another.
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
        // Into the page cache, all of it, whoever it is.
        load_into_page_cache(Path::new(program))?;
    }
    let launched = unit.programs.launcher.run(&line, |command| {
        command
            .current_dir(unit.charm_folder(charm))
            .env_clear()
            .envs(unit.environment(charm, event_programs.event))
            .stdout(Stdio::null());
    })?;
    if launched.status != 0 {
        return Err(format!(
            "{line:?} failed in {}: wait status {}",
            event_programs.event, launched.status
        )
        .into());
    }
    Ok(Run { wall: launched.wall, peak_kib: launched.peak_kib })
}

fn load_into_page_cache(program: &Path) -> Result<(), Failure> {
    fs::read(program)
        .map(drop)
        .map_err(|error| format!("cannot read {}: {error}", program.display()).into())
}
