//! Running commands through a real Pebble: streams, exit codes, signals, timeouts, and everything
//! that breaks on the way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

mod broken;
mod ended;
mod refused;
mod scene;
mod settings;
mod streams;
