//! The typed calls of [`HookTools`](crate::HookTools), a file for each subject: which tool is run,
//! with which arguments, and what its answer means.

mod action;
mod config;
mod leader;
mod log;
mod ports;
mod resource;
mod state;
mod status;
mod workload_version;

pub use action::{InvalidActionKey, check_action_key};
