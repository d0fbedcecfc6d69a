//! The real charm under `charmwright dev` on a real Pebble, when something is wrong: what its user
//! gave, what the image holds, or the hook itself, killed in the middle.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what it found")]

mod any_workload;
mod bad_config;
mod broken_charm;
#[path = "../common/charms.rs"]
mod charms;
mod failing_workload;
mod killed_hooks;
#[path = "../common/runs.rs"]
mod runs;
#[path = "../dev/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the command itself, which use the rest")]
mod support;
