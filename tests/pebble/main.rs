//! The tests of the client with a real Pebble, and those of `charmwright-testing`.
//!
//! All tests run in parallel in one process. So none may change what belongs to the process (its
//! environment, working directory and signals) or count what it has (memory, open files, threads).
//! A test that must do so is a binary of its own beside this folder.

mod conformance;
mod exec;
mod faults;
mod files;
mod model;
mod retry;
mod testing_daemon_and_proxy;
mod watches;
mod yaml;
