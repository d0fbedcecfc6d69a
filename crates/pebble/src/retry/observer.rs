//! An observer learns of failed attempts while a call is still being retried, for an early status
//! or a counter.

use std::time::Duration;

/// An observer is called after every failed attempt, before the wait that follows it.
///
/// The method runs inside the call, so it must return at once. It cannot stop the retry.
pub trait RetryObserver: Send + Sync {
    /// Receives one failed attempt.
    fn attempt_failed(&self, failure: &FailedAttempt);
}

/// One failed attempt, as an observer gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAttempt {
    pub(super) operation: String,
    pub(super) target: Option<String>,
    pub(super) attempt: u32,
    pub(super) attempts: u32,
    pub(super) unanswered: Duration,
    pub(super) delay: Option<Duration>,
    pub(super) cause: String,
}

impl FailedAttempt {
    /// Returns the operation that is attempted, such as `replan`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the target of the operation, such as `container "web"`.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Returns the number of the attempt in its call, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the number of attempts that the policy allows a call at most.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the time without an answer that the budget has counted: that of all its calls, and
    /// the wait that follows this attempt.
    #[must_use]
    pub fn unanswered(&self) -> Duration {
        self.unanswered
    }

    /// Returns the wait before the next attempt; `None` if there is no other.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// Returns the reason for which the attempt failed, such as `connection refused`.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }
}
