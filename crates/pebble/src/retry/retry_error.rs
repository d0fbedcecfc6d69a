//! The ways in which a retried operation ends without a result.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::duration::seconds;

/// [`RetryPolicy::run`](super::RetryPolicy::run) has no result for one of these reasons.
///
/// `Display` names the operation and says how it was attempted; the failure itself follows by
/// [`source`](StdError::source), or is taken out by [`into_inner`](RetryError::into_inner).
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryError<E> {
    /// A failure that is not retried.
    Final {
        /// What was attempted, as it was given to [`RetryPolicy::run`](super::RetryPolicy::run).
        operation: String,
        /// How many attempts were made.
        attempts: u32,
        /// What the last one failed with.
        error: E,
    },
    /// The policy or the budget allows no further attempt.
    Exhausted {
        /// What was attempted, as it was given to [`RetryPolicy::run`](super::RetryPolicy::run).
        operation: String,
        /// How many attempts were made.
        attempts: u32,
        /// How long they and the waits took.
        elapsed: Duration,
        /// What the last one failed with.
        error: E,
    },
    /// An attempt was neither answered nor broken within its limit. It is not repeated: it may have
    /// acted.
    Silent {
        /// What was attempted, as it was given to [`RetryPolicy::run`](super::RetryPolicy::run).
        operation: String,
        /// How many attempts were made.
        attempts: u32,
        /// How long the last one was waited for.
        waited: Duration,
    },
}

impl<E> RetryError<E> {
    /// What was attempted, such as `reload the proxy`.
    #[must_use]
    pub fn operation(&self) -> &str {
        match self {
            Self::Final { operation, .. }
            | Self::Exhausted { operation, .. }
            | Self::Silent { operation, .. } => operation,
        }
    }

    /// How many attempts were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Final { attempts, .. }
            | Self::Exhausted { attempts, .. }
            | Self::Silent { attempts, .. } => *attempts,
        }
    }

    /// What the last attempt failed with; `None` when it was silent.
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
