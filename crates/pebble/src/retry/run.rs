//! Running an operation under a policy and a budget, on backon.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use backon::Retryable as _;
use tokio::time::Instant;

use super::super::error::in_target;
use super::budget::Budget;
use super::observer::{FailedAttempt, RetryObserver};
use super::policy::RetryPolicy;
use super::run_error::RetryError;
use super::summary::RetrySummary;
use crate::transport::seconds;
use charmwright_yaml::text;

/// The most of one text in a line of the log, in bytes.
const LONGEST: usize = 1024;

/// The target of the log lines that a wait follows at once, for a log that holds lines back: it is
/// the moment to let go of them.
pub const WAITS: &str = "charmwright_pebble::waits";

/// What a failure means for the retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryDecision {
    /// It passes by itself, and repeating the operation can do no harm.
    Retry,
    /// The same, and the other side said how long to wait; that goes before the policy's own wait.
    RetryAfter(Duration),
    /// It would fail the same way again, or repeating could do harm.
    Final,
}

/// One attempt of an operation, as the operation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    limit: Duration,
}

impl Attempt {
    /// Which attempt it is, from 1. From 2 on it is a resend, and an answer may be explained by an
    /// earlier attempt.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How long it may take before it is given up.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

impl RetryPolicy {
    /// Runs `operation` until it succeeds, until `classify` calls a failure final, or until this
    /// policy or `budget` allows no more.
    ///
    /// A Pebble client does this by itself. It is public for everything else that deserves the same
    /// care: the admin interface of a service that Pebble runs, an API on the network. Give it the
    /// budget of a client or one of its own.
    ///
    /// `what` names the operation in the log: it completes a sentence that starts with "cannot",
    /// such as `reload the proxy`.
    ///
    /// Each attempt is bounded by what is left of the deadline; one that is still silent then is
    /// dropped and *not* repeated, since it may have acted. Dropping the future drops the attempt
    /// that runs; there is no background task. It needs a tokio runtime with time enabled.
    ///
    /// ```
    /// use charmwright_pebble::{Budget, RetryDecision, RetryPolicy};
    ///
    /// # #[derive(Debug)] enum AdminError { Refused, BadRequest }
    /// # impl std::fmt::Display for AdminError {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    /// #         f.write_str("refused")
    /// #     }
    /// # }
    /// # async fn reload(attempt: u32) -> Result<u32, AdminError> {
    /// #     if attempt < 2 { Err(AdminError::Refused) } else { Ok(attempt) }
    /// # }
    /// # let mut runtime = tokio::runtime::Builder::new_current_thread();
    /// # runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let policy = RetryPolicy::new();
    /// let budget = Budget::new();
    /// let reloaded = policy
    ///     .run(
    ///         "reload the proxy",
    ///         &budget,
    ///         |attempt| reload(attempt.number()),
    ///         |error| match error {
    ///             AdminError::Refused => RetryDecision::Retry,
    ///             AdminError::BadRequest => RetryDecision::Final,
    ///         },
    ///     )
    ///     .await;
    /// assert!(matches!(reloaded, Ok(2)));
    /// assert_eq!(budget.retries(), 1);
    /// # });
    /// ```
    ///
    /// # Errors
    /// [`RetryError`], which says why there is no further attempt and carries the last failure.
    pub async fn run<T, E, Op, Fut, C>(
        &self,
        what: &str,
        budget: &Budget,
        mut operation: Op,
        mut classify: C,
    ) -> Result<T, RetryError<E>>
    where
        E: fmt::Display,
        Op: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: FnMut(&E) -> RetryDecision,
    {
        let attempt = |number| {
            let limit = self.limit(budget.unanswered(), number == 1);
            let started = Instant::now();
            let running = tokio::time::timeout(limit, operation(Attempt { number, limit }));
            async move {
                match running.await {
                    Ok(Ok(value)) => Ok(value),
                    Ok(Err(error)) => Err((Some(error), started.elapsed())),
                    Err(_) => Err((None, started.elapsed())),
                }
            }
        };
        let judge = |(error, took): &(Option<E>, Duration)| {
            let cause = error.as_ref().map_or_else(|| "no answer".to_owned(), ToString::to_string);
            let meaning = error.as_ref().map_or(RetryDecision::Final, &mut classify);
            Classification { meaning, unanswered: *took, cause }
        };
        let reporter = Reporter { operation: what.to_owned(), ..Reporter::default() };
        drive(self, budget, &reporter, attempt, judge).await.map_err(|drained| {
            let GaveUp { attempts, elapsed, exhausted, error: (error, took) } = drained;
            let operation = what.to_owned();
            match error {
                Some(error) if exhausted => {
                    RetryError::Exhausted { operation, attempts, elapsed, error }
                }
                Some(error) => RetryError::Final { operation, attempts, error },
                None => RetryError::Silent { operation, attempts, waited: took },
            }
        })
    }
}

/// What one failure means, and what it costs.
pub(crate) struct Classification {
    pub(crate) meaning: RetryDecision,
    /// How long it went without an answer; less than the attempt took when parts of it were
    /// answered.
    pub(crate) unanswered: Duration,
    pub(crate) cause: String,
}

/// Why there is no result, and what it took.
pub(crate) struct GaveUp<E> {
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    /// A further attempt would have been made, had it been allowed.
    pub(crate) exhausted: bool,
    pub(crate) error: E,
}

/// Who is told of failed attempts, and in whose name.
#[derive(Default)]
pub(crate) struct Reporter {
    pub(crate) operation: String,
    pub(crate) target: Option<String>,
    pub(crate) observer: Option<Arc<dyn RetryObserver>>,
    /// An end of the attempts is not yet the success of the operation.
    pub(crate) unfinished: Arc<AtomicBool>,
}

impl Reporter {
    fn what(&self) -> String {
        let what = in_target(&self.operation, self.target.as_deref());
        text::clean(&what, LONGEST).into_owned()
    }

    /// The first failure that will be retried is a warning, at once; the others would only repeat
    /// it. Giving up is told by the error.
    fn failed(&self, failure: &FailedAttempt, exhausted: bool, budget: &Budget) {
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
            None if exhausted => {
                tracing::debug!(
                    "cannot {what}: {cause}; attempt {attempt} of {attempts}, the last"
                );
            }
            // A refusal may repeat what the user gave, and who gets the error decides what is told.
            None => tracing::debug!("cannot {what}: attempt {attempt} failed, as another would"),
        }
        if let Some(observer) = &self.observer {
            observer.attempt_failed(failure);
        }
    }

    /// What was warned of is over.
    fn recovered(&self, attempt: u32, policy: &RetryPolicy, took: Duration, budget: &Budget) {
        if self.unfinished.load(Ordering::Relaxed) {
            return;
        }
        let what = self.what();
        let (attempts, took) = (policy.max_attempts(), seconds(took));
        let spent = self.summary(budget);
        tracing::info!("could {what} at attempt {attempt} of {attempts}, after {took} {spent}");
    }

    fn summary(&self, budget: &Budget) -> RetrySummary {
        budget.summary_on(self.target.as_deref().unwrap_or(&self.operation))
    }
}

/// The loop itself. backon makes the attempts and the waits; all decisions are taken in one place,
/// when an attempt has failed.
pub(crate) async fn drive<T, E, Op, Fut, J>(
    policy: &RetryPolicy,
    budget: &Budget,
    reporter: &Reporter,
    mut operation: Op,
    mut judge: J,
) -> Result<T, GaveUp<E>>
where
    Op: FnMut(u32) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    J: FnMut(&E) -> Classification,
{
    let begun = Instant::now();
    let number = AtomicU32::new(0);
    let mut exhausted = false;
    let result = (|| operation(number.fetch_add(1, Ordering::Relaxed).saturating_add(1)))
        .retry(policy.linear())
        .adjust(|error: &E, next: Option<Duration>| {
            let judged = judge(error);
            budget.charge(judged.unanswered);
            let wish = match judged.meaning {
                RetryDecision::Final => None,
                RetryDecision::Retry => Some(next),
                RetryDecision::RetryAfter(hint) => Some(next.map(|_| hint)),
            };
            let delay = wish.flatten().filter(|delay| budget.take_retry(policy, *delay));
            exhausted = wish.is_some() && delay.is_none();
            let failure = FailedAttempt {
                operation: reporter.operation.clone(),
                target: reporter.target.clone(),
                attempt: number.load(Ordering::Relaxed),
                attempts: policy.max_attempts(),
                unanswered: budget.unanswered(),
                delay,
                cause: text::clean(&judged.cause, LONGEST).into_owned(),
            };
            reporter.failed(&failure, exhausted, budget);
            delay
        })
        .await;
    let attempts = number.load(Ordering::Relaxed);
    if attempts > 1 && result.is_ok() {
        reporter.recovered(attempts, policy, begun.elapsed(), budget);
    }
    result.map_err(|error| GaveUp { attempts, elapsed: begun.elapsed(), exhausted, error })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::num::NonZeroU32;
    use std::sync::Mutex;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn three_attempts() -> RetryPolicy {
        RetryPolicy::new().attempts(NonZeroU32::new(3).unwrap()).deadline(5 * SECOND)
    }

    /// Runs an operation that always fails after `each`, and gives the seconds at which its
    /// attempts began.
    async fn attempts_at(
        policy: &RetryPolicy,
        budget: &Budget,
        each: Duration,
    ) -> (Vec<u64>, RetryError<&'static str>) {
        let start = Instant::now();
        let begun = Mutex::new(Vec::new());
        let error = policy
            .run(
                "do it",
                budget,
                |_| {
                    begun.lock().unwrap().push(start.elapsed().as_secs());
                    async move {
                        tokio::time::sleep(each).await;
                        Err::<(), _>("refused")
                    }
                },
                |_| RetryDecision::Retry,
            )
            .await
            .unwrap_err();
        (begun.into_inner().unwrap(), error)
    }

    #[tokio::test(start_paused = true)]
    async fn the_default_schedule_is_exact() {
        let budget = Budget::new();
        let (at, error) = attempts_at(&RetryPolicy::new(), &budget, Duration::ZERO).await;
        assert_eq!(at, [0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 66, 78, 91, 105]);
        assert_eq!(
            error,
            RetryError::Exhausted {
                operation: "do it".to_owned(),
                attempts: 15,
                elapsed: 105 * SECOND,
                error: "refused"
            }
        );
        assert_eq!((budget.retries(), budget.unanswered()), (14, 105 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn the_schedule_of_three_attempts_is_exact() {
        let (at, error) = attempts_at(&three_attempts(), &Budget::new(), Duration::ZERO).await;
        assert_eq!((at, error.attempts()), (vec![0, 1, 3], 3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_cap_is_the_longest_wait() {
        let policy = RetryPolicy::new().cap(2 * SECOND).attempts(NonZeroU32::new(6).unwrap());
        let (at, _) = attempts_at(&policy, &Budget::new(), Duration::ZERO).await;
        assert_eq!(at, [0, 1, 3, 5, 7, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_counts_attempts_and_waits() {
        let policy = RetryPolicy::new().deadline(20 * SECOND);
        // 3 + 1 + 3 + 2 + 3 + 3 + 3 = 18 s, and a wait of 4 s would reach 20.
        let (at, error) = attempts_at(&policy, &Budget::new(), 3 * SECOND).await;
        assert_eq!(at, [0, 4, 9, 15]);
        assert_eq!(
            error,
            RetryError::Exhausted {
                operation: "do it".to_owned(),
                attempts: 4,
                elapsed: 18 * SECOND,
                error: "refused"
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn calls_share_the_budget_and_make_one_attempt_once_it_is_spent() {
        let budget = Budget::new();
        let policy = RetryPolicy::new().attempts(NonZeroU32::new(5).unwrap());
        let two = policy.clone().attempts(NonZeroU32::new(3).unwrap());
        let (at, _) = attempts_at(&two, &budget, Duration::ZERO).await;
        assert_eq!((at, budget.retries()), (vec![0, 1, 3], 2));
        // Two retries are left of four.
        let (at, _) = attempts_at(&policy, &budget, Duration::ZERO).await;
        assert_eq!((at, budget.retries()), (vec![0, 1, 3], 4));
        let (at, error) = attempts_at(&policy, &budget, Duration::ZERO).await;
        assert_eq!((at, error.attempts()), (vec![0], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn once_the_time_is_spent_an_attempt_gets_two_seconds() {
        let budget = Budget::new();
        let policy = RetryPolicy::new();
        let silent = |_| std::future::pending::<Result<(), &str>>();
        let error =
            policy.run("do it", &budget, silent, |_| RetryDecision::Retry).await.unwrap_err();
        assert_eq!(
            error,
            RetryError::Silent { operation: "do it".to_owned(), attempts: 1, waited: 120 * SECOND }
        );
        let error =
            policy.run("do it", &budget, silent, |_| RetryDecision::Retry).await.unwrap_err();
        assert_eq!(
            error,
            RetryError::Silent { operation: "do it".to_owned(), attempts: 1, waited: 2 * SECOND }
        );
        let once = RetryPolicy::once(SECOND);
        assert_eq!(
            once.run("do it", &budget, silent, |_| RetryDecision::Retry).await,
            Err(RetryError::Silent { operation: "do it".to_owned(), attempts: 1, waited: SECOND })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_costs_nothing() {
        let budget = Budget::new();
        let slow = |_| async {
            tokio::time::sleep(60 * SECOND).await;
            Ok::<_, &str>(7)
        };
        assert_eq!(
            RetryPolicy::new().run("do it", &budget, slow, |_| RetryDecision::Retry).await,
            Ok(7)
        );
        assert_eq!((budget.retries(), budget.unanswered()), (0, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_failure_is_not_repeated_and_a_hint_goes_first() {
        let budget = Budget::new();
        let policy = RetryPolicy::new();
        let start = Instant::now();
        let error = policy
            .run(
                "do it",
                &budget,
                |attempt| async move { Err::<(), _>(attempt.number()) },
                |number| match number {
                    1 => RetryDecision::RetryAfter(7 * SECOND),
                    _ => RetryDecision::Final,
                },
            )
            .await
            .unwrap_err();
        assert_eq!(
            error,
            RetryError::Final { operation: "do it".to_owned(), attempts: 2, error: 2 }
        );
        assert_eq!(start.elapsed(), 7 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_names_the_operation_and_has_the_failure_as_its_source() {
        let run = async |policy: RetryPolicy, classified| {
            let refuse = |_| async {
                Err::<(), _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
            };
            let budget = Budget::new();
            policy.run("reload the proxy", &budget, refuse, |_| classified).await.unwrap_err()
        };
        let exhausted = run(three_attempts(), RetryDecision::Retry).await;
        assert_eq!(exhausted.to_string(), "cannot reload the proxy: failed 3 times in 3 s");
        assert_eq!(exhausted.source().unwrap().to_string(), "connection refused");
        let last = run(three_attempts(), RetryDecision::Final).await;
        assert_eq!(
            last.to_string(),
            "cannot reload the proxy: attempt 1 failed, and another would not help"
        );
        assert!(last.source().unwrap().is::<std::io::Error>());
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
        let judge = |cause: &&str| Classification {
            meaning: RetryDecision::Retry,
            unanswered: Duration::ZERO,
            cause: (*cause).into(),
        };
        let result = drive(
            &three_attempts(),
            &Budget::new(),
            &reporter,
            |_| async { Err::<(), _>("no") },
            judge,
        )
        .await;
        assert!(result.is_err_and(|drained| drained.exhausted));
        assert_eq!(*seen.0.lock().unwrap(), [(1, Some(1), 0), (2, Some(2), 1), (3, None, 3)]);
    }
}
