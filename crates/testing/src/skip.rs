//! The skipping of tests on a machine that lacks what they need.

use std::io::Write as _;

use super::daemon::{Daemon, DaemonOptions};
use super::error::ErrorKind;

/// Starts a daemon for the test of this name. Returns `None` if there is no Pebble and none can be
/// built: the test is then to be skipped.
///
/// The skip is written to standard error past the capture of the test runner, so that it shows
/// although the test passes. With `CI` set in the environment (to anything but nothing, `0` or
/// `false`) a missing Pebble is a failure instead of a skip.
///
/// # Panics
///
/// Panics if there is a Pebble and the daemon does not start, and in CI if there is no Pebble.
#[must_use]
#[expect(
    clippy::panic,
    reason = "it is the assertion of a test: a broken or, in CI, a missing daemon must fail it"
)]
pub fn daemon_or_skip(test: &str, options: DaemonOptions) -> Option<Daemon> {
    match Daemon::start(options) {
        Ok(daemon) => Some(daemon),
        Err(error) if error.kind() == ErrorKind::NoPebble && !is_in_ci() => {
            print_skip(test, &format!("{error:?}"));
            None
        }
        Err(error) => panic!("{test}: {error:?}"),
    }
}

/// Says that the test of this name is skipped, because the machine lacks what it needs: a program,
/// or the network.
///
/// The skip is written as [`daemon_or_skip`] writes it, and in CI it is a failure.
///
/// # Panics
///
/// Panics in CI.
#[expect(clippy::panic, reason = "in CI it is the assertion of a test")]
pub fn skip_or_fail(test: &str, why: &str) {
    if is_in_ci() {
        panic!("{test}: {why}");
    }
    print_skip(test, why);
}

fn print_skip(test: &str, why: &str) {
    // Not `eprintln!`: the test runner captures that and drops it when the test passes, and a
    // skipped test passes.
    let _unseen = writeln!(std::io::stderr(), "\nSKIPPED, it did NOT run: {test}\n{why}\n");
}

fn is_in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !matches!(value.to_str(), Some("" | "0" | "false")))
}
