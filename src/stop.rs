//! Why a function of a charm ended before its end.

use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;
use crate::juju::{self, Status};
use crate::pebble;

/// The result of every function of a charm.
pub type Result<T = (), E = Stop> = std::result::Result<T, E>;

/// A stop says why a pass ended before its end: something is *not ready*, or something *failed*.
///
/// What is not ready is no error: nothing is logged as one and nothing is retried, and the unit's
/// status tells the reason. What failed is judged by [the table](crate::Verdict::by_table). `?`
/// serves both, see [`IntoStop`].
///
/// It is not a [`std::error::Error`]: that is what lets `?` take every error that is
/// [`IntoStop`]. It prints the error, or the status that tells of what is not ready. A function
/// that only checks something may well return a `Result<(), Error>` instead: `?` takes it, and a
/// test can ask the [`Error`] for more.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Stop {
    /// Something outside is not there yet.
    NotReady(NotReady),
    /// This attempt broke.
    Failed(Error),
}

impl Stop {
    /// Ends the pass as not ready: the unit is Waiting with this reason, which the operator reads,
    /// such as `waiting for the database`.
    pub fn waiting(reason: impl Into<String>) -> Self {
        NotReady::waiting(reason).into()
    }

    /// Ends the pass as not ready: the unit is Blocked with this reason, since only the operator
    /// can bring about what is missing.
    pub fn blocked(reason: impl Into<String>) -> Self {
        NotReady::blocked(reason).into()
    }

    /// Ends the pass with [`Error::config`]: the option cannot be used. It saves an `.into()` where
    /// a function returns a [`Result`].
    pub fn config(option: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Failed(Error::config(option, message))
    }

    /// Ends the pass with an error of the charm's own, as [`Error::new`] makes it.
    pub fn failed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(Error::new(error))
    }

    /// Ends an action that does not do what it was asked for: its failure message is this text
    /// alone. Anywhere else it is an error like any other.
    pub fn refused(message: impl fmt::Display) -> Self {
        Self::Failed(Error::refused(message))
    }

    /// The error, if something failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::NotReady(_) => None,
        }
    }

    /// What is waited for, if something is not ready.
    #[must_use]
    pub fn not_ready(&self) -> Option<&NotReady> {
        match self {
            Self::NotReady(reason) => Some(reason),
            Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady(reason) => reason.status.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// Something outside is not there yet: the status that tells of it, and whether the event is to run
/// again.
///
/// The event counts as done, since what is missing will send an event of its own when it comes.
/// Where it will not, the event has to be [`stored`](NotReady::stored).
///
/// It is no [`std::error::Error`], as [`Stop`] is none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NotReady {
    status: Status,
    is_stored: bool,
}

impl NotReady {
    /// The unit is Waiting meanwhile, with this reason.
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self { status: Status::waiting(reason), is_stored: false }
    }

    /// The unit is Blocked meanwhile, with this reason.
    pub fn blocked(reason: impl Into<String>) -> Self {
        Self { status: Status::blocked(reason), is_stored: false }
    }

    /// Stores the event as well, so that it runs again before the next one. The same limits hold as
    /// for [`Outcome::defer`](crate::Outcome::defer).
    pub fn stored(self) -> Self {
        Self { is_stored: true, ..self }
    }

    /// The status that the unit shows.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Returns `true` if the event is to be stored.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.is_stored
    }
}

/// An error that `?` may end a pass with.
///
/// The errors of [`pebble`], of [`juju`] and of the framework are. Any other says first what was
/// attempted:
///
/// ```compile_fail,E0277
/// fn read() -> charmwright::Result<String> {
///     Ok(std::fs::read_to_string("/etc/hostname")?)
/// }
/// ```
///
/// ```
/// use charmwright::Context as _;
///
/// fn read() -> charmwright::Result<String> {
///     std::fs::read_to_string("/etc/hostname").context("read the name of this machine")
/// }
/// ```
///
/// An error type of the charm's own becomes one by an empty `impl`, or with a body where some of
/// its values are *not ready*:
///
/// ```
/// use charmwright::{IntoStop, Stop};
///
/// #[derive(Debug)]
/// enum RedisError {
///     Loading,
///     Refused,
/// }
/// # impl std::fmt::Display for RedisError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         write!(f, "cannot talk to redis")
/// #     }
/// # }
/// # impl std::error::Error for RedisError {}
///
/// impl IntoStop for RedisError {
///     fn into_stop(self) -> Stop {
///         match self {
///             Self::Loading => Stop::waiting("waiting for redis to load its data"),
///             other => Stop::failed(other),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`?` cannot end a pass with `{Self}`",
    label = "say what was attempted: `.context(\"read the file\")?`",
    note = "for an error type of your own: `impl charmwright::IntoStop for {Self} {{}}`"
)]
pub trait IntoStop: Into<Box<dyn StdError + Send + Sync>> {
    /// Says why the pass ends. By default it failed, with this error.
    fn into_stop(self) -> Stop {
        Stop::failed(self)
    }
}

impl<E: IntoStop> From<E> for Stop {
    fn from(error: E) -> Self {
        error.into_stop()
    }
}

impl From<NotReady> for Stop {
    fn from(reason: NotReady) -> Self {
        Self::NotReady(reason)
    }
}

impl IntoStop for Error {
    fn into_stop(self) -> Stop {
        Stop::Failed(self)
    }
}

impl IntoStop for pebble::Error {}
impl IntoStop for juju::Error {}
impl<E: StdError + Send + Sync + 'static> IntoStop for pebble::RetryError<E> {}
impl IntoStop for Box<dyn StdError + Send + Sync> {}

/// Says of a failed step what was attempted, so that `?` may pass it on.
#[diagnostic::on_unimplemented(
    message = "`.context()` is for a `Result` whose error is an error, or a `Stop`",
    note = "for an `Option` write `.or_wait(\"…\")?` or `.or_blocked(\"…\")?`"
)]
pub trait Context<T> {
    /// Turns any error into one that says what was attempted: `attempt` completes a sentence that
    /// starts with "cannot", such as `read the license`. What is not ready passes untouched.
    ///
    /// # Errors
    ///
    /// The given one, as [`Error::new`] and [`Error::context`] make it.
    fn context(self, attempt: impl fmt::Display) -> Result<T>;
}

impl<T, E: StdError + Send + Sync + 'static> Context<T> for std::result::Result<T, E> {
    fn context(self, attempt: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Stop::Failed(Error::new(error).context(attempt)))
    }
}

impl<T> Context<T> for Result<T> {
    fn context(self, attempt: impl fmt::Display) -> Result<T> {
        self.map_err(|stop| match stop {
            Stop::Failed(error) => Stop::Failed(error.context(attempt)),
            not_ready @ Stop::NotReady(_) => not_ready,
        })
    }
}

/// Ends the pass with a status where something is not there, or did not work.
///
/// ```
/// use charmwright::OrStop as _;
///
/// fn first(addresses: &[String]) -> charmwright::Result<&String> {
///     addresses.first().or_wait("waiting for an address of the database")
/// }
///
/// let stop = first(&[]).unwrap_err();
/// let status = stop.not_ready().map(|reason| reason.status().to_string());
/// assert_eq!(status.as_deref(), Some("waiting: waiting for an address of the database"));
/// ```
pub trait OrStop<T> {
    /// Waiting with this reason, where there is no value.
    ///
    /// # Errors
    ///
    /// [`Stop::waiting`]; the error that was there is dropped.
    fn or_wait(self, reason: impl Into<String>) -> Result<T>;

    /// Blocked with this reason, where there is no value.
    ///
    /// # Errors
    ///
    /// [`Stop::blocked`]; the error that was there is dropped.
    fn or_blocked(self, reason: impl Into<String>) -> Result<T>;
}

impl<T> OrStop<T> for Option<T> {
    fn or_wait(self, reason: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Stop::waiting(reason))
    }

    fn or_blocked(self, reason: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Stop::blocked(reason))
    }
}

impl<T, E> OrStop<T> for std::result::Result<T, E> {
    fn or_wait(self, reason: impl Into<String>) -> Result<T> {
        self.map_err(|_| Stop::waiting(reason))
    }

    fn or_blocked(self, reason: impl Into<String>) -> Result<T> {
        self.map_err(|_| Stop::blocked(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("cannot count sheep number {0}")]
    struct Sheep(u32);

    impl IntoStop for Sheep {}

    #[test]
    fn an_error_of_the_charms_own_is_found_in_the_stop() {
        fn count() -> Result {
            Err(Sheep(7))?;
            Ok(())
        }
        let stop = count().unwrap_err();
        assert_eq!(stop.error().and_then(|error| error.downcast_ref()), Some(&Sheep(7)));
        let stop = count().context("sleep").context("rest").unwrap_err();
        let error = stop.error().unwrap();
        assert_eq!(error.chain(), "cannot rest: cannot sleep: cannot count sheep number 7");
        assert_eq!(error.downcast_ref(), Some(&Sheep(7)));
    }

    #[test]
    fn what_is_not_ready_passes_context_untouched() {
        let waits = || NotReady::waiting("waiting for the moon");
        let stop = Err::<(), _>(Stop::from(waits())).context("land").unwrap_err();
        assert_eq!(stop.not_ready(), Some(&waits()));
        assert_eq!(stop.to_string(), "waiting: waiting for the moon");
        assert!(stop.error().is_none() && !waits().is_stored() && waits().stored().is_stored());
        let blocked = None::<()>.or_blocked("buy a rocket").unwrap_err();
        assert_eq!(blocked.not_ready().unwrap().status(), &Status::blocked("buy a rocket"));
        let dropped = Err::<(), _>(Sheep(1)).or_wait("waiting for sheep").unwrap_err();
        assert_eq!(dropped.not_ready().unwrap().status(), &Status::waiting("waiting for sheep"));
    }
}
