//! Tests of this repository's charms under `charmwright dev` and a real Pebble: what an operator
//! sees when Pebble starts, ends and comes back.
//!
//! Each test is a run of its own that gets its commands line by line, as from a person at the
//! terminal. A proxy between the charm and Pebble (the agent does not use it) delays a request
//! while the test kills Pebble, so a test can choose the exact moment inside a hook.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by panicking what it found"
)]

#[path = "../common/charms.rs"]
mod charms;
mod deferred_events;
mod pebble_killed_in_hook;
mod pebble_starts_late;
mod pebble_stays_away;
mod printed_output;
#[path = "../common/runs.rs"]
mod runs;
mod start_and_config;
mod stop_and_actions;
mod support;
