//! The hook tools, a file a group: what each takes, does and prints.
//!
//! Source: reference `juju-agent.md` 1.4, 2 and 3: names, options, texts and exit codes are Juju's.

mod action;
mod config;
mod context;
mod leader;
mod log;
mod model;
mod network;
mod ports;
mod reboot;
mod relation;
mod removed;
mod secret;
mod secret_content;
mod state;
mod status;
mod storage;
mod tool;

use charmwright_juju::JujuVersion;

pub(super) use context::{Failure, ToolContext};
pub(super) use relation::no_such_relation;
pub(super) use storage::no_such_storage;
pub(super) use tool::{Formats, Tool};

static TABLES: [&[Tool]; 14] = [
    action::TOOLS,
    config::TOOLS,
    leader::TOOLS,
    log::TOOLS,
    model::TOOLS,
    network::TOOLS,
    ports::TOOLS,
    reboot::TOOLS,
    relation::TOOLS,
    removed::TOOLS,
    secret::TOOLS,
    state::TOOLS,
    status::TOOLS,
    storage::TOOLS,
];

fn all() -> impl Iterator<Item = &'static Tool> {
    TABLES.iter().flat_map(|tools| tools.iter())
}

/// The tool of that name in that version of Juju.
pub(super) fn find(name: &str, version: &JujuVersion) -> Option<&'static Tool> {
    all().find(|tool| tool.name == name && tool.versions.include(version))
}

/// The names that an executable is needed for in that version of Juju, sorted.
#[must_use]
pub fn tool_names(version: &JujuVersion) -> Vec<&'static str> {
    let mut names: Vec<&'static str> =
        all().filter(|tool| tool.versions.include(version)).map(|tool| tool.name).collect();
    names.sort_unstable();
    names
}
