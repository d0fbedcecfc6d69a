//! This crate models Juju's unit agent: it decides which hook of a unit runs next, answers the hook
//! tools that the hook calls, and commits or drops the hook's writes when the hook ends.
//!
//! A [`Unit`] is a plain value. It does no I/O, starts no process and has no clock. The caller
//! drives it:
//!
//! - [`Unit::next`] returns the hook or the action that runs now.
//! - [`Unit::tool`] answers a hook tool that the running hook calls.
//! - [`Unit::finish`] takes the exit code of the hook.
//! - The commands of the operator (`juju config`, `juju resolved`) and the events of Pebble (a
//!   start, a check, a notice) are methods too. Each takes effect at the next [`Unit::next`].
//!
//! `charmwright dev` connects a unit to real processes, a socket and a Pebble. A test answers a
//! hook's calls from the same code without any of them ([`InProcessTools`]).
//!
//! The model follows Juju 2.9 to 4.0 in the order of hooks, in the delays after a failure, in the
//! writes that are kept until the hook exits with 0, and in every tool's arguments, output, texts
//! and exit codes. Relations, storage and secrets are not modelled: their tools answer as they do
//! for a unit that has none.
//!
//! What holds everywhere in this crate:
//!
//! - No function is asynchronous, blocks or waits. Only [`InProcessTools`] takes a lock.
//! - Times are arguments: the caller passes the instant of the call, and a test any other.
//! - The wording of an [`Error`] may change; match on its [`ErrorKind`].
//!
//! This is the loop that a caller writes, here with a pretended process for each hook:
//!
//! ```
//! use std::time::Instant;
//! use charmwright_agent::{
//!     AgentPaths, CharmMeta, HookExit, Next, ToolAnswer, ToolRequest, ToolStep, Unit,
//!     UnitSettings,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metadata = "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}";
//! let config = "options: {port: {type: int, default: 80}}";
//! let meta = CharmMeta::parse(metadata, Some(config), None)?;
//! let mut unit = Unit::new(meta, UnitSettings::new("web/0")?);
//! let paths = AgentPaths::new("/charm", "/tools", "/run/agent.socket");
//! unit.pebble_seen("web", "boot-1")?; // what a poll of /v1/system-info saw
//!
//! let mut ran = Vec::new();
//! loop {
//!     match unit.next(Instant::now()) {
//!         Next::Run(run) => {
//!             // Command::new(program).env_clear().envs(environment)
//!             let _environment = run.environment(&paths);
//!             // Other steps ask for standard input or a file, write one, or kill the hook.
//!             let step = unit.tool(&ToolRequest {
//!                 context_id: run.id().to_owned(),
//!                 dir: "/charm".into(),
//!                 name: "status-set".to_owned(),
//!                 args: vec!["active".to_owned()],
//!                 ..ToolRequest::default()
//!             });
//!             assert_eq!(step, ToolStep::Done(ToolAnswer::default()), "it prints nothing");
//!             let finished = unit.finish(&HookExit::Code(0), Instant::now(), b"", b"")?;
//!             ran.push(finished.name().to_owned());
//!         }
//!         // Wait until then, or for a command, a poll, a notice.
//!         Next::At(_) | Next::Idle | Next::Busy => break,
//!         Next::Gone => break,
//!         _ => break,
//!     }
//! }
//! assert_eq!(ran, ["install", "leader-elected", "web-pebble-ready", "config-changed", "start"]);
//! assert!(unit.is_settled(Instant::now()));
//! assert_eq!(unit.report().status, "active");
//! # Ok(())
//! # }
//! ```

/// Compiles the example of the README as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod action_end;
mod action_record;
mod action_schema;
mod actions;
mod args;
mod charm_files;
mod charm_meta;
mod config;
mod controller;
mod data;
mod environment;
mod error;
mod go_number;
mod go_text;
mod go_time;
mod go_yaml;
mod hook;
mod hook_end;
mod hook_exit;
mod hook_run;
mod in_process;
mod lifecycle;
mod log;
mod names;
mod output;
mod pod;
mod ports;
mod report;
mod running;
mod schedule;
mod schema;
mod secret_uri;
mod settings;
mod status;
mod storage_directive;
mod tool_call;
mod tool_path;
mod tool_request;
mod tools;
mod unit;
mod workload_events;

#[cfg(test)]
mod tests;

pub use action_record::{ActionRecord, ActionStatus};
pub use action_schema::ActionSchema;
pub use charm_files::{CharmSources, DispatchProgram};
pub use charm_meta::CharmMeta;
pub use config::{ConfigOption, OptionType};
pub use environment::AgentPaths;
pub use error::{Error, ErrorKind};
pub use hook::{HookKind, NoticeInfo};
pub use hook_end::{Ending, Finished};
pub use hook_exit::HookExit;
pub use hook_run::HookRun;
pub use in_process::{InProcessTools, RecordedCall};
pub use log::{LogLine, Stream};
pub use report::{ContainerReport, FailedHookReport, Report};
pub use schedule::Next;
pub use settings::{Substrate, UnitSettings};
pub use tool_request::{OutputFile, ToolAnswer, ToolRequest, ToolStep};
pub use tools::tool_names;
pub use unit::{Resolve, Unit};

pub use charmwright_juju::{ActionId, JujuVersion, LogLevel};
