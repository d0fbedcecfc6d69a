//! The files of a charm that Juju reads when the charm is added, each with the rules by which Juju
//! refuses one.
//!
//! A folder of sources has no `manifest.yaml` (charmcraft writes it), so the rules that need one
//! are left out. Source: Juju 3.6, package charm; where 4.0 differs it is said.

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
