//! This crate models Juju: the applications and units of a model, and the agent of each unit. It
//! decides which hook of a unit runs next, answers the hook tools that the hook calls, and commits
//! or drops the hook's writes when the hook ends.
//!
//! A [`Model`] is a plain value. It does no I/O, starts no process and has no clock. The caller
//! drives it:
//!
//! - [`Model::deploy`] adds an application with its units. The other commands of the operator are
//!   methods too, named as the `juju` command names them.
//! - [`Model::next`] returns the hook or the action that a unit runs now.
//! - [`Model::tool`] answers a hook tool that the running hook calls.
//! - [`Model::finish`] takes the exit code of the hook.
//! - The events of Pebble (a start, a check, a notice) are methods. Like the operator's commands,
//!   each takes effect at the next [`Model::next`].
//! - [`Model::unit`] and [`Model::application`] read the model.
//!
//! Every change is a method of the model and takes names, also where it concerns one unit only:
//! what one unit or the operator does may make hooks due on other units. What a unit or an
//! application has is read from a value that cannot change anything ([`Unit`], [`Application`]).
//!
//! [`Model::integrate`] relates two applications: what the hooks of one unit write to its databags
//! is what the units of the other application read, and they are told by hooks of their own. An
//! application without a charm ([`Deployment::remote`]) is a remote as real as any: a test writes
//! its databags, or a [`Provider`] that the model asks.
//!
//! Each unit runs one hook at a time, and the hooks of different units may run side by side. An
//! unknown unit or application is an error ([`ErrorKind::NotFound`]).
//!
//! `charmwright dev` connects a unit to real processes, a socket and a Pebble. A test answers a
//! hook's calls from the same code without any of them ([`InProcessTools`]).
//!
//! The model follows Juju 2.9 to 4.0 in the order of hooks, in the delays after a failure, in the
//! writes that are kept until the hook exits with 0, and in every tool's arguments, output, texts
//! and exit codes.
//!
//! A unit has the instances of storage that its charm declares. It is told of each by
//! storage-attached, on a machine before `install` and on Kubernetes after `start`, and by
//! storage-detaching before it loses one ([`Model::add_storage`], [`Model::detach_storage`]). An
//! instance outlives its unit ([`Model::storages`]).
//!
//! What holds everywhere in this crate:
//!
//! - No function is asynchronous, blocks or waits. Only [`InProcessTools`] takes a lock and reads
//!   files.
//! - `Debug` prints no content of a secret.
//! - Times are arguments: the caller passes the instant of the call, and a test any other.
//! - The wording of an [`Error`] may change; match on its [`ErrorKind`].
//!
//! This is the loop that a caller writes, here with a pretended process for each hook:
//!
//! ```
//! use std::time::Instant;
//! use charmwright_agent::{
//!     AgentPaths, CharmMeta, Deployment, HookExit, Model, ModelSettings, Next, ToolAnswer,
//!     ToolRequest, ToolStep, UnitName,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metadata = "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}";
//! let config = "options: {port: {type: int, default: 80}}";
//! let meta = CharmMeta::parse(metadata, Some(config), None)?;
//! let mut model = Model::new(ModelSettings::new());
//! model.deploy("web", Deployment::charm(meta))?;
//! let web: UnitName = "web/0".parse()?;
//! let paths = AgentPaths::new("/charm", "/tools", "/run/agent.socket");
//! model.pebble_seen(&web, "web", "boot-1")?; // what a poll of /v1/system-info saw
//!
//! let mut ran = Vec::new();
//! loop {
//!     match model.next(&web, Instant::now())? {
//!         Next::Run(run) => {
//!             // Command::new(program).env_clear().envs(environment)
//!             let _environment = run.environment(&paths);
//!             // Other steps ask for standard input or a file, write one, or kill the hook.
//!             let request = ToolRequest {
//!                 context_id: run.id().to_owned(),
//!                 dir: "/charm".into(),
//!                 name: "status-set".to_owned(),
//!                 args: vec!["active".to_owned()],
//!                 ..ToolRequest::default()
//!             };
//!             let step = model.tool(&web, &request);
//!             assert_eq!(step, ToolStep::Done(ToolAnswer::default()), "it prints nothing");
//!             let exit = HookExit::Code(0);
//!             let finished = model.finish(&web, &exit, Instant::now(), b"", b"")?;
//!             ran.push(finished.name().to_owned());
//!         }
//!         // Wait until then, or for a command, a poll, a notice.
//!         Next::At(_) | Next::Idle | Next::Busy => break,
//!         Next::Gone => break,
//!         _ => break,
//!     }
//! }
//! assert_eq!(ran, ["install", "leader-elected", "web-pebble-ready", "config-changed", "start"]);
//! assert!(model.unit(&web)?.is_settled(Instant::now()));
//! assert_eq!(model.report(&web)?.status, "active");
//! # Ok(())
//! # }
//! ```
//!
//! Here the other side of a relation has no charm. The test writes its databag, and the hooks of
//! the charm come in Juju's order:
//!
//! ```
//! use std::time::Instant;
//! use charmwright_agent::{
//!     CharmMeta, Deployment, EndpointMeta, EndpointRole, HookExit, Model, ModelSettings, Next,
//!     UnitName,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metadata = "name: web\nsummary: s\ndescription: d\nrequires: {db: {interface: sql}}";
//! let mut model = Model::new(ModelSettings::new());
//! model.deploy("web", Deployment::charm(CharmMeta::parse(metadata, None, None)?))?;
//! let server = EndpointMeta::new("server", EndpointRole::Provider, "sql");
//! model.deploy("pg", Deployment::remote([server]))?;
//! let relation = model.integrate("web", "pg")?;
//! model.set_remote_app_data(relation, "pg", [("endpoints", "10.0.0.9:5432")])?;
//!
//! let web: UnitName = "web/0".parse()?;
//! let mut hooks = Vec::new();
//! while let Next::Run(run) = model.next(&web, Instant::now())? {
//!     let remote = run.kind().relation().and_then(|hook| hook.remote_unit());
//!     hooks.push(match remote {
//!         Some(unit) => format!("{} of {unit}", run.name()),
//!         None => run.name(),
//!     });
//!     model.finish(&web, &HookExit::Code(0), Instant::now(), b"", b"")?;
//! }
//! assert_eq!(hooks, [
//!     "install",
//!     "db-relation-created",
//!     "leader-elected",
//!     "config-changed",
//!     "start",
//!     "db-relation-changed",
//!     "db-relation-joined of pg/0",
//!     "db-relation-changed of pg/0",
//! ]);
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
mod application;
mod args;
mod base64;
mod charm_files;
mod charm_meta;
mod cloud;
mod commit;
mod config;
mod config_inputs;
mod data;
mod deploy;
mod deployment;
mod endpoint;
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
mod model;
mod model_settings;
mod names;
mod network;
mod operator;
mod output;
mod pod;
mod ports;
mod relation_commands;
mod relation_hooks;
mod relations;
mod remote_application;
mod removal;
mod report;
mod running;
mod schedule;
mod schema;
mod secret_hooks;
mod secret_uri;
mod secrets;
mod shown_status;
mod status;
mod storage;
mod storage_commands;
mod storage_directive;
mod storage_hooks;
mod storage_meta;
mod subordinates;
mod tool_call;
mod tool_path;
mod tool_request;
mod tools;
mod unit;
mod unit_record;
mod user_secrets;
mod workload_events;

#[cfg(test)]
mod tests;

pub use action_record::{ActionRecord, ActionStatus};
pub use action_schema::ActionSchema;
pub use application::Application;
pub use charm_files::{CharmSources, DispatchProgram};
pub use charm_meta::CharmMeta;
pub use cloud::Cloud;
pub use config::{ConfigOption, OptionType};
pub use deployment::Deployment;
pub use endpoint::{EndpointMeta, EndpointRole, EndpointScope};
pub use environment::AgentPaths;
pub use error::{Error, ErrorKind};
pub use hook::{HookKind, NoticeInfo, SecretHook, StorageHook};
pub use hook_end::{Ending, Finished};
pub use hook_exit::HookExit;
pub use hook_run::HookRun;
pub use in_process::{InProcessTools, RecordedCall};
pub use log::{LogLine, Stream};
pub use model::Model;
pub use model_settings::{ModelSettings, Substrate};
pub use network::Network;
pub use operator::Resolve;
pub use relations::{
    Played, PlayedRelation, Provider, RelationEvent, RelationHook, RelationNumber,
};
pub use report::{
    ContainerReport, FailedHookReport, RelationReport, Report, ResourceReport, StorageReport,
};
pub use schedule::Next;
pub use secrets::SecretReport;
pub use storage::{StorageInstance, StorageState};
pub use storage_meta::{MountMeta, ResourceKind, ResourceMeta, StorageMeta};
pub use tool_request::{OutputFile, ToolAnswer, ToolRequest, ToolStep};
pub use tools::tool_names;
pub use unit::Unit;
pub use user_secrets::SecretUpdate;

pub use charmwright_juju::{
    ActionId, JujuVersion, LogLevel, SecretId, StorageId, StorageKind, UnitName,
};
