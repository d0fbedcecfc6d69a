//! The test kit itself, on the real Pebble: a daemon ends with all that it started, and the proxy
//! does what its rules say and nothing else.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helper fails the test that called it"
)]

mod daemon;
mod faults;
#[path = "../common/memory.rs"]
mod memory;
mod oldest;
mod proxy;
mod scene;
