//! This file retries an operation of the caller's own under a policy and a budget.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::budget::Budget;
use super::policy::RetryPolicy;
use super::retry_error::RetryError;
use super::retry_loop::{Classification, GaveUp, Reporter, RetryDecision, Retryable, retry_loop};

/// One attempt, as the operation gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    limit: Duration,
}

impl Attempt {
    /// Returns the number of the attempt, from 1. From 2 on an earlier attempt may have acted, and
    /// may explain an answer such as "already exists".
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the time after which the attempt is dropped.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

impl RetryPolicy {
    /// Runs `operation` until it succeeds, until `classify` returns [`RetryDecision::Final`], or
    /// until this policy or `budget` allows no more attempts.
    ///
    /// The Pebble client retries its own calls. This method is for other requests that need the
    /// same care: the admin interface of a service that Pebble runs, or an API on the network. They
    /// may share the budget of a client or have their own.
    ///
    /// `what` names the operation in the log. It completes a sentence that starts with "cannot",
    /// such as `reload the proxy`.
    ///
    /// An attempt gets what is left of the deadline. If it is still running then, it is dropped and
    /// *not* repeated, since it may have acted. Dropping the returned future drops the running
    /// attempt; no task runs in the background. It needs a tokio runtime with its timer enabled.
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
    /// It fails with a [`RetryError`]: `Final` when `classify` said so, `Exhausted` when the policy
    /// or the budget allowed no other attempt, and `Silent` when an attempt did not end in its
    /// time.
    pub async fn run<T, E, Op, Fut, C>(
        &self,
        what: &str,
        budget: &Budget,
        operation: Op,
        classify: C,
    ) -> Result<T, RetryError<E>>
    where
        E: fmt::Display,
        Op: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: FnMut(&E) -> RetryDecision,
    {
        let reporter = Reporter { operation: what.to_owned(), ..Reporter::default() };
        let mut attempts = OperationAttempts { policy: self, budget, operation, classify };
        retry_loop(self, budget, &reporter, &mut attempts).await.map_err(|gave_up| {
            let GaveUp { attempts, elapsed, is_exhausted, error: Failed { error, took } } = gave_up;
            let operation = what.to_owned();
            match error {
                Some(error) if is_exhausted => {
                    RetryError::Exhausted { operation, attempts, elapsed, error }
                }
                Some(error) => RetryError::Final { operation, attempts, error },
                None => RetryError::Silent { operation, attempts, waited: took },
            }
        })
    }
}

/// The retry loop makes the attempts of `operation` through this value.
struct OperationAttempts<'a, Op, C> {
    policy: &'a RetryPolicy,
    budget: &'a Budget,
    operation: Op,
    classify: C,
}

/// A failed attempt. Without an error it was dropped when its time was over.
struct Failed<E> {
    error: Option<E>,
    took: Duration,
}

impl<T, E, Op, Fut, C> Retryable for OperationAttempts<'_, Op, C>
where
    E: fmt::Display,
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    C: FnMut(&E) -> RetryDecision,
{
    type Output = T;
    type Error = Failed<E>;

    async fn attempt(&mut self, number: u32) -> Result<T, Failed<E>> {
        let limit = self.policy.limit(self.budget.unanswered(), number == 1);
        let started = Instant::now();
        match tokio::time::timeout(limit, (self.operation)(Attempt { number, limit })).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Failed { error: Some(error), took: started.elapsed() }),
            // The attempt is dropped here, and may have acted: it becomes `Silent`.
            Err(_) => Err(Failed { error: None, took: started.elapsed() }),
        }
    }

    fn classify(&mut self, failed: &Failed<E>) -> Classification {
        let Failed { error, took } = failed;
        Classification {
            decision: error.as_ref().map_or(RetryDecision::Final, &mut self.classify),
            unanswered: *took,
            cause: error.as_ref().map_or_else(|| "no answer".to_owned(), ToString::to_string),
        }
    }
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

    /// Runs an operation that always fails after `each`, and returns the seconds at which its
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
}
