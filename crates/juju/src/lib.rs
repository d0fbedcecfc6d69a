//! What a charm and its unit agent say to each other during one hook.
//!
//! The agent starts the charm's executable with an environment that it builds from nothing, and
//! puts its *hook tools* on `PATH`: small programs such as `status-set` that ask the agent, print
//! the answer and exit. Everything a charm knows about Juju comes through these two doors, and this
//! module is both of them:
//!
//! - [`HookEnv`] is the environment, taken once and read in parts by the kind of hook. A variable
//!   that is missing or malformed is an [`Error`] that names it, and fails only who needs it.
//! - [`HookTools`] is the hook tools as typed calls. Each call runs one tool; a question is asked
//!   at most once a hook, since the agent's answer would not change anyway.
//!
//! Below them, a [`ToolRunner`] runs one tool and is the one seam: [`ProcessRunner`] starts real
//! processes, and in a test Juju's model answers in-process (`charmwright_agent::InProcessTools`).
//! All of it is synchronous and blocking, because a hook tool is a process that ends within
//! milliseconds and the agent serves one at a time.
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
//! What the tools accept and print is a fact about Juju 2.9 to 4.1 that was read in Juju's own
//! source; where a page of Juju's documentation differs, the source was followed.

/// The example that the README shows has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod calls;
mod env;
mod error;
mod error_kind;
mod event_vars;
mod hook_cache;
mod hook_tools;
mod log_level;
mod model_settings;
mod names;
mod port;
mod process_runner;
mod refusals;
mod status;
mod tool_output;
mod tool_runner;
mod vars;
mod version;

pub use calls::{InvalidActionKey, check_action_key};
pub use env::{DispatchPath, HookEnv};
pub use error::Error;
pub use error_kind::ErrorKind;
pub use event_vars::{NoticeVars, RelationVars, SecretVars, StorageVars};
pub use hook_tools::HookTools;
pub use log_level::LogLevel;
pub use model_settings::{AgentToken, Proxies, TraceTarget};
pub use names::{
    ActionId, ActionName, ApplicationName, CheckName, ContainerName, HookName, InvalidName,
    RelationId, SecretId, StorageId, UnitName,
};
pub use port::{InvalidPort, Port, Protocol};
pub use process_runner::ProcessRunner;
pub use status::{Status, StatusKind};
pub use tool_runner::{ToolCall, ToolError, ToolRunner};
pub use version::JujuVersion;
