//! Tests of `charmwright dev` with real processes: charms that are shell scripts, real hook tools
//! and a real Pebble.

#![expect(clippy::unwrap_used, reason = "what fails here is the test, and it shall say where")]

mod charms;
mod cleanup;
mod command_line;
mod containers;
mod first_run;
mod hooks_and_tools;
mod private_files;
mod python_charm;
mod relations;
mod resources;
#[path = "../common/runs.rs"]
mod runs;
mod script_commands;
mod secrets;
mod storage;
mod support;
mod trust;
