//! Tests of the real charm under `charmwright dev` and a real Pebble when something is wrong: the
//! user's config, the content of the image, or a hook that is killed.
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
