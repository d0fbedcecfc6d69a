//! A task says what a peer in this executable does; this module also measures and prints its
//! figures. `driver.rs` documents the printed lines.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::common::Failure;

/// A task says which operation a peer does, how often, and on which files.
pub(crate) struct Task {
    pub(crate) socket: PathBuf,
    pub(crate) operation: String,
    pub(crate) warm_up: usize,
    pub(crate) count: usize,
    /// The path that Pebble reads in a pull, or writes in a push.
    pub(crate) target: Option<String>,
    /// The local file that a push reads.
    pub(crate) source: Option<PathBuf>,
}

impl Task {
    /// Parses the arguments of a peer from SOCKET on.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Failure> {
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

    /// Returns the target, or an error if the command line has none.
    pub(crate) fn target(&self) -> Result<&str, Failure> {
        Ok(self.target.as_deref().ok_or("no file is named")?)
    }

    /// Returns the source, or an error if the command line has none.
    pub(crate) fn source(&self) -> Result<&PathBuf, Failure> {
        Ok(self.source.as_ref().ok_or("no file to push is named")?)
    }
}

/// The phases are the parts of an operation, each with its time summed over the repetitions.
#[derive(Default)]
pub(crate) struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    /// Adds a time to a phase. Phases keep the order in which they first occurred.
    pub(crate) fn add(&mut self, name: &'static str, took: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += took,
            None => self.0.push((name, took)),
        }
    }

    /// Removes all phases.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// A stopwatch measures the time and the CPU time from its start.
pub(crate) struct Stopwatch {
    start: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts a stopwatch.
    pub(crate) fn start() -> Self {
        // The clock of the time is read last here and first in `stop`, so that the other reading is
        // no part of it.
        Self { cpu: process_cpu_time(), start: Instant::now() }
    }

    /// Prints the lines of a peer that `driver.rs` documents. `count` is the number of repetitions.
    pub(crate) fn stop(&self, count: usize, phases: &Phases) {
        let elapsed = self.start.elapsed();
        let cpu = process_cpu_time().saturating_sub(self.cpu);
        println!("elapsed {}\ncpu {}", elapsed.as_nanos(), cpu.as_nanos());
        for (name, sum) in &phases.0 {
            println!("phase {} {name}", sum.as_nanos() / count.max(1) as u128);
        }
    }
}

/// Returns the CPU time of this process, user and system together.
fn process_cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
