//! This module runs the peers in rounds and computes medians and ratios of their runs.

use std::time::Duration;

use crate::command_line::{command_line, is_supported};
use crate::common::numbers::median;
use crate::common::{Failure, print_progress};
use crate::curl;
use crate::environment::Environment;
use crate::operation::Operation;
use crate::peer::{PEERS, Peer};

/// The wait status of a process that SIGALRM ended (wait(2)). The peer sets that alarm to its time
/// limit.
const ENDED_BY_ALARM: u64 = 14;

/// A run is one process of a peer; its times are the averages of one repetition.
#[derive(Debug, Clone)]
struct Run {
    time: Duration,
    cpu: Duration,
    peak_kib: u64,
    phases: Vec<(String, Duration)>,
}

/// All measured runs of one peer in one operation.
#[derive(Debug, Clone)]
pub(crate) struct Runs {
    pub(crate) peer: Peer,
    /// One run for each round, or a single one if the peer does the operation once.
    runs: Vec<Run>,
    /// The time limit, if the peer was stopped at it.
    pub(crate) stopped_after: Option<Duration>,
}

/// An operation's result holds the runs of its peers.
pub(crate) struct OperationResult {
    pub(crate) operation: Operation,
    /// The runs in the order of [`PEERS`], without the peers that do not support the operation.
    pub(crate) peers: Vec<Runs>,
}

impl Runs {
    /// Returns the median of a value over all runs; `None` without a run.
    fn median(&self, value: impl Fn(&Run) -> Duration) -> Option<Duration> {
        (!self.runs.is_empty()).then(|| {
            Duration::from_secs_f64(median(
                self.runs.iter().map(|run| value(run).as_secs_f64()).collect(),
            ))
        })
    }

    /// Returns the median time of one repetition; `None` without a run.
    pub(crate) fn time(&self) -> Option<Duration> {
        self.median(|run| run.time)
    }

    /// Returns the median CPU time of one repetition; `None` without a run.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.median(|run| run.cpu)
    }

    /// Returns the largest peak memory of all runs, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.runs.iter().map(|run| run.peak_kib).max().unwrap_or(0)
    }

    /// Returns the median time of each phase.
    pub(crate) fn phases(&self) -> Vec<(String, Duration)> {
        let names = self.runs.first().map(|run| run.phases.as_slice()).unwrap_or_default();
        let took = |run: &Run, name: &str| {
            run.phases
                .iter()
                .find(|(known, _)| known == name)
                .map_or(Duration::ZERO, |(_, took)| *took)
        };
        names
            .iter()
            .filter_map(|(name, _)| Some((name.clone(), self.median(|run| took(run, name))?)))
            .collect()
    }
}

impl OperationResult {
    /// Returns the runs of a peer, if it supports the operation.
    pub(crate) fn runs_of(&self, peer: Peer) -> Option<&Runs> {
        self.peers.iter().find(|runs| runs.peer == peer)
    }

    /// Returns the median of the ratios within a round. If one peer did the operation once, it
    /// returns the ratio of the median times.
    ///
    /// Two runs of one round lie close in time, so a slow moment of the machine touches both.
    pub(crate) fn ratio(&self, numerator: Peer, denominator: Peer) -> Option<f64> {
        let (numerator, denominator) = (self.runs_of(numerator)?, self.runs_of(denominator)?);
        if numerator.runs.len() == denominator.runs.len() {
            let ratio = |(numerator, denominator): (&Run, &Run)| {
                numerator.time.as_secs_f64() / denominator.time.as_secs_f64()
            };
            let ratios: Vec<f64> =
                numerator.runs.iter().zip(&denominator.runs).map(ratio).collect();
            return (!ratios.is_empty()).then(|| median(ratios));
        }
        Some(numerator.time()?.as_secs_f64() / denominator.time()?.as_secs_f64())
    }
}

/// Runs every peer once for each operation in each of `rounds` rounds.
pub(crate) fn run_rounds(
    environment: &Environment,
    operations: &[Operation],
    rounds: usize,
) -> Result<Vec<OperationResult>, Failure> {
    let mut results: Vec<OperationResult> =
        operations.iter().map(|operation| without_runs(*operation, environment)).collect();
    // The rounds are one more than asked for: round 0 fills the caches and is not measured.
    for round in 0..=rounds {
        if round % 5 == 0 && round > 0 {
            print_progress(&format!("{round} of {rounds}"));
        }
        for OperationResult { operation, peers } in &mut results {
            let number = peers.len();
            for turn in 0..number {
                // The order turns from round to round, so that no peer always comes first.
                let Some(runs) = peers.get_mut((round + turn) % number) else {
                    continue;
                };
                // The single run is that of round 0, although that round is not measured otherwise:
                // an operation of minutes does not depend on warm caches.
                let runs_once = operation.runs_once(runs.peer);
                if runs_once && round > 0 {
                    continue;
                }
                match run_peer(environment, *operation, runs.peer)? {
                    None => {
                        runs.stopped_after =
                            Some(Duration::from_secs(environment.limit_in_seconds as u64));
                    }
                    Some(run) if runs_once || round > 0 => runs.runs.push(run),
                    // The files of round 0 are compared, since a comparison between measured runs
                    // would change what the caches hold.
                    Some(_) => {
                        if let Some(content) = operation.content().filter(|_| operation.pushes()) {
                            environment.check_pushed(runs.peer, *operation, content)?;
                        }
                    }
                }
            }
        }
    }
    Ok(results)
}

/// Creates the result of an operation, still without runs.
fn without_runs(operation: Operation, environment: &Environment) -> OperationResult {
    let peers = PEERS
        .into_iter()
        .filter(|peer| is_supported(*peer, operation, environment))
        .map(|peer| Runs { peer, runs: Vec::new(), stopped_after: None })
        .collect();
    OperationResult { operation, peers }
}

/// Runs a peer once; returns `None` if it was stopped at its time limit.
fn run_peer(
    environment: &Environment,
    operation: Operation,
    peer: Peer,
) -> Result<Option<Run>, Failure> {
    environment.renew_daemon(operation)?;
    let command_line = command_line(peer, operation, environment)?;
    let runs_once = operation.runs_once(peer);
    if runs_once {
        print_progress(&format!(
            "{} in {}, at most {} s",
            operation.title(),
            peer.name(),
            environment.limit_in_seconds
        ));
    }
    let launched = environment.launcher.run(&command_line, |command| {
        // Only ops does an operation once, and its program reads this variable.
        if runs_once {
            command.env("BENCH_PATIENCE", environment.limit_in_seconds.to_string());
        }
    })?;
    if runs_once && launched.status == ENDED_BY_ALARM {
        return Ok(None);
    }
    if launched.status != 0 {
        return Err(format!(
            "{command_line:?} failed with wait status {}:\n{}",
            launched.status, launched.output
        )
        .into());
    }
    let (warm_up, count) = operation.repetitions(peer);
    // `Duration` has no division by `usize`; the fallback stands for counts that no option allows.
    let per_repetition = |all: Duration, count: usize| {
        all.div_f64(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
    };
    if peer == Peer::Curl {
        // The CPU time is that of the process, so it has the repetitions of the warm-up in it.
        return Ok(Some(Run {
            time: per_repetition(curl::total_time(&launched.output, operation)?, count),
            cpu: per_repetition(launched.cpu, warm_up + count),
            peak_kib: launched.peak_kib,
            phases: Vec::new(),
        }));
    }
    let report = Report::parse(&launched.output)
        .ok_or_else(|| format!("{command_line:?} said {:?}", launched.output))?;
    Ok(Some(Run {
        time: per_repetition(report.elapsed, count),
        cpu: per_repetition(report.cpu, count),
        peak_kib: launched.peak_kib,
        phases: report.phases,
    }))
}

/// A report holds the lines that a peer prints; `driver.rs` documents them.
#[derive(Default)]
struct Report {
    elapsed: Duration,
    cpu: Duration,
    phases: Vec<(String, Duration)>,
}

impl Report {
    /// Parses the output of a peer; returns `None` if any line is not as documented.
    fn parse(output: &str) -> Option<Self> {
        let mut report = Self::default();
        for line in output.lines() {
            let (word, rest) = line.split_once(' ')?;
            let (number, name) = rest.split_once(' ').unwrap_or((rest, ""));
            let took = Duration::from_nanos(number.parse().ok()?);
            match word {
                "elapsed" => report.elapsed = took,
                "cpu" => report.cpu = took,
                "phase" => report.phases.push((name.to_owned(), took)),
                _ => return None,
            }
        }
        // A missing time would make every ratio of this peer 0 or infinite.
        (!report.elapsed.is_zero()).then_some(report)
    }
}
