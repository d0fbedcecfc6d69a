//! These modules read the files of a charm and refuse them by the rules by which Juju refuses a
//! charm that is added.
//!
//! The rules that need a `manifest.yaml` are left out: charmcraft writes that file, and a directory
//! of sources does not have it. Source: Juju 3.6, package charm. A comment says where 4.0 differs.

mod actions;
mod assumes;
mod charmcraft;
mod config;
mod containers;
mod document;
mod metadata;
mod names;
mod relations;
mod resources;
mod sources;
mod storage;
mod terms;

#[cfg(test)]
mod tests;

pub(super) use actions::read_actions;
pub use charmcraft::DispatchProgram;
pub(super) use config::read_config;
pub(super) use metadata::read_metadata;
pub use sources::CharmSources;
