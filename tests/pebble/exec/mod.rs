//! These tests run commands through a real Pebble: their streams, exit codes, signals and timeouts,
//! and connections that break.

mod ended;
mod faults;
mod refused;
mod settings;
mod streams;

use charmwright_pebble::Exec;
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

/// Starts a fixture whose daemon keeps no state on disk, since writing that takes time and no test
/// here needs it.
fn start_fixture(test: &str) -> Option<Fixture> {
    Fixture::start(test, DaemonOptions::new().hold().forgetful())
}

/// Returns a command that runs a shell script.
fn sh(script: impl AsRef<str>) -> Exec {
    Exec::new(["/bin/sh", "-c", script.as_ref()])
}
