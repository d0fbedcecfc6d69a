//! What a test does where no Pebble can be had.

use std::io::Write as _;

use super::daemon::{Daemon, DaemonOptions};
use super::error::ErrorKind;

/// A daemon for the test of this name, or `None` where no Pebble can be had and the test is to be
/// skipped.
///
/// The skip is written to standard error past the test runner's capture, so that it shows in a
/// green run. With `CI` set in the environment (to anything but nothing, `0` or `false`) a missing
/// Pebble is a failure instead.
///
/// # Panics
///
/// When a Pebble is there but does not start, and in CI when there is none.
#[must_use]
#[expect(
    clippy::panic,
    reason = "it is the assertion of a test: a broken or, in CI, a missing daemon must fail it"
)]
pub fn daemon_or_skip(test: &str, options: DaemonOptions) -> Option<Daemon> {
    match Daemon::start(options) {
        Ok(daemon) => Some(daemon),
        Err(error) if error.kind() == ErrorKind::NoPebble && !in_ci() => {
            // Not eprintln: the test runner swallows that when the test passes, and a skipped test
            // passes.
            let _unseen =
                writeln!(std::io::stderr(), "\nSKIPPED, it did NOT run: {test}\n{error:?}\n");
            None
        }
        Err(error) => panic!("{test}: {error:?}"),
    }
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !matches!(value.to_str(), Some("" | "0" | "false")))
}
