//! Real parts for tests: a Pebble daemon of one's own, and a proxy that breaks the road to it.
//!
//! No Pebble here is a stand-in. [`pebble_binary`] finds the real one or builds the pinned one,
//! [`daemon`] runs it in a folder of its own and ends it the way a container ends (every process
//! that it started goes with it), and [`proxy`] stands between a client and the daemon's socket,
//! passes everything on, and spoils the requests that a test names. [`ToolScripts`] are hook tools
//! for a charm that runs as a process. [`processes`] says what runs.
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
//! Everything is plain threads and blocking calls, so that it works the same under any runtime,
//! paused time included. Linux only: what a daemon started is found in `/proc`.

/// The example that the README shows has to compile.
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
pub use skip::daemon_or_skip;
pub use tool_scripts::ToolScripts;
