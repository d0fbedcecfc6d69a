//! Watching the retry from outside, for an early status or a counter.

use std::time::Duration;

/// Is told of every failed attempt at once, before the wait that follows it.
///
/// It is called in the middle of a call: it must not wait for long and cannot stop the retry.
pub trait RetryObserver: Send + Sync {
    /// One attempt has failed.
    fn attempt_failed(&self, failure: &FailedAttempt);
}

/// One failed attempt, as an observer sees it.
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
    /// What is being attempted, such as `replan`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// On what, such as `container "web"`.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Which attempt of this call it was, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How many attempts the policy allows a call at most.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long the budget has gone without an answer, all its calls together and the coming wait
    /// included.
    #[must_use]
    pub fn unanswered(&self) -> Duration {
        self.unanswered
    }

    /// How long it waits before the next attempt; `None` when it gives up.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// Why it failed, such as `connection refused`.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }
}
