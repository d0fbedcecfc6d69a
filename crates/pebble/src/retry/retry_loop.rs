//! The retry loop makes attempts until one succeeds, or until no other may be made. The client and
//! [`RetryPolicy::run`] both use it.

use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder as _;
use tokio::time::Instant;

use super::super::error::in_target;
use super::budget::Budget;
use super::observer::{FailedAttempt, RetryObserver};
use super::policy::RetryPolicy;
use super::summary::RetrySummary;
use crate::duration::seconds;
use charmwright_yaml::text;

/// The longest text from outside in a log line, in bytes.
const LONGEST: usize = 1024;

/// The `tracing` target of the log lines after which the client waits. A subscriber that buffers
/// lines has to flush them at such a line, since the next one may be a long time away.
pub const WAITS: &str = "charmwright_pebble::waits";

/// A decision says whether another attempt is made after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryDecision {
    /// Another attempt is made: the failure may pass by itself, and repeating the operation does no
    /// harm.
    Retry,
    /// Another attempt is made after this time, in place of the policy's own wait. It is for a
    /// server that said how long to wait.
    RetryAfter(Duration),
    /// No other attempt is made: it would fail in the same way, or repeating the operation could do
    /// harm.
    Final,
}

/// Something that can be attempted again. Its value keeps what has to be known from one attempt to
/// the next.
pub(crate) trait Retryable {
    type Output;
    type Error;

    /// Makes the attempt of this number; the first one is 1.
    async fn attempt(&mut self, number: u32) -> Result<Self::Output, Self::Error>;

    /// Says what the failure of an attempt means for the retry.
    fn classify(&mut self, error: &Self::Error) -> Classification;

    /// Returns `true` if the attempt that ended well is not yet the success of the whole operation,
    /// so that the log must not tell of one.
    fn is_unfinished(&self) -> bool {
        false
    }
}

/// The meaning of one failure for the retry, and its cost for the budget.
pub(crate) struct Classification {
    pub(crate) decision: RetryDecision,
    /// The time without an answer. It is less than the attempt took if some of its requests were
    /// answered.
    pub(crate) unanswered: Duration,
    pub(crate) cause: String,
}

/// The end of a retry without a result.
pub(crate) struct GaveUp<E> {
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    /// The policy or the budget did not allow a further attempt, though the failure did.
    pub(crate) is_exhausted: bool,
    pub(crate) error: E,
}

/// Makes attempts until one succeeds, until a failure is final, or until the policy or the budget
/// allows no more. The attempts of the client are counted here and nowhere else.
///
/// Only the waits are backon's: its own retry loop hands no state from one attempt to the next.
pub(crate) async fn retry_loop<A: Retryable>(
    policy: &RetryPolicy,
    budget: &Budget,
    reporter: &Reporter,
    attempted: &mut A,
) -> Result<A::Output, GaveUp<A::Error>> {
    let started = Instant::now();
    let mut delays = policy.linear().build();
    let mut number = 0_u32;
    loop {
        number = number.saturating_add(1);
        let error = match attempted.attempt(number).await {
            Ok(output) => {
                if number > 1 && !attempted.is_unfinished() {
                    reporter.recovered(number, policy, started.elapsed(), budget);
                }
                return Ok(output);
            }
            Err(error) => error,
        };
        let Classification { decision, unanswered, cause } = attempted.classify(&error);
        // First the time that is spent already, then the wait: the deadline counts both.
        budget.charge(unanswered);
        let may_retry = decision != RetryDecision::Final;
        // The policy's wait is used up even if the server's replaces it, since it bounds the
        // attempts.
        let planned = if may_retry { delays.next() } else { None };
        let delay = planned.map(|delay| match decision {
            RetryDecision::RetryAfter(delay) => delay,
            _ => delay,
        });
        let delay = delay.filter(|delay| budget.take_retry(policy, *delay));
        let is_exhausted = may_retry && delay.is_none();
        let failure = FailedAttempt {
            operation: reporter.operation.clone(),
            target: reporter.target.clone(),
            attempt: number,
            attempts: policy.max_attempts(),
            unanswered: budget.unanswered(),
            delay,
            cause: text::clean(&cause, LONGEST).into_owned(),
        };
        reporter.failed(&failure, is_exhausted, budget);
        match delay {
            Some(delay) => tokio::time::sleep(delay).await,
            None => {
                let elapsed = started.elapsed();
                return Err(GaveUp { attempts: number, elapsed, is_exhausted, error });
            }
        }
    }
}

/// A reporter writes the log lines about failed attempts, and calls the observer.
#[derive(Default)]
pub(crate) struct Reporter {
    /// The operation; it completes a sentence that starts with "cannot".
    pub(crate) operation: String,
    pub(crate) target: Option<String>,
    pub(crate) observer: Option<Arc<dyn RetryObserver>>,
}

impl Reporter {
    fn what(&self) -> String {
        let what = in_target(&self.operation, self.target.as_deref());
        text::clean(&what, LONGEST).into_owned()
    }

    /// Reports a failed attempt. The first failure that is retried is logged as a warning at once;
    /// the others would only repeat it, and are logged for debugging. The end of a call is in its
    /// error.
    fn failed(&self, failure: &FailedAttempt, is_exhausted: bool, budget: &Budget) {
        let FailedAttempt { cause, attempt, attempts, .. } = failure;
        let what = self.what();
        let spent = self.summary(budget).ongoing();
        match failure.delay.map(seconds) {
            Some(wait) if *attempt == 1 => {
                tracing::warn!(
                    target: WAITS,
                    "cannot {what}: {cause}; attempt 1 of {attempts}, next in {wait} {spent}"
                );
            }
            Some(wait) => {
                tracing::debug!(
                    target: WAITS,
                    "cannot {what}: {cause}; attempt {attempt} of {attempts}, next in {wait} \
                     {spent}"
                );
            }
            None if is_exhausted => {
                tracing::debug!(
                    "cannot {what}: {cause}; attempt {attempt} of {attempts}, the last"
                );
            }
            // The cause is left out: a refusal may quote a value of the user's, and only the code
            // that gets the error knows whether that may be logged.
            None => tracing::debug!("cannot {what}: attempt {attempt} failed, as another would"),
        }
        if let Some(observer) = &self.observer {
            observer.attempt_failed(failure);
        }
    }

    /// Reports that an attempt after the first one succeeded, so that the warning is taken back.
    fn recovered(&self, attempt: u32, policy: &RetryPolicy, took: Duration, budget: &Budget) {
        let what = self.what();
        let (attempts, took) = (policy.max_attempts(), seconds(took));
        let spent = self.summary(budget);
        tracing::info!("could {what} at attempt {attempt} of {attempts}, after {took} {spent}");
    }

    fn summary(&self, budget: &Budget) -> RetrySummary {
        budget.summary_on(self.target.as_deref().unwrap_or(&self.operation))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Mutex;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Fails in each attempt with a failure that may be retried.
    struct Failing;

    impl Retryable for Failing {
        type Output = ();
        type Error = &'static str;

        async fn attempt(&mut self, _: u32) -> Result<(), &'static str> {
            Err("no")
        }

        fn classify(&mut self, error: &&'static str) -> Classification {
            Classification {
                decision: RetryDecision::Retry,
                unanswered: Duration::ZERO,
                cause: (*error).to_owned(),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_observer_is_told_before_each_wait() {
        struct Seen(Mutex<Vec<(u32, Option<u64>, u64)>>, Instant);
        impl RetryObserver for Seen {
            fn attempt_failed(&self, failure: &FailedAttempt) {
                let delay = failure.delay().map(|delay| delay.as_secs());
                self.0.lock().unwrap().push((failure.attempt(), delay, self.1.elapsed().as_secs()));
            }
        }
        let seen = Arc::new(Seen(Mutex::default(), Instant::now()));
        let reporter = Reporter { observer: Some(seen.clone()), ..Reporter::default() };
        let policy = RetryPolicy::new().attempts(NonZeroU32::new(3).unwrap()).deadline(5 * SECOND);
        let result = retry_loop(&policy, &Budget::new(), &reporter, &mut Failing).await;
        assert!(result.is_err_and(|gave_up| gave_up.is_exhausted && gave_up.attempts == 3));
        assert_eq!(*seen.0.lock().unwrap(), [(1, Some(1), 0), (2, Some(2), 1), (3, None, 3)]);
    }
}
