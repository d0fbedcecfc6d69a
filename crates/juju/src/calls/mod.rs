//! The typed calls of [`HookTools`](crate::HookTools), one file for each subject.
//!
//! A call names the tool, builds its arguments and reads its output. Each of them names its attempt
//! ("read the unit's open ports"), which an error's text repeats after "cannot".

mod action;
mod config;
mod credential;
mod goal_state;
mod leader;
mod log;
mod network;
mod ports;
mod reboot;
mod relation;
mod removed;
mod resource;
mod secret_grant;
mod secret_read;
mod secret_write;
mod state;
mod status;
mod storage;
mod workload_version;

pub use action::{InvalidActionKey, check_action_key};
pub use network::UnitAddress;
pub use relation::{check_databag_changes, check_databag_size};
