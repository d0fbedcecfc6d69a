//! These tests run a charm's `main` as the unit agent does: as a process with an environment, hook
//! tools on PATH, two output streams and an exit code.
//!
//! This test program is also the charms: it starts itself again with [`agent::CHILD`] set to the
//! name of a charm. It has no harness, since a harness would write to the streams that the tests
//! check.

mod agent;
mod earlier_state;
mod probe;

use std::process::ExitCode;

use charmwright_tests::run_tests;

fn main() -> ExitCode {
    match std::env::var(agent::CHILD).as_deref() {
        Ok(probe::NAME) => probe::main(),
        Ok(earlier_state::NAME) => earlier_state::main(),
        Ok(other) => panic!("no charm here is called {other:?}"),
        Err(_) => run_tests(&[probe::TESTS, earlier_state::TESTS].concat()),
    }
}
