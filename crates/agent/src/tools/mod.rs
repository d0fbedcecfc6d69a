//! The hook tools: the arguments, the effect and the output of each. Each file has one group of
//! tools.
//!
//! The names, options, texts and exit codes are Juju's. Source: reference `juju-agent.md` 1.4, 2
//! and 3.

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
mod relation_data;
mod removed;
mod secret;
mod secret_content;
mod secret_relation;
mod state;
mod status;
mod storage;
mod tool;

use charmwright_juju::JujuVersion;

pub(super) use context::{Failure, ToolContext};
pub(super) use relation::check_relation;
pub(super) use storage::check_storage;
pub(super) use tool::{Formats, Tool};

static TABLES: [&[Tool]; 15] = [
    action::TOOLS,
    config::TOOLS,
    leader::TOOLS,
    log::TOOLS,
    model::TOOLS,
    network::TOOLS,
    ports::TOOLS,
    reboot::TOOLS,
    relation::TOOLS,
    relation_data::TOOLS,
    removed::TOOLS,
    secret::TOOLS,
    state::TOOLS,
    status::TOOLS,
    storage::TOOLS,
];

fn all() -> impl Iterator<Item = &'static Tool> {
    TABLES.iter().flat_map(|tools| tools.iter())
}

/// Returns the tool of this name, or `None` if this version of Juju does not have it.
pub(super) fn find(name: &str, version: &JujuVersion) -> Option<&'static Tool> {
    all().find(|tool| tool.name == name && tool.versions.include(version))
}

/// Returns the names of the hook tools in a version of Juju, sorted. A hook needs an executable for
/// each of them.
#[must_use]
pub fn tool_names(version: &JujuVersion) -> Vec<&'static str> {
    let mut names: Vec<&'static str> =
        all().filter(|tool| tool.versions.include(version)).map(|tool| tool.name).collect();
    names.sort_unstable();
    names
}

/// Returns the declarations of all tools, for the table of them in the docs.
#[cfg(test)]
pub(super) fn all_tools() -> impl Iterator<Item = &'static Tool> {
    all()
}

/// Returns the versions of Juju that have a tool, in words.
#[cfg(test)]
pub(super) fn versions_of(tool: &Tool) -> String {
    match tool.versions {
        tool::Versions::All => "all".to_owned(),
        tool::Versions::From(major, minor) => format!("{major}.{minor} on"),
        tool::Versions::RemovedIn(major, minor) => format!("before {major}.{minor}"),
    }
}
