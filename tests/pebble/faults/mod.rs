//! Every fault on every endpoint, injected by a proxy in front of a real Pebble.
//!
//! [`operations`] is the table of what the client can do, [`injection`] lists the faults, and
//! [`expected_result`] says for each pair what the result must be: the right value, or an error of
//! a named kind. Every call ends within a deadline and without a panic, and its effect never
//! happens twice.
//!
//! `every_fault_on_every_endpoint` runs the whole table. `random_faults` chooses pairs and their
//! details by chance: three hundred, or as many as `CHARMWRIGHT_FAULTS` says, from the seed in
//! `CHARMWRIGHT_SEED`:
//!
//! ```sh
//! CHARMWRIGHT_FAULTS=10000 \
//!     cargo test -p charmwright-tests --test pebble faults::random -- --nocapture
//! ```

mod expected_result;
mod fault_fixture;
mod injection;
mod operations;
mod rows;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use charmwright_tests::Random;
use charmwright_tests::memory::memory;

use fault_fixture::FaultFixture;
use injection::Injection;
use operations::Operation;

/// The number of cases that run at once. It may be larger than the number of processors, since a
/// case spends nearly all of its time waiting.
const WORKERS: usize = 6;

/// The number of cases that use one fixture. The plan grows with each case, and with it the time
/// that a case takes.
const CASES_PER_FIXTURE: usize = 60;

/// The environment variable that is set in the process that [`rerun_alone`] starts.
const ALONE: &str = "CHARMWRIGHT_ALONE";

/// Runs the cases on a few fixtures in parallel. Returns `false` if there is no Pebble.
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
                'fixtures: loop {
                    let Some(mut fixture) = FaultFixture::start(test) else {
                        *skipped.lock().unwrap() = true;
                        return;
                    };
                    for _ in 0..CASES_PER_FIXTURE {
                        let Some((operation, injection)) = cases.lock().unwrap().next() else {
                            return;
                        };
                        if let Err(why) = runtime.block_on(expected_result::run_case(
                            &mut fixture,
                            operation,
                            &injection,
                        )) {
                            failed
                                .lock()
                                .unwrap()
                                .push(format!("{} with {injection:?}: {why}", operation.name));
                            // The failed case may have left the fixture in any state.
                            continue 'fixtures;
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
            if injection.applies_to(operation) {
                cases.push((operation, injection));
            }
        }
    }
    run_all("every_fault_on_every_endpoint", cases);
}

/// Runs a test of this binary in another process, whose memory is that of this test alone.
fn rerun_alone(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    println!("{stdout}");
    eprintln!("{stderr}");
    assert!(output.status.success() && stdout.contains("1 passed"), "{test} alone");
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
        rerun_alone("faults::random_faults");
        return;
    }
    let mut random = Random::new(seed);
    let operations = rows::all();
    let mut cases = Vec::new();
    while (cases.len() as u64) < count {
        let operation = *random.one_of(&operations);
        let injection = Injection::random(&mut random);
        // A service takes a second to start (Pebble waits to see whether it stays up), and the
        // other test has each of these pairs. So only a quarter of the slow ones are taken.
        if injection.applies_to(operation) && !(operation.is_slow && random.below(4) != 0) {
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
