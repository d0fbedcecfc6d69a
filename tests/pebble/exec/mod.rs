//! Running commands through a real Pebble: streams, exit codes, signals, timeouts, and everything
//! that breaks on the way.

mod ended;
mod faults;
mod refused;
mod settings;
mod streams;

use charmwright_pebble::Exec;
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

/// A daemon with no state file, which would only be slow.
fn start_fixture(test: &str) -> Option<Fixture> {
    Fixture::start(test, DaemonOptions::new().hold().forgetful())
}

/// A shell script as a command.
fn sh(script: impl AsRef<str>) -> Exec {
    Exec::new(["/bin/sh", "-c", script.as_ref()])
}
