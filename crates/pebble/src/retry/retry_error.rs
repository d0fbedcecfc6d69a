//! A retried operation ends without a result in one of three ways.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::duration::seconds;

/// [`RetryPolicy::run`](super::RetryPolicy::run) fails with one of these errors.
///
/// `Display` names the operation and the number of attempts. The failure of the last attempt is the
/// [`source`](StdError::source), and [`into_inner`](RetryError::into_inner) takes it out.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryError<E> {
    /// The last attempt failed in a way that is not retried.
    Final {
        /// The operation, as it was given to [`RetryPolicy::run`](super::RetryPolicy::run).
        operation: String,
        /// The number of attempts that were made.
        attempts: u32,
        /// The failure of the last attempt.
        error: E,
    },
    /// The policy or the budget allows no further attempt.
    Exhausted {
        /// The operation, as it was given to [`RetryPolicy::run`](super::RetryPolicy::run).
        operation: String,
        /// The number of attempts that were made.
        attempts: u32,
        /// The time that the attempts and the waits took.
        elapsed: Duration,
        /// The failure of the last attempt.
        error: E,
    },
    /// The last attempt was still running when its time was over. It is not repeated, since it may
    /// have acted.
    Silent {
        /// The operation, as it was given to [`RetryPolicy::run`](super::RetryPolicy::run).
        operation: String,
        /// The number of attempts that were made.
        attempts: u32,
        /// The time that the last attempt was given.
        waited: Duration,
    },
}

impl<E> RetryError<E> {
    /// Returns the operation, such as `reload the proxy`.
    #[must_use]
    pub fn operation(&self) -> &str {
        match self {
            Self::Final { operation, .. }
            | Self::Exhausted { operation, .. }
            | Self::Silent { operation, .. } => operation,
        }
    }

    /// Returns the number of attempts that were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Final { attempts, .. }
            | Self::Exhausted { attempts, .. }
            | Self::Silent { attempts, .. } => *attempts,
        }
    }

    /// Returns the failure of the last attempt; `None` for an attempt that was still running.
    #[must_use]
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Final { error, .. } | Self::Exhausted { error, .. } => Some(error),
            Self::Silent { .. } => None,
        }
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Final { operation, attempts, .. } => write!(
                f,
                "cannot {operation}: attempt {attempts} failed, and another would not help"
            ),
            Self::Exhausted { operation, attempts, elapsed, .. } => {
                write!(f, "cannot {operation}: failed {attempts} times in {}", seconds(*elapsed))
            }
            Self::Silent { operation, attempts, waited } => write!(
                f,
                "cannot {operation}: no answer to attempt {attempts} in {}, and it may have acted",
                seconds(*waited)
            ),
        }
    }
}

impl<E: StdError + 'static> StdError for RetryError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Final { error, .. } | Self::Exhausted { error, .. } => Some(error),
            Self::Silent { .. } => None,
        }
    }
}
