//! The environment of a Juju hook and the hook tools, as typed calls.
//!
//! Juju's unit agent starts the charm's executable once for each hook. It passes an environment
//! that it builds from nothing, and it puts its *hook tools* on `PATH`: small programs such as
//! `status-set` that ask the agent, print the answer and exit (Juju 2.9 to 4.1). A charm learns
//! everything about Juju from these two sources, and this crate covers both:
//!
//! - [`HookEnv`] holds the environment. It is captured once, and each kind of hook reads its own
//!   variables from it. A missing or malformed variable is an [`Error`] that names the variable; it
//!   fails only the call that needs that variable.
//! - [`HookTools`] has one method for each hook tool. Each call runs one process; a read is cached
//!   for the hook, because the agent's answer would not change within it.
//!
//! Both rest on one trait: a [`ToolRunner`] runs one hook tool. [`ProcessRunner`] starts real
//! processes; a test lets a model of Juju answer in-process (`charmwright_agent::InProcessTools`).
//!
//! # Blocking
//!
//! Every call blocks, and no method is `async`: a hook tool is a process that ends within
//! milliseconds, and the agent serves one tool at a time (Juju 2.9 to 4.1). An async program calls
//! this crate from a thread that may block.
//!
//! # Errors
//!
//! Every fallible call returns an [`Error`]. Programs match on its [`ErrorKind`]; the text of the
//! error is for people and may change in any release.
//!
//! # Stability
//!
//! Before 1.0 a breaking change raises the second number of the version. Most public enums and
//! structs are `#[non_exhaustive]`, because a newer Juju adds tools and variables. The crate needs
//! Linux and Rust 1.89.
//!
//! # Example
//!
//! ```no_run
//! use charmwright_juju::{HookEnv, HookTools, Port, Status, ProcessRunner};
//!
//! # fn main() -> Result<(), charmwright_juju::Error> {
//! let env = HookEnv::from_process()?;
//! let tools = HookTools::new(Box::new(ProcessRunner::new()));
//! if tools.config()?.contains_key("port") {
//!     tools.open_port(Port::tcp(8080))?;
//! }
//! tools.set_status(&Status::waiting(format!("{} is starting", env.unit())))?;
//! # Ok(())
//! # }
//! ```
//!
//! # Which Juju
//!
//! The hook tools' arguments and outputs are those of Juju 2.9 to 4.1, as Juju's source has them.
//! Where Juju's documentation differs from its source, this crate follows the source.

/// Compiles the example of the README as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod calls;
mod cloud;
mod env;
mod error;
mod error_kind;
mod event_vars;
mod goal_state;
mod hook_cache;
mod hook_tools;
mod log_level;
mod model_settings;
mod names;
mod network;
mod payload_status;
mod port;
mod process_runner;
mod refusals;
mod relation_cache;
mod secret;
mod status;
mod storage_info;
mod storage_kind;
mod time;
mod tool_output;
mod tool_runner;
mod vars;
mod version;

pub use calls::{
    InvalidActionKey, UnitAddress, check_action_key, check_databag_changes, check_databag_size,
};
pub use cloud::{CloudCredential, CloudSpec};
pub use env::{DispatchPath, HookEnv};
pub use error::Error;
pub use error_kind::ErrorKind;
pub use event_vars::{NoticeVars, RelationVars, SecretVars, StorageVars};
pub use goal_state::{Goal, GoalState, RelationGoals};
pub use hook_tools::HookTools;
pub use log_level::LogLevel;
pub use model_settings::{AgentToken, Proxies, TraceTarget};
pub use names::{
    ActionId, ActionName, ApplicationName, CheckName, ContainerName, EndpointName, HookName,
    InvalidName, RelationId, SecretId, StorageId, StorageName, UnitName,
};
pub use network::{Host, InterfaceAddress, InvalidSubnet, Network, NetworkInterface, Subnet};
pub use payload_status::PayloadStatus;
pub use port::{InvalidPort, OpenPort, Port, Protocol};
pub use process_runner::ProcessRunner;
pub use secret::{
    InvalidSecretKey, NewSecret, SecretAccess, SecretBytes, SecretExpiry, SecretFieldError,
    SecretFields, SecretInfo, SecretOwner, SecretRef, SecretRotation, SecretText, SecretUpdate,
    SecretValue, check_secret_key,
};
pub use status::{Status, StatusKind};
pub use storage_info::StorageInfo;
pub use storage_kind::StorageKind;
pub use tool_runner::{ToolCall, ToolError, ToolRunner};
pub use version::JujuVersion;
