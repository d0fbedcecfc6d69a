//! `charmwright dev` with real processes: charms that are shell scripts, real hook tools, a real
//! Pebble.

#![expect(clippy::unwrap_used, reason = "what fails here is the test, and it shall say where")]

mod charms;
mod containers;
mod contract;
mod ends;
mod first_run;
mod lines;
mod private;
#[path = "../common/runs.rs"]
mod runs;
mod support;
mod words;
