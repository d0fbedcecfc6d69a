//! One hook run as one typed function call, and what its result means for the unit.
//!
//! The road goes one way: the environment names an [`Event`]; stored events, oldest first, and then
//! this one are given to [`Charm::handle`]; what it returns is judged by the table of
//! [`Verdict::by_table`]; the statuses are collected and the worst is set; what changed of the
//! state is committed; the exit code tells Juju whether to keep it all or to run the hook again.
//! Only this module decides what an error means for the unit: the client below does not know that
//! Juju exists, nor the hook tools that Pebble does.

mod charm;
mod config;
mod container;
mod error;
mod event;
mod faults;
mod handling;
mod hook;
mod layer_field;
mod log;
mod mistake;
mod observer;
mod outcome;
mod phase;
mod process;
mod queue;
mod retry;
mod run;
mod state;
mod status;
mod store;
mod stored;
#[cfg(test)]
mod tests;
mod text;
mod usage;

pub use charm::{Charm, Metadata};
pub use config::NoConfig;
pub use container::Container;
pub use error::{Context, Error, ErrorKind, Result};
pub use event::Event;
pub use hook::Hook;
pub use layer_field::{LayerField, LayerKey};
pub use outcome::{Outcome, Verdict};
pub use phase::Phase;
pub use process::main;
pub use queue::Deferred;
pub use retry::Retry;
pub use run::{RunOptions, run};
pub use state::{CHARM_KEY, deferred_events};
pub use status::Statuses;
pub use stored::envelope::LARGEST_DOCUMENT;
pub use stored::framework::FRAMEWORK_KEY;
