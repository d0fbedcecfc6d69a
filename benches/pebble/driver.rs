//! This executable as a peer: `peer ours|floor SOCKET OPERATION WARM-UP COUNT [TARGET [SOURCE]]`,
//! the same words as every peer gets.
//!
//! It prints a line each for `elapsed NANOSECONDS` and `cpu NANOSECONDS` of all measured
//! repetitions together, and `phase NANOSECONDS NAME` for what a part of one repetition takes on
//! average.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::common::{Failure, print_progress};
use crate::{charmwright_client, floor};

/// The argument that makes this executable a peer.
pub(crate) const PEER_ARGUMENT: &str = "peer";

/// What a peer is told to do.
pub(crate) struct Task {
    pub(crate) socket: PathBuf,
    pub(crate) operation: String,
    pub(crate) warm_up: usize,
    pub(crate) count: usize,
    /// The file to pull, or to push to.
    pub(crate) target: Option<String>,
    /// Where the pushed bytes are.
    pub(crate) source: Option<PathBuf>,
}

impl Task {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let [socket, operation, warm_up, count, files @ ..] = arguments else {
            return Err("a peer needs SOCKET OPERATION WARM-UP COUNT".into());
        };
        Ok(Self {
            socket: socket.into(),
            operation: operation.clone(),
            warm_up: warm_up.parse()?,
            count: count.parse()?,
            target: files.first().cloned(),
            source: files.get(1).map(PathBuf::from),
        })
    }

    pub(crate) fn target(&self) -> Result<&str, Failure> {
        Ok(self.target.as_deref().ok_or("no file is named")?)
    }

    pub(crate) fn source(&self) -> Result<&PathBuf, Failure> {
        Ok(self.source.as_ref().ok_or("no file to push is named")?)
    }
}

pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let done = match arguments.split_first() {
        Some((name, rest)) if name == "ours" => {
            Task::parse(rest).and_then(|task| charmwright_client::run(&task))
        }
        Some((name, rest)) if name == "floor" => {
            Task::parse(rest).and_then(|task| floor::run(&task))
        }
        _ => Err("a peer is ours or floor".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_progress(&format!("{arguments:?}: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// What the parts of the repetitions took so far, in order.
#[derive(Default)]
pub(crate) struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    pub(crate) fn add(&mut self, name: &'static str, took: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += took,
            None => self.0.push((name, took)),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Time and CPU time since some moment.
pub(crate) struct Stopwatch {
    start: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { cpu: process_cpu_time(), start: Instant::now() }
    }

    /// Prints what a peer prints.
    pub(crate) fn stop(&self, count: usize, phases: &Phases) {
        let elapsed = self.start.elapsed();
        let cpu = process_cpu_time().saturating_sub(self.cpu);
        println!("elapsed {}\ncpu {}", elapsed.as_nanos(), cpu.as_nanos());
        for (name, sum) in &phases.0 {
            println!("phase {} {name}", sum.as_nanos() / count.max(1) as u128);
        }
    }
}

/// What this process has used of the CPU, user and system.
fn process_cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
