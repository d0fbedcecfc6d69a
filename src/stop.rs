//! The reasons for which a function of a charm returns early.

use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;
use crate::juju::{self, Status};
use crate::pebble;

/// The result type that every function of a charm returns.
pub type Result<T = (), E = Stop> = std::result::Result<T, E>;

/// A stop says why a function of a charm returned early: something is *not ready*, or something
/// *failed*.
///
/// Something that is not ready is not an error: no error is logged, nothing is retried, and the
/// unit's status shows the reason. A failure is judged by [the table](crate::Verdict::by_table).
/// The operator `?` serves both, see [`IntoStop`].
///
/// A stop does not implement [`std::error::Error`]: that is what allows `?` to convert every error
/// that implements [`IntoStop`]. It prints the error, or the status of what is not ready. A
/// function that only checks something may return a `Result<(), Error>` instead: `?` converts it,
/// and a test can ask the [`Error`] for more.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Stop {
    /// Something outside the charm is not there yet.
    NotReady(NotReady),
    /// Something failed.
    Failed(Error),
}

impl Stop {
    /// Makes a stop that is not ready: the unit is Waiting with this reason, which the operator
    /// reads, such as `waiting for the database`.
    pub fn waiting(reason: impl Into<String>) -> Self {
        NotReady::waiting(reason).into()
    }

    /// Makes a stop that is not ready: the unit is Blocked with this reason, since only the
    /// operator can provide what is missing.
    pub fn blocked(reason: impl Into<String>) -> Self {
        NotReady::blocked(reason).into()
    }

    /// Makes a stop from [`Error::config`]: the value of the option cannot be used. It saves an
    /// `.into()` in a function that returns a [`Result`].
    pub fn config(option: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Failed(Error::config(option, message))
    }

    /// Makes a stop from an error of the charm's own, as [`Error::new`] does.
    pub fn failed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(Error::new(error))
    }

    /// Makes a stop that refuses an action: the text alone is the action's failure message. In any
    /// other hook it is an error like any other.
    pub fn refused(message: impl fmt::Display) -> Self {
        Self::Failed(Error::refused(message))
    }

    /// Returns the error if something failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::NotReady(_) => None,
        }
    }

    /// Returns what is missing if something is not ready.
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

/// A reason that is not ready has the status that tells the operator what is missing, and says
/// whether the event runs again.
///
/// The event counts as done, because what is missing sends an event of its own when it arrives. If
/// it does not send one, the event has to be [`stored`](NotReady::stored).
///
/// Like [`Stop`], this type does not implement [`std::error::Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NotReady {
    status: Status,
    is_stored: bool,
}

impl NotReady {
    /// Makes a reason for which the unit is Waiting.
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self { status: Status::waiting(reason), is_stored: false }
    }

    /// Makes a reason for which the unit is Blocked.
    pub fn blocked(reason: impl Into<String>) -> Self {
        Self { status: Status::blocked(reason), is_stored: false }
    }

    /// Stores the event as well, so that it runs again before the next one. The limits of
    /// [`Outcome::defer`](crate::Outcome::defer) hold.
    pub fn stored(self) -> Self {
        Self { is_stored: true, ..self }
    }

    /// Returns the status that the unit shows.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Returns `true` if the event will be stored.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.is_stored
    }
}

/// An error type that implements this trait can be converted to a [`Stop`] by `?`.
///
/// The errors of [`pebble`], of [`juju`] and of the framework implement it. For any other error a
/// function says first what it attempted:
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
/// An error type of the charm's own implements it by an empty `impl`, or with a body if some of its
/// values mean *not ready*:
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
    /// Converts the error to a stop. By default the stop is a failure with this error.
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

/// This trait adds to a failed step what was attempted, so that `?` can pass the error on.
#[diagnostic::on_unimplemented(
    message = "`.context()` is for a `Result` whose error is an error, or a `Stop`",
    note = "for an `Option` write `.or_wait(\"…\")?` or `.or_blocked(\"…\")?`"
)]
pub trait Context<T> {
    /// Converts any error into one that says what was attempted. The text `attempt` completes a
    /// sentence that starts with "cannot", such as `read the license`. A stop that is not ready is
    /// returned unchanged.
    ///
    /// # Errors
    ///
    /// Returns the given error, wrapped as by [`Error::new`] and [`Error::context`].
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
            // Its reason is already a text for the operator.
            not_ready @ Stop::NotReady(_) => not_ready,
        })
    }
}

/// This trait ends a function with a status if a value is missing or a step has failed.
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
    /// Returns the value; without one, the unit is Waiting with this reason.
    ///
    /// # Errors
    ///
    /// Returns [`Stop::waiting`] if there is no value. The error of a `Result` is dropped.
    fn or_wait(self, reason: impl Into<String>) -> Result<T>;

    /// Returns the value; without one, the unit is Blocked with this reason.
    ///
    /// # Errors
    ///
    /// Returns [`Stop::blocked`] if there is no value. The error of a `Result` is dropped.
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

/// This trait turns what is not ready into `None`, for a charm that goes on without it.
///
/// A provider uses it, so that a client that has not asked yet does not keep the others waiting:
///
/// ```
/// use charmwright::{Bag, IfReady as _, Plain, Provides, Relation, Result};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Request {
///     database: String,
/// }
///
/// impl Bag for Request {
///     type Codec = Plain;
/// }
///
/// fn wanted<E>(clients: &[Relation<E>]) -> Result<Vec<String>> {
///     let mut wanted = Vec::new();
///     for client in clients {
///         if let Some(request) = client.remote_app().read::<Request>().if_ready()? {
///             wanted.push(request.database);
///         }
///     }
///     Ok(wanted)
/// }
/// ```
pub trait IfReady<T> {
    /// Returns the value, or `None` if it is not ready. The reason is logged at DEBUG.
    ///
    /// # Errors
    ///
    /// Returns the error if the stop is one.
    fn if_ready(self) -> Result<Option<T>>;
}

impl<T> IfReady<T> for Result<T> {
    fn if_ready(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(Stop::NotReady(reason)) => {
                tracing::debug!("{}", reason.status());
                Ok(None)
            }
            Err(failed @ Stop::Failed(_)) => Err(failed),
        }
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

    #[test]
    fn what_is_not_ready_is_none_and_an_error_stays() {
        assert_eq!(Ok(7).if_ready().unwrap(), Some(7));
        assert_eq!(Err::<(), _>(Stop::waiting("the moon")).if_ready().unwrap(), None);
        assert_eq!(Err::<(), _>(Stop::blocked("the moon")).if_ready().unwrap(), None);
        let stop = Err::<(), _>(Stop::from(Sheep(7))).if_ready().unwrap_err();
        assert_eq!(stop.error().and_then(|error| error.downcast_ref()), Some(&Sheep(7)));
    }
}
