//! Real Pebble daemons for tests, and a proxy that injects faults into the connections to them.
//!
//! - [`pebble_binary`] finds the Pebble of the machine, or builds a pinned version of it.
//! - [`daemon`] runs that Pebble in a folder of its own. It ends the daemon as a container would:
//!   every process that the daemon started ends, too.
//! - [`proxy`] stands between a client and the daemon's socket, and injects faults into the
//!   requests that a test chooses.
//! - [`ToolScripts`] makes hook tools for a charm that runs as a process.
//! - [`processes`] lists the processes of the machine.
//!
//! ```no_run
//! use charmwright_testing::daemon::DaemonOptions;
//! use charmwright_testing::daemon_or_skip;
//! use charmwright_testing::proxy::{Fault, FaultProxy, Rule};
//!
//! # fn main() -> Result<(), charmwright_testing::Error> {
//! let test = "the reply to a replan is lost";
//! let Some(daemon) = daemon_or_skip(test, DaemonOptions::new()) else { return Ok(()) };
//! let proxy = FaultProxy::start(daemon.socket())?;
//! proxy.add(Rule::new("POST", "/v1/services", Fault::DropReply).body_contains("replan"));
//! // A client on proxy.socket() now loses its first answer, and
//! // proxy.count("POST", "/v1/services") says how often it sent.
//! # Ok(())
//! # }
//! ```
//!
//! # What holds for the whole crate
//!
//! - It uses threads and blocking calls, so it works the same under any async runtime, also with
//!   paused time. Nothing in it is a future.
//! - It needs Linux: the processes that a daemon started are found in `/proc`.
//! - It is for `[dev-dependencies]`. Its [`Error`] tells of a failure of the test's surroundings,
//!   never of the code under test; its texts may change in any release.

/// The example in the README, which compiles as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod captured_log;
pub mod daemon;
mod error;
mod folder;
pub mod pebble_binary;
mod process_tree;
pub mod processes;
pub mod proxy;
mod skip;
mod tool_scripts;
mod wire;

pub use captured_log::CapturedLog;
pub use error::{Error, ErrorKind};
pub use skip::{daemon_or_skip, skip_or_fail};
pub use tool_scripts::ToolScripts;
