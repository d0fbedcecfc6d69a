//! The report of a hook run.

use crate::action::ActionResult;
use crate::error::Error;
use crate::event::Event;
use crate::juju::{LogLevel, Status};
use crate::pebble::RetrySummary;

/// The hook is done, or has said by a status or a failed action why not.
pub(crate) const SUCCESS: u8 = 0;
/// The hook failed: Juju drops what it wrote and runs it again.
pub(crate) const FAILURE: u8 = 1;
/// The environment names no event.
pub(crate) const USAGE: u8 = 2;

/// A report has the exit code of one hook run, the result of each event, the statuses that were
/// set, the retries and the log.
#[derive(Debug, Default)]
#[must_use]
pub struct HookReport {
    pub(crate) exit_code: u8,
    pub(crate) handled: Vec<Handled>,
    pub(crate) action: Option<ActionResult>,
    pub(crate) status: Option<Status>,
    pub(crate) application_status: Option<Status>,
    pub(crate) retries: Vec<RetrySummary>,
    pub(crate) failure: Option<Error>,
    pub(crate) log: Vec<(LogLevel, String)>,
}

/// An entry of a report has one event of the run and its result.
#[derive(Debug)]
pub struct Handled {
    pub(crate) event: Event,
    pub(crate) is_deferred: bool,
    pub(crate) ending: Ending,
    pub(crate) error: Option<Error>,
}

/// An ending says what happened to an event after its handler ran.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The event is done.
    Done,
    /// The event is done, but something was not ready; the unit showed this status.
    NotReady(Status),
    /// The event is stored and runs again before the next one; the unit shows this status
    /// meanwhile.
    Stored(Status),
    /// The event is done, and the unit is Blocked with this message until the user corrects the
    /// mistake.
    Blocked(String),
    /// The event has failed the hook: see [`HookReport::failure`].
    Failed,
}

impl HookReport {
    /// Returns the exit code of the process: 0 if the hook is done, 1 if it failed and Juju has to
    /// run it again, 2 if the environment names no event.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Returns the events whose handlers ran, in the order in which they ran: the stored ones
    /// first, then the hook's own. In an action there are none.
    #[must_use]
    pub fn handled(&self) -> &[Handled] {
        &self.handled
    }

    /// Returns the result of an action that succeeded.
    #[must_use]
    pub fn action_result(&self) -> Option<&ActionResult> {
        self.action.as_ref()
    }

    /// Returns the error that failed the hook or the action. An action that failed exits with code
    /// 0.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Returns the last unit status that the end of the hook set, or `None` if it set none.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// Returns the application's status if this unit is the leader and one was added.
    #[must_use]
    pub fn application_status(&self) -> Option<&Status> {
        self.application_status.as_ref()
    }

    /// Returns a summary of the retries for each container that had any.
    #[must_use]
    pub fn retries(&self) -> &[RetrySummary] {
        &self.retries
    }

    /// Iterates over the lines that were logged at the level of the run and above, in order. A run
    /// of [`main`](crate::main()) or [`run`](super::run) keeps none.
    pub fn log(&self) -> impl Iterator<Item = (LogLevel, &str)> {
        self.log.iter().map(|(level, line)| (*level, line.as_str()))
    }
}

impl Handled {
    /// Returns the event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns `true` if an earlier hook stored the event and it ran again.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        self.is_deferred
    }

    /// Returns what happened to the event.
    #[must_use]
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Returns the error of the event's handler. An error that failed the hook is in
    /// [`HookReport::failure`] instead.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}
