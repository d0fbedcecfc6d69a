//! Runs one hook: calls the charm for each event and decides what the result means for the unit.
//!
//! A run has these steps, in this order:
//!
//! 1. The environment names an [`Event`](crate::Event) or an action (`invocation`).
//! 2. The unit's state is loaded (`unit_state`), and with it the deferred events.
//! 3. [`Charm::handle`](crate::Charm::handle) gets each deferred event, oldest first, and then the
//!    event of this hook (`dispatcher`). A deferred event is dropped if the relation or the storage
//!    that it is about is gone (`vanished`). The table of
//!    [`Verdict::by_table`](crate::Verdict::by_table) judges each error that it returns.
//! 4. The statuses are collected, and the worst is set (`collect_status`).
//! 5. The changes of databags are sent, and then the changes of the state are committed.
//! 6. The exit code tells Juju to keep what the hook has changed, or to drop it and run the hook
//!    again.
//!
//! Only this module decides what an error means for the unit: the client of Pebble does not know
//! that Juju exists, and the hook tools do not know that Pebble does.
//!
//! [`main`](main()) does this in a process of its own. [`run_hook`] does it in a test, which passes
//! in everything that the run uses, and returns a [`HookReport`].

mod charm_state;
mod collect_status;
pub(crate) mod context;
mod diagnosis;
mod dispatcher;
mod explain_refusal;
mod faults;
mod framework;
mod hook_event;
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
mod vanished;

pub use charm_state::CHARM_KEY;
pub use framework::deferred_events;
pub use process::main;
pub use queue::Deferred;
pub use report::{Ending, Handled, HookReport};
pub use run::{RunOptions, run, run_hook};

pub use stored::envelope::LARGEST_DOCUMENT;
pub use stored::framework::FRAMEWORK_KEY;
