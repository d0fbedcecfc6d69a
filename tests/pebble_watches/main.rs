//! Notices, watches and waits against the real daemon: over breaks, over restarts of services and
//! of Pebble, and to their end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

mod ends;
mod logs;
mod notices;
mod scene;
mod states;
mod waits;
