//! Every fault on every endpoint, through a proxy in front of a real Pebble.
//!
//! [`operations`] is a table of what the client can do, [`injection`] one of what can go wrong on the
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
//!     cargo test -p charmwright-tests --test pebble faults::random -- --nocapture
//! ```

mod fault_fixture;
mod injection;
mod operations;
mod rows;
mod verdict;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use charmwright_tests::Random;
use charmwright_tests::memory::memory;

use fault_fixture::FaultFixture;
use injection::Injection;
use operations::Operation;

/// Nearly all of the time of a case is waiting, so more run at once than there are processors.
const WORKERS: usize = 6;

/// A fixture is used so often; its plan grows with each case.
const CASES_A_STAGE: usize = 60;

/// The variable that is set in the process that [`again_alone`] starts.
const ALONE: &str = "CHARMWRIGHT_ALONE";

/// Runs cases on a few stages side by side, each on a fresh name. `false` where there is no Pebble
/// to be had.
fn run_all(test: &str, cases: Vec<(&'static Operation, Injection)>) -> bool {
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
                    let Some(mut fixture) = FaultFixture::start(test) else {
                        *skipped.lock().unwrap() = true;
                        return;
                    };
                    for _ in 0..CASES_A_STAGE {
                        let Some((operation, injection)) = cases.lock().unwrap().next() else {
                            return;
                        };
                        if let Err(why) =
                            runtime.block_on(verdict::try_out(&mut fixture, operation, &injection))
                        {
                            failed
                                .lock()
                                .unwrap()
                                .push(format!("{} with {injection:?}: {why}", operation.name));
                            // What went wrong may have left the fixture in any state.
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
        for injection in Injection::all() {
            if injection.concerns(operation) {
                cases.push((operation, injection));
            }
        }
    }
    run_all("every_fault_on_every_endpoint", cases);
}

/// Runs a test of this binary once more, in a process whose memory is that of the test alone.
fn again_alone(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let [said, told] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    println!("{said}");
    eprintln!("{told}");
    assert!(output.status.success() && said.contains("1 passed"), "{test} alone");
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
    if std::env::var_os(ALONE).is_none() {
        again_alone("faults::random_faults");
        return;
    }
    let mut random = Random::new(seed);
    let operations = rows::all();
    let mut cases = Vec::new();
    while (cases.len() as u64) < count {
        let operation = *random.one_of(&operations);
        let injection = Injection::random(&mut random);
        // A service takes Pebble's second to start, and each of these is in the other test.
        if injection.concerns(operation) && !(operation.slow && random.below(4) != 0) {
            cases.push((operation, injection));
        }
    }
    let before = memory("VmHWM:");
    run_all("random_faults", cases);
    let grown = memory("VmHWM:").saturating_sub(before);
    println!("the peak rose by {} MiB", grown >> 20);
    assert!(grown < 256 << 20, "the peak of the memory in use rose by {} MiB", grown >> 20);
}

#[test]
fn the_table_has_every_endpoint() {
    let docs = include_str!("../../../docs/pebble.md");
    let listed: BTreeSet<&str> = docs
        .lines()
        .filter(|line| ["`Client::", "`Reader::"].iter().any(|call| line.contains(call)))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let tried: BTreeSet<&str> = rows::all().iter().map(|operation| operation.endpoint).collect();
    assert_eq!(tried, listed);
}
