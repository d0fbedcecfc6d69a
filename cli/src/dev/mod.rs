//! `charmwright dev` is the unit agent of one unit on this machine.
//!
//! ```text
//! guard            makes the run's folder, starts the session, cleans up however it ends
//! └─ session       one loop that owns the model of Juju (charmwright_agent) and takes one
//!    │             event at a time
//!    ├─ hook       the charm's own program, one at a time
//!    │  └─ tools   this binary as config-get, status-set, ...: each asks the session over the
//!    │             agent's socket
//!    └─ container-init   one for each container
//!       └─ pebble
//!          └─ the workload
//! ```
//!
//! Around the unit the model may have applications without a charm and units without a process:
//! `relations.rs` and `secrets.rs` let the user act for them. `storage.rs` and `resources.rs` have
//! what the operator gives the unit, and `mounts.rs` makes its storage real.
//!
//! Every event (a call of a hook tool, the end of a hook, an answer of Pebble, a command) is a
//! [`session_event::SessionEvent`] in one queue. The model decides what an event means. This module
//! adds the sockets, the processes and the terminal.

mod cargo_charm;
mod charm_archive;
mod charm_folder;
mod charm_source;
mod command_input;
mod command_runner;
mod commands;
mod container;
mod deferred_events;
mod duration_text;
mod expectations;
mod fetch;
mod fixed_link;
mod guard;
mod hook_output;
mod hook_process;
mod hook_remarks;
mod hooks;
mod image_details;
mod lasting_error;
mod line_words;
mod mounts;
pub mod options;
mod pebble_events;
mod pebble_requests;
mod pebble_watcher;
mod phase;
mod redaction;
mod refresh;
mod refresh_state;
mod relations;
mod resources;
mod retries;
mod running_hook;
mod script;
mod secret_names;
mod secrets;
mod session;
mod session_event;
mod session_loop;
mod setup;
mod shutdown;
mod signals;
mod spelling;
mod storage;
mod table;
mod terminal_output;
mod tool_files;
mod tool_server;
mod unit_config;
mod unit_log;
mod wanted_status;
mod workspace;

use std::process::ExitCode;

use self::options::DevArgs;
use crate::error::{Error, Result};
use crate::private_files;

/// Runs `charmwright dev`: the guard, or the session if the guard has started this process.
pub fn run(args: DevArgs) -> Result<ExitCode> {
    // First of all: Pebble, the hooks and the workloads inherit this umask.
    private_files::set_safe_umask();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("cannot start the event loop").because(error))?;
    let outcome = match (args.root.clone(), args.guard) {
        (Some(root), Some(guard)) => runtime.block_on(setup::run(args, &root, guard)),
        _ => runtime.block_on(guard::run(&args)),
    };
    // A build that was cancelled may still wait for its compiler, and its thread is not waited for.
    runtime.shutdown_background();
    outcome
}
