//! Every fault on every endpoint, through a proxy in front of a real Pebble.
//!
//! [`operations`] is a table of what the client can do, [`faults`] one of what can go wrong on the
//! way, and for each pair [`verdict`] declares what has to come of it: the right value, or an error
//! of a named kind. Whatever happens, it happens within a deadline, without a panic, and its effect
//! is never doubled.
//!
//! `every_fault_on_every_endpoint` goes through the whole table. `random_faults` takes pairs and
//! their details by chance: a few hundred, or as many as `CHARMWRIGHT_FAULTS` says, from the seed
//! in `CHARMWRIGHT_SEED`:
//!
//! ```sh
//! CHARMWRIGHT_FAULTS=10000 \
//!     cargo test -p charmwright-tests --test pebble_faults random -- --nocapture
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

mod faults;
#[path = "../common/memory.rs"]
mod memory;
mod operations;
mod random;
mod rows;
mod stage;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use faults::Trouble;
use operations::Operation;
use random::Random;
use stage::Stage;

/// Nearly all of the time of a case is waiting, so more run at once than there are processors.
const WORKERS: usize = 6;

/// A stage is used so often; its plan grows with each case.
const CASES_A_STAGE: usize = 60;

/// Runs cases on a few stages side by side, each on a fresh name. `false` where there is no Pebble
/// to be had.
fn run_all(test: &str, cases: Vec<(&'static Operation, Trouble)>) -> bool {
    let count = cases.len();
    let cases = Mutex::new(cases.into_iter());
    let failed = Mutex::new(Vec::new());
    let skipped = Mutex::new(false);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                'stages: loop {
                    let Some(mut stage) = Stage::start(test) else {
                        *skipped.lock().unwrap() = true;
                        return;
                    };
                    for _ in 0..CASES_A_STAGE {
                        let Some((operation, trouble)) = cases.lock().unwrap().next() else {
                            return;
                        };
                        if let Err(why) =
                            runtime.block_on(verdict::try_out(&mut stage, operation, &trouble))
                        {
                            failed
                                .lock()
                                .unwrap()
                                .push(format!("{} with {trouble:?}: {why}", operation.name));
                            // What went wrong may have left the stage in any state.
                            continue 'stages;
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
    !skipped.into_inner().unwrap()
}

#[test]
fn every_fault_on_every_endpoint() {
    let mut cases = Vec::new();
    for operation in rows::all() {
        for trouble in Trouble::all() {
            if trouble.concerns(operation) {
                cases.push((operation, trouble));
            }
        }
    }
    run_all("every_fault_on_every_endpoint", cases);
}

#[test]
fn random_faults() {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) => {
            text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, not {text:?}"))
        }
        Err(_) => default,
    };
    let (count, seed) = (number("CHARMWRIGHT_FAULTS", 300), number("CHARMWRIGHT_SEED", 1));
    println!("{count} faults from seed {seed}");
    let mut random = Random::new(seed);
    let operations = rows::all();
    let mut cases = Vec::new();
    while (cases.len() as u64) < count {
        let operation = *random.one_of(&operations);
        let trouble = Trouble::random(&mut random);
        // A service takes Pebble's second to start, and each of these is in the other test.
        if trouble.concerns(operation) && !(operation.slow && random.below(4) != 0) {
            cases.push((operation, trouble));
        }
    }
    let before = memory::memory("VmHWM:");
    run_all("random_faults", cases);
    let grown = memory::memory("VmHWM:").saturating_sub(before);
    assert!(grown < 256 << 20, "the peak of the memory in use rose by {} MiB", grown >> 20);
}

#[test]
fn the_table_has_every_endpoint() {
    let docs = include_str!("../../docs/pebble.md");
    let listed: BTreeSet<&str> = docs
        .lines()
        .filter(|line| line.contains("`Client::"))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let tried: BTreeSet<&str> = rows::all().iter().map(|operation| operation.endpoint).collect();
    assert_eq!(tried, listed);
}
