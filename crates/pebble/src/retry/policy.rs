//! A retry policy is plain data about the number of attempts and their times; it reads no clock.

use std::num::NonZeroU32;
use std::time::Duration;

use backon::BackoffBuilder;

/// The shortest time that the first attempt of a call gets when the budget is nearly spent: one
/// attempt is always made, and two seconds are enough for a daemon that answers.
const LEAST_ATTEMPT: Duration = Duration::from_secs(2);

/// A retry policy says how a call is retried: after the failed attempt `n` it waits `min(step × n,
/// cap)`. There are at most `attempts` attempts, and at most `deadline` of time without an answer.
///
/// [`RetryPolicy::run`] or a [`Client`](crate::Client) applies it, under a
/// [`Budget`](super::Budget).
///
/// ```
/// use std::time::Duration;
/// use charmwright_pebble::RetryPolicy;
///
/// let policy = RetryPolicy::new().step(Duration::from_secs(2)).cap(Duration::from_secs(5));
/// let first: Vec<_> = policy.delays().take(4).map(|delay| delay.as_secs()).collect();
/// assert_eq!(first, [2, 4, 5, 5]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: NonZeroU32,
    step: Duration,
    cap: Duration,
    deadline: Duration,
    jitter: Option<u64>,
}

impl RetryPolicy {
    /// Makes the default policy: 15 attempts, step 1 s, cap 15 s (105 s of waits), 120 s in all.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            attempts: attempts(15),
            step: Duration::from_secs(1),
            cap: Duration::from_secs(15),
            deadline: Duration::from_secs(120),
            jitter: None,
        }
    }

    /// Makes a policy of one attempt, which takes at most `limit`.
    #[must_use]
    pub const fn once(limit: Duration) -> Self {
        Self { attempts: NonZeroU32::MIN, deadline: limit, ..Self::new() }
    }

    /// Sets the number of attempts in all, the first one included.
    #[must_use]
    pub const fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets by how much each wait is longer than the one before. The first wait is one step long.
    #[must_use]
    pub const fn step(mut self, step: Duration) -> Self {
        self.step = step;
        self
    }

    /// Sets the longest wait.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the longest time without an answer: the failed attempts and the waits between them. A
    /// wait that would reach the deadline is not begun.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Shortens each wait by a random part of up to half of it. The same `seed` gives the same
    /// waits. Without a seed the waits are exact.
    #[must_use]
    pub const fn jitter(mut self, seed: u64) -> Self {
        self.jitter = Some(seed);
        self
    }

    /// Raises a shorter deadline to the sum of all waits and `slack`, so that the deadline does not
    /// cut off attempts that were set before.
    #[must_use]
    pub fn stretch_deadline(mut self, slack: Duration) -> Self {
        self.deadline = self.deadline.max(self.schedule().saturating_add(slack));
        self
    }

    /// Returns the number of attempts in all, the first one included.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// Returns by how much each wait is longer than the one before.
    #[must_use]
    pub const fn step_length(&self) -> Duration {
        self.step
    }

    /// Returns the longest wait.
    #[must_use]
    pub const fn longest_delay(&self) -> Duration {
        self.cap
    }

    /// Returns the longest time without an answer.
    #[must_use]
    pub const fn time_limit(&self) -> Duration {
        self.deadline
    }

    /// Returns the waits after the failed attempts 1, 2, 3, …; there is one fewer than there are
    /// attempts.
    pub fn delays(&self) -> impl Iterator<Item = Duration> + use<> {
        self.linear().build()
    }

    pub(super) fn linear(&self) -> LinearBuilder {
        LinearBuilder {
            step: self.step,
            cap: self.cap,
            retries: self.max_attempts() - 1,
            jitter: self.jitter,
        }
    }

    /// Returns the sum of all waits without jitter. It is a closed formula, since a policy may ask
    /// for four thousand million attempts.
    fn schedule(&self) -> Duration {
        let retries = u128::from(self.max_attempts() - 1);
        let (step, cap) = (self.step.as_nanos(), self.cap.as_nanos());
        let rising = cap.checked_div(step).map_or(retries, |full| full.min(retries));
        let total = step
            .saturating_mul(rising.saturating_mul(rising + 1) / 2)
            .saturating_add(cap.min(step.saturating_mul(retries)).saturating_mul(retries - rising));
        Duration::from_nanos(u64::try_from(total).unwrap_or(u64::MAX))
    }

    /// Returns how long an attempt may take after `unanswered` of the time is spent. The first
    /// attempt of a call always gets some time.
    pub(crate) fn limit(&self, unanswered: Duration, first: bool) -> Duration {
        let left = self.deadline.saturating_sub(unanswered);
        if first { left.max(LEAST_ATTEMPT.min(self.deadline)) } else { left }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

const fn attempts(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// Builds the waits of a policy. backon has constant, exponential and fibonacci waits, and these
/// are linear.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinearBuilder {
    step: Duration,
    cap: Duration,
    retries: u32,
    jitter: Option<u64>,
}

impl BackoffBuilder for LinearBuilder {
    type Backoff = Linear;

    fn build(self) -> Linear {
        Linear {
            step: self.step,
            cap: self.cap,
            left: self.retries,
            failed: 0,
            random: self.jitter,
        }
    }
}

/// Gives `min(step × n, cap)` for n = 1, 2, 3, …
#[derive(Debug, Clone)]
pub(super) struct Linear {
    step: Duration,
    cap: Duration,
    left: u32,
    failed: u32,
    /// The state of the random generator; `None` for exact waits.
    random: Option<u64>,
}

impl Iterator for Linear {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        self.failed = self.failed.saturating_add(1);
        let exact = self.step.saturating_mul(self.failed).min(self.cap);
        let Some(state) = &mut self.random else {
            return Some(exact);
        };
        Some(shortened(exact, state))
    }
}

/// Shortens a wait by a random part of up to half of it. It never lengthens a wait, so that the
/// longest wait stays the longest.
pub(crate) fn shortened(exact: Duration, state: &mut u64) -> Duration {
    let half = u64::try_from(exact.as_nanos() / 2).unwrap_or(u64::MAX);
    let cut = splitmix(state) % half.saturating_add(1);
    exact.saturating_sub(Duration::from_nanos(cut))
}

/// Gives the next number of SplitMix64, which is random enough for a wait and has one word of
/// state.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(policy: &RetryPolicy) -> Vec<u64> {
        policy.delays().map(|delay| delay.as_secs()).collect()
    }

    #[test]
    fn the_schedules_are_the_documented_ones() {
        let policy = RetryPolicy::default();
        assert_eq!(seconds(&policy), (1..=14).collect::<Vec<_>>());
        assert_eq!(policy.delays().sum::<Duration>(), Duration::from_secs(105));
        assert_eq!(policy.schedule(), Duration::from_secs(105));
        assert_eq!(policy.time_limit(), Duration::from_secs(120));
        assert_eq!(seconds(&RetryPolicy::once(Duration::from_secs(2))), [0u64; 0]);
    }

    #[test]
    fn the_cap_holds() {
        let policy = RetryPolicy::new().attempts(attempts(20)).cap(Duration::from_secs(3));
        assert_eq!(seconds(&policy)[..5], [1, 2, 3, 3, 3]);
        assert_eq!(policy.delays().sum::<Duration>(), policy.schedule());
        let short = RetryPolicy::new().step(Duration::from_secs(60)).cap(Duration::from_secs(7));
        assert_eq!(short.delays().sum::<Duration>(), short.schedule());
    }

    #[test]
    fn a_deadline_stretches_to_the_schedule_and_never_shrinks() {
        let stretched = |attempts, step| {
            let policy = RetryPolicy::new().attempts(attempts).step(step);
            policy.stretch_deadline(Duration::from_secs(15)).time_limit()
        };
        let step = Duration::from_secs(1);
        assert_eq!(stretched(attempts(30), step), Duration::from_secs(105 + 15 * 15 + 15));
        let short = Duration::from_millis(10);
        assert_eq!(stretched(attempts(2), short), Duration::from_secs(120));
        let endless = stretched(NonZeroU32::MAX, Duration::MAX);
        assert!(endless >= Duration::from_secs(15 * 60));
        let nothing = stretched(NonZeroU32::MAX, Duration::ZERO);
        assert_eq!(nothing, Duration::from_secs(120));
    }

    #[test]
    fn jitter_is_seeded_and_only_shortens() {
        let policy = RetryPolicy::new().jitter(7);
        let waits: Vec<_> = policy.delays().collect();
        assert_eq!(waits, policy.delays().collect::<Vec<_>>());
        assert_ne!(waits, RetryPolicy::new().jitter(8).delays().collect::<Vec<_>>());
        for (jittered, exact) in waits.iter().zip(RetryPolicy::new().delays()) {
            assert!(*jittered <= exact && *jittered >= exact / 2, "{jittered:?} of {exact:?}");
        }
    }

    #[test]
    fn an_attempt_is_bounded_by_what_is_left() {
        let policy = RetryPolicy::new();
        let secs = Duration::from_secs;
        assert_eq!(policy.limit(secs(0), true), secs(120));
        assert_eq!(policy.limit(secs(20), false), secs(100));
        assert_eq!(policy.limit(secs(500), true), secs(2));
        assert_eq!(RetryPolicy::once(secs(1)).limit(secs(500), true), secs(1));
        assert_eq!(policy.deadline(secs(5)).limit(secs(4), false), secs(1));
    }
}
