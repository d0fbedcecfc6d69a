//! The client, and the kit that its tests stand on, against the real Pebble.
//!
//! All of them share one process, side by side, so none may change what belongs to the process
//! (environment, working directory, signals) or count what it holds (memory, open files, threads).
//! A test that has to is a binary of its own beside this folder.

mod conformance;
mod exec;
mod faults;
mod files;
mod model;
mod retry;
mod testing_daemon_and_proxy;
mod watches;
mod yaml;
