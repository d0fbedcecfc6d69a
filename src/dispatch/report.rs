//! What a hook run came to.

use crate::action::ActionResult;
use crate::error::Error;
use crate::event::Event;
use crate::juju::{LogLevel, Status};
use crate::pebble::RetrySummary;

/// The hook did what it had to do, or said by a status or a failed action that it could not.
pub(crate) const SUCCESS: u8 = 0;
/// The hook failed: Juju drops what it wrote and runs it again.
pub(crate) const FAILURE: u8 = 1;
/// No event was named.
pub(crate) const USAGE: u8 = 2;

/// A report of one hook run: its exit code, what became of each event, the statuses that it set,
/// its retries and its log.
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

/// One event of a hook run, and what became of it.
#[derive(Debug)]
pub struct Handled {
    pub(crate) event: Event,
    pub(crate) is_deferred: bool,
    pub(crate) ending: Ending,
    pub(crate) error: Option<Error>,
}

/// What became of an event whose handler ran.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It is done.
    Done,
    /// It is done, and something was not ready; the unit showed this status.
    NotReady(Status),
    /// It is stored and runs again before the next event; the unit shows this status meanwhile.
    Stored(Status),
    /// It is done, and the unit is Blocked with this message until the user has mended what is
    /// wrong.
    Blocked(String),
    /// It failed the hook: see [`HookReport::failure`].
    Failed,
}

impl HookReport {
    /// The exit code of the process: 0 when the hook is done, 1 when it failed and Juju is to run
    /// it again, 2 when no event was named.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// The events whose handlers ran, in that order: stored ones first, then the hook's own. None
    /// in an action.
    #[must_use]
    pub fn handled(&self) -> &[Handled] {
        &self.handled
    }

    /// The result of an action that went well.
    #[must_use]
    pub fn action_result(&self) -> Option<&ActionResult> {
        self.action.as_ref()
    }

    /// What failed the hook, or the action. An action that failed exits with code 0.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// The unit's status as the hook's end left it; `None` if it set none.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// The application's status, if this unit is the leader and one was added.
    #[must_use]
    pub fn application_status(&self) -> Option<&Status> {
        self.application_status.as_ref()
    }

    /// What the retries on each container came to, where there were any.
    #[must_use]
    pub fn retries(&self) -> &[RetrySummary] {
        &self.retries
    }

    /// The lines that were logged at the level of the run and above, in order. A run of
    /// [`main`](crate::main()) or [`run`](super::run) keeps none.
    pub fn log(&self) -> impl Iterator<Item = (LogLevel, &str)> {
        self.log.iter().map(|(level, line)| (*level, line.as_str()))
    }
}

impl Handled {
    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Whether it was stored by an earlier hook and ran again.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        self.is_deferred
    }

    /// What became of it.
    #[must_use]
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// The error of its handler, unless it failed the hook: then it is
    /// [`HookReport::failure`].
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}
