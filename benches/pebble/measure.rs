//! The measured runs.

use std::time::Duration;

use crate::common::numbers::median;
use crate::common::{Failure, say};
use crate::curl;
use crate::operation::Operation;
use crate::peer::{PEERS, Peer};
use crate::stage::Stage;

/// wait(2): ended by SIGALRM, which is how a peer ends that has used up the patience.
const ENDED_BY_ALARM: u64 = 14;

/// One run of a peer; times are those of one repetition.
#[derive(Debug, Clone)]
struct Run {
    time: Duration,
    cpu: Duration,
    peak_kib: u64,
    phases: Vec<(String, Duration)>,
}

/// All runs of one peer in one operation.
#[derive(Debug, Clone)]
pub(crate) struct Runs {
    pub(crate) peer: Peer,
    /// By round; one in all for what is done once.
    runs: Vec<Run>,
    /// It was stopped after so long.
    pub(crate) given_up: Option<Duration>,
}

/// What the tables say of one operation.
pub(crate) struct Measured {
    pub(crate) operation: Operation,
    /// In the order of [`PEERS`], without those that do not take part.
    pub(crate) peers: Vec<Runs>,
}

impl Runs {
    fn median(&self, value: impl Fn(&Run) -> Duration) -> Option<Duration> {
        (!self.runs.is_empty()).then(|| {
            Duration::from_secs_f64(median(
                self.runs.iter().map(|run| value(run).as_secs_f64()).collect(),
            ))
        })
    }

    pub(crate) fn time(&self) -> Option<Duration> {
        self.median(|run| run.time)
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.median(|run| run.cpu)
    }

    /// The largest of all runs.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.runs.iter().map(|run| run.peak_kib).max().unwrap_or(0)
    }

    /// The medians of each phase.
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

impl Measured {
    pub(crate) fn of(&self, peer: Peer) -> Option<&Runs> {
        self.peers.iter().find(|runs| runs.peer == peer)
    }

    /// The median of the ratios within a round; of what was done once, the ratio to the median.
    pub(crate) fn ratio(&self, above: Peer, below: Peer) -> Option<f64> {
        let (above, below) = (self.of(above)?, self.of(below)?);
        if above.runs.len() == below.runs.len() {
            let ratio =
                |(above, below): (&Run, &Run)| above.time.as_secs_f64() / below.time.as_secs_f64();
            let ratios: Vec<f64> = above.runs.iter().zip(&below.runs).map(ratio).collect();
            return (!ratios.is_empty()).then(|| median(ratios));
        }
        Some(above.time()?.as_secs_f64() / below.time()?.as_secs_f64())
    }
}

/// Runs all that there is in turn, so many times over.
pub(crate) fn rounds(
    stage: &Stage,
    operations: &[Operation],
    rounds: usize,
) -> Result<Vec<Measured>, Failure> {
    let mut results: Vec<Measured> =
        operations.iter().map(|operation| empty(*operation, stage)).collect();
    // One round more than asked for: the first is for the caches, and thrown away.
    for round in 0..=rounds {
        if round % 5 == 0 && round > 0 {
            say(&format!("{round} of {rounds}"));
        }
        for Measured { operation, peers } in &mut results {
            let number = peers.len();
            for turn in 0..number {
                // Whoever comes first in one round comes last in another.
                let Some(runs) = peers.get_mut((round + turn) % number) else {
                    continue;
                };
                let once = operation.once(runs.peer);
                if once && round > 0 {
                    continue;
                }
                match one(stage, *operation, runs.peer)? {
                    None => runs.given_up = Some(Duration::from_secs(stage.patience as u64)),
                    Some(run) if once || round > 0 => runs.runs.push(run),
                    Some(_) => {
                        if let Some(content) = operation.content().filter(|_| operation.pushes()) {
                            stage.check_pushed(runs.peer, *operation, content)?;
                        }
                    }
                }
            }
        }
    }
    Ok(results)
}

fn empty(operation: Operation, stage: &Stage) -> Measured {
    let peers = PEERS
        .into_iter()
        .filter(|peer| peer.can(operation, stage))
        .map(|peer| Runs { peer, runs: Vec::new(), given_up: None })
        .collect();
    Measured { operation, peers }
}

/// One run; `None` when it took longer than there was patience.
fn one(stage: &Stage, operation: Operation, peer: Peer) -> Result<Option<Run>, Failure> {
    stage.make_fresh(operation)?;
    let line = peer.line(operation, stage)?;
    let once = operation.once(peer);
    if once {
        say(&format!("{} in {}, at most {} s", operation.title(), peer.name(), stage.patience));
    }
    let launched = stage.launcher.run(&line, |command| {
        if once {
            command.env("BENCH_PATIENCE", stage.patience.to_string());
        }
    })?;
    if once && launched.status == ENDED_BY_ALARM {
        return Ok(None);
    }
    if launched.status != 0 {
        return Err(format!(
            "{line:?} failed with wait status {}:\n{}",
            launched.status, launched.said
        )
        .into());
    }
    let (warm_up, count) = operation.repetitions(peer);
    let each = |all: Duration, count: usize| {
        all.div_f64(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
    };
    if peer == Peer::Curl {
        return Ok(Some(Run {
            time: each(curl::elapsed(&launched.said, operation)?, count),
            cpu: each(launched.cpu, warm_up + count),
            peak_kib: launched.peak_kib,
            phases: Vec::new(),
        }));
    }
    let report = Report::parse(&launched.said)
        .ok_or_else(|| format!("{line:?} said {:?}", launched.said))?;
    Ok(Some(Run {
        time: each(report.elapsed, count),
        cpu: each(report.cpu, count),
        peak_kib: launched.peak_kib,
        phases: report.phases,
    }))
}

/// What a peer's process says, see `driver.rs`.
#[derive(Default)]
struct Report {
    elapsed: Duration,
    cpu: Duration,
    phases: Vec<(String, Duration)>,
}

impl Report {
    fn parse(said: &str) -> Option<Self> {
        let mut report = Self::default();
        for line in said.lines() {
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
        (!report.elapsed.is_zero()).then_some(report)
    }
}
