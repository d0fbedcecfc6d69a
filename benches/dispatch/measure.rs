//! The measured runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::common::numbers::median;
use crate::common::{Failure, say};
use crate::record::{Call, Recording, Step};
use crate::unit::{Charm, Unit};

/// Hook tools by name, and how often each was started.
pub(crate) type Counts = BTreeMap<String, usize>;

/// One event, and what runs in it.
pub(crate) struct Subject {
    event: &'static str,
    floor: PathBuf,
    requests: usize,
    rust: Counts,
    ops: Counts,
}

impl Subject {
    /// Counts the hook tools of both charms, in a run of each that is not measured.
    pub(crate) fn new(
        unit: &Unit<'_>,
        event: &'static str,
        recording: &Recording,
        floor: PathBuf,
    ) -> Result<Self, Failure> {
        let log = unit.place.join("calls");
        let rust = counts(&unit.run(Charm::Rust, event, &log, None)?);
        let recorded =
            recording.steps.iter().filter(|step| matches!(step, Step::Tool { .. })).count();
        if rust.values().sum::<usize>() != recorded {
            return Err(format!(
                "the Rust charm started {rust:?} in {event}, but {recorded} hook tools were \
                 recorded"
            )
            .into());
        }
        let ops = counts(&unit.run(Charm::Ops, event, &log, None)?);
        Ok(Self { event, floor, requests: recording.steps.len() - recorded, rust, ops })
    }
}

fn counts(calls: &[Call]) -> Counts {
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
pub(crate) struct Measured {
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
pub(crate) fn rounds(
    unit: &Unit<'_>,
    subjects: &[Subject],
    rounds: usize,
) -> Result<Vec<Measured>, Failure> {
    let mut runs: Vec<[Vec<Run>; 3]> = subjects.iter().map(|_| Default::default()).collect();
    // One round more than asked for: the first is for the caches, and thrown away.
    for round in 0..=rounds {
        if round % 10 == 0 && round > 0 {
            say(&format!("{round} of {rounds}"));
        }
        for (subject, runs) in subjects.iter().zip(&mut runs) {
            // Whoever comes first in one round comes last in another.
            for turn in 0..3 {
                let who = (round + turn) % 3;
                let run = one(unit, subject, who)?;
                if round > 0
                    && let Some(runs) = runs.get_mut(who)
                {
                    runs.push(run);
                }
            }
        }
    }
    Ok(subjects.iter().zip(runs).map(|(subject, runs)| summary(subject, &runs)).collect())
}

fn summary(subject: &Subject, [floor, rust, ops]: &[Vec<Run>; 3]) -> Measured {
    let walls = |runs: &[Run]| {
        Duration::from_secs_f64(median(runs.iter().map(|run| run.wall.as_secs_f64()).collect()))
    };
    let ratios = |above: &[Run], below: &[Run]| {
        median(
            above
                .iter()
                .zip(below)
                .map(|(above, below)| above.wall.as_secs_f64() / below.wall.as_secs_f64())
                .collect(),
        )
    };
    let peak = |runs: &[Run]| runs.iter().map(|run| run.peak_kib).max().unwrap_or(0);
    Measured {
        event: subject.event,
        requests: subject.requests,
        rust_tools: subject.rust.clone(),
        ops_tools: subject.ops.clone(),
        floor: walls(floor),
        rust: walls(rust),
        ops: walls(ops),
        rust_to_floor: ratios(rust, floor),
        ops_to_rust: ratios(ops, rust),
        rust_peak: peak(rust),
        ops_peak: peak(ops),
    }
}

fn one(unit: &Unit<'_>, subject: &Subject, who: usize) -> Result<Run, Failure> {
    let (charm, line) = match who {
        0 => (Charm::Rust, vec![subject.floor.display().to_string()]),
        1 => (Charm::Rust, unit.command(Charm::Rust)),
        _ => (Charm::Ops, unit.command(Charm::Ops)),
    };
    if let Some(program) = line.first() {
        // Into the page cache, all of it, whoever it is.
        read_whole(Path::new(program))?;
    }
    let launched = unit.programs.launcher.run(&line, |command| {
        command
            .current_dir(unit.folder(charm))
            .env_clear()
            .envs(unit.environment(charm, subject.event))
            .stdout(Stdio::null());
    })?;
    if launched.status != 0 {
        return Err(format!(
            "{line:?} failed in {}: wait status {}",
            subject.event, launched.status
        )
        .into());
    }
    Ok(Run { wall: launched.wall, peak_kib: launched.peak_kib })
}

fn read_whole(program: &Path) -> Result<(), Failure> {
    fs::read(program)
        .map(drop)
        .map_err(|error| format!("cannot read {}: {error}", program.display()).into())
}
