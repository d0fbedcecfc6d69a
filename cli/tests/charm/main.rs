//! The charms of this repository under `charmwright dev`, on the real Pebble: what an operator sees
//! when Pebble comes, goes and comes back.
//!
//! Each test is a run of its own, told what to do line by line, as a person at the terminal would.
//! Moments inside a hook are met exactly: a proxy between the charm and Pebble (the agent itself
//! has none) holds a request up while the test kills Pebble.
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
