//! Random sequences of what operators and charms do to a model, and the rules that Juju keeps
//! whatever they are.
//!
//! After every step: no call panics, nobody reads a databag or a secret that is not for them, and
//! no hook comes in an order that Juju does not permit. At the end every hook that is due runs and
//! succeeds: then the two sides of each relation agree, every hook that Juju owes has come, and
//! what was removed has left nothing behind.
//!
//! Without more, 80 sequences run for each version of Juju and each kind of cloud, the same ones
//! each time.
//! With `CHARMWRIGHT_SEQUENCES=10000` each test runs so many others, and prints what they did. A
//! failure prints the shortest sequence that shows it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic"
)]

mod bags;
mod charm_calls;
mod charms;
mod end;
mod order;
mod owed;
mod step;
mod storage;
mod world;

use charmwright_agent::Substrate;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use step::steps;
use world::World;

/// The most steps of one sequence. The hooks that follow from them are not counted.
const MOST_STEPS: usize = 250;

/// Runs sequences on a model of this version of Juju, and prints how much they did.
fn run_sequences(version: &str, substrate: Substrate) {
    let count = std::env::var("CHARMWRIGHT_SEQUENCES").ok();
    let parse = |count: &String| count.parse().expect("CHARMWRIGHT_SEQUENCES is a number");
    let cases = count.as_ref().map_or(80, parse);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = match count {
        Some(_) => TestRunner::new(config),
        None => {
            let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, seed)
        }
    };
    let totals = std::cell::RefCell::new((0_usize, 0_usize, 0_usize));
    let outcome = runner.run(&steps(MOST_STEPS), |steps| {
        let mut world = World::new(version, substrate);
        for step in &steps {
            world.take(step);
        }
        world.settle();
        world.check_end();
        let (hooks, reads) = world.counts();
        let mut totals = totals.borrow_mut();
        *totals = (totals.0 + steps.len(), totals.1 + hooks, totals.2 + reads);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        // One line, where the error itself prints a line for each bracket.
        Err(TestError::Fail(reason, steps)) => {
            panic!("Juju {version}, {substrate:?}: {reason}, after {steps:?}")
        }
        Err(error) => panic!("Juju {version}, {substrate:?}: {error}"),
    }
    let (steps, hooks, reads) = totals.into_inner();
    println!(
        "Juju {version}, {substrate:?}: {cases} sequences, {steps} steps, {hooks} hooks, \
         {reads} reads"
    );
    // A generator whose steps are all refused would keep every rule.
    assert!(
        hooks > cases as usize * 20 && reads > cases as usize * 5,
        "the sequences do too little"
    );
}

#[test]
fn random_sequences_keep_the_rules_of_juju_3_6_on_kubernetes() {
    run_sequences("3.6.28", Substrate::Kubernetes);
}

#[test]
fn random_sequences_keep_the_rules_of_juju_3_6_on_machines() {
    run_sequences("3.6.28", Substrate::Machine);
}

#[test]
fn random_sequences_keep_the_rules_of_juju_4_0_on_kubernetes() {
    run_sequences("4.0.15", Substrate::Kubernetes);
}

#[test]
fn random_sequences_keep_the_rules_of_juju_4_0_on_machines() {
    run_sequences("4.0.15", Substrate::Machine);
}
