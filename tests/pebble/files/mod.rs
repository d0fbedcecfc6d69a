//! Files against the real daemon: what is written is what is read, each documented error, lost
//! answers and broken streams, and whole trees.

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

/// A daemon with no state file, and clients that are quick to try again.
fn start_fixture(test: &str) -> Option<Fixture> {
    let policy =
        RetryPolicy::new().step(Duration::from_millis(10)).attempts(NonZeroU32::new(8).unwrap());
    Fixture::start_with(test, DaemonOptions::new().forgetful(), &policy)
}

fn options() -> PushOptions {
    PushOptions::new()
}
