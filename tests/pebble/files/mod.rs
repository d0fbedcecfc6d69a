//! These tests push and pull files with a real Pebble: names and contents, each documented error,
//! lost replies and cut streams, and whole trees.

mod early_replies;
mod errors;
mod faults;
mod local;
mod manage;
mod names;
mod streams;
mod trees;

use std::num::NonZeroU32;
use std::time::Duration;

use charmwright_pebble::{PushOptions, RetryPolicy};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

/// Starts a fixture whose daemon keeps no state on disk and whose clients retry after short delays,
/// at most eight times.
fn start_fixture(test: &str) -> Option<Fixture> {
    let policy =
        RetryPolicy::new().step(Duration::from_millis(10)).attempts(NonZeroU32::new(8).unwrap());
    Fixture::start_with(test, DaemonOptions::new().forgetful(), &policy)
}

/// Returns the default options of a push.
fn options() -> PushOptions {
    PushOptions::new()
}
