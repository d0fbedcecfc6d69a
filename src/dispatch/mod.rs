//! One hook run as one typed function call, and what its result means for the unit.
//!
//! The road goes one way: the environment names an [`Event`](crate::Event) or an action; stored
//! events, oldest first, and then this one are given to [`Charm::handle`](crate::Charm::handle);
//! what it returns is judged by the table of [`Verdict::by_table`](crate::Verdict::by_table); the
//! statuses are collected and the worst is set; what changed of the state is committed; the exit
//! code tells Juju whether to keep it all or to run the hook again. Only this module decides what
//! an error means for the unit: the client below does not know that Juju exists, nor the hook tools
//! that Pebble does.
//!
//! [`main`](main()) is a process of its own; [`run_hook`] is the same in a test, with everything
//! that it touches given, and returns a [`HookReport`].

mod charm_state;
mod collect_status;
pub(crate) mod context;
mod diagnosis;
mod dispatcher;
mod explain_refusal;
mod faults;
mod framework;
mod invocation;
mod log;
mod mode;
mod operator_retry;
mod panics;
mod process;
mod queue;
mod report;
mod retry_status;
mod run;
mod store;
mod stored;
#[cfg(test)]
mod tests;
mod unit_state;
mod usage;

pub use charm_state::CHARM_KEY;
pub use framework::deferred_events;
pub use process::main;
pub use queue::Deferred;
pub use report::{Ending, Handled, HookReport};
pub use run::{RunOptions, run, run_hook};

pub use stored::envelope::LARGEST_DOCUMENT;
pub use stored::framework::FRAMEWORK_KEY;
