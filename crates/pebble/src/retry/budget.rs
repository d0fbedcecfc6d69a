//! A budget counts the retries and the time without an answer that several calls spend together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::policy::RetryPolicy;
use super::summary::RetrySummary;

/// A budget counts the retries and the time without an answer of all calls that share it.
///
/// Clones share the count. A call makes only one attempt once the budget has as many retries, or as
/// much time without an answer, as the policy of that call allows. An answered request costs
/// nothing, however long it took.
#[derive(Debug, Clone, Default)]
pub struct Budget(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The name of the thing that the budget is spent on.
    on: Option<String>,
    spent: Mutex<Spent>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    retries: u32,
    unanswered: Duration,
}

impl Budget {
    /// Makes a budget without a name, of which nothing is spent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a budget of which nothing is spent, for calls on `what`, such as `container "web"`.
    /// Its summary names `what`, whichever call prints it.
    #[must_use]
    pub fn on(what: impl Into<String>) -> Self {
        Self(Arc::new(Inner { on: Some(what.into()), spent: Mutex::default() }))
    }

    /// Returns the count as a value that is printed into a log. A budget without a name gives a
    /// summary that names nothing.
    #[must_use]
    pub fn summary(&self) -> RetrySummary {
        self.summary_on("")
    }

    /// Returns the summary with `what` as the name of a budget that has none.
    pub(super) fn summary_on(&self, what: &str) -> RetrySummary {
        let Spent { retries, unanswered } = self.spent();
        RetrySummary::new(retries, unanswered, self.0.on.as_deref().unwrap_or(what))
    }

    /// Returns the number of retries that were made.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.spent().retries
    }

    /// Returns the time that went by without an answer: the failed attempts, and the waits after
    /// them.
    #[must_use]
    pub fn unanswered(&self) -> Duration {
        self.spent().unanswered
    }

    fn spent(&self) -> Spent {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spent> {
        // A panic in one call must not make every later call panic, so a poisoned lock is used.
        self.0.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges the time without an answer of a failed attempt.
    pub(super) fn charge(&self, unanswered: Duration) {
        let mut spent = self.lock();
        spent.unanswered = spent.unanswered.saturating_add(unanswered);
    }

    /// Takes one more retry after `delay`, and returns `true` if `policy` allows it. The check and
    /// the charge happen under one lock, so that calls made side by side cannot overdraw the
    /// budget.
    pub(crate) fn take_retry(&self, policy: &RetryPolicy, delay: Duration) -> bool {
        let mut spent = self.lock();
        let unanswered = spent.unanswered.saturating_add(delay);
        if spent.retries.saturating_add(1) >= policy.max_attempts()
            || unanswered >= policy.time_limit()
        {
            return false;
        }
        *spent = Spent { retries: spent.retries + 1, unanswered };
        true
    }
}
