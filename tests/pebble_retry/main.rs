//! What the client does when a reply is lost or Pebble dies, against the real daemon: every effect
//! exactly once, every refusal sent exactly once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

mod answers;
mod conflicts;
mod killed;
mod lost;
mod put_back;
#[path = "../pebble_faults/random.rs"]
mod random;
mod scene;
mod taken_over;
