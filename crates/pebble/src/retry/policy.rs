//! How often and how long: data, no clock.

use std::num::NonZeroU32;
use std::time::Duration;

use backon::BackoffBuilder;

/// The shortest time that the first attempt of a call gets, however little is left of the budget:
/// one attempt is always made.
const LEAST_ATTEMPT: Duration = Duration::from_secs(2);

/// How a call is retried: after failed attempt `n` it waits `min(step × n, cap)`, at most
/// `attempts` times in all, at most `deadline` without an answer.
///
/// It is plain data; [`RetryPolicy::run`] or a [`Client`](crate::Client) puts it to work,
/// under a [`Budget`](super::Budget).
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

    /// One attempt of at most `limit`.
    #[must_use]
    pub const fn once(limit: Duration) -> Self {
        Self { attempts: NonZeroU32::MIN, deadline: limit, ..Self::new() }
    }

    /// How many attempts there are in all.
    #[must_use]
    pub const fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// What each wait is longer than the one before; also the first wait.
    #[must_use]
    pub const fn step(mut self, step: Duration) -> Self {
        self.step = step;
        self
    }

    /// The longest wait.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// The longest time without an answer: failed attempts and the waits between them. A wait that
    /// would reach it is not begun.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Shortens each wait by up to half of it, by chance from `seed`; the same seed gives the same
    /// waits. Without it the waits are exact.
    #[must_use]
    pub const fn jitter(mut self, seed: u64) -> Self {
        self.jitter = Some(seed);
        self
    }

    /// Raises the deadline to all waits of the schedule and `slack` more, where it is shorter: so
    /// it does not cut short the attempts and the step that were set before.
    #[must_use]
    pub fn stretch_deadline(mut self, slack: Duration) -> Self {
        self.deadline = self.deadline.max(self.schedule().saturating_add(slack));
        self
    }

    /// How many attempts there are in all.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// What each wait is longer than the one before.
    #[must_use]
    pub const fn step_length(&self) -> Duration {
        self.step
    }

    /// The longest wait.
    #[must_use]
    pub const fn longest_delay(&self) -> Duration {
        self.cap
    }

    /// The longest time without an answer.
    #[must_use]
    pub const fn time_limit(&self) -> Duration {
        self.deadline
    }

    /// The waits after the failed attempts 1, 2, 3, …; one fewer than there are attempts.
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

    /// The waits together, without jitter. Closed form, since a policy may ask for four
    /// thousand million attempts.
    fn schedule(&self) -> Duration {
        let retries = u128::from(self.max_attempts() - 1);
        let (step, cap) = (self.step.as_nanos(), self.cap.as_nanos());
        let rising = cap.checked_div(step).map_or(retries, |full| full.min(retries));
        let total = step
            .saturating_mul(rising.saturating_mul(rising + 1) / 2)
            .saturating_add(cap.min(step.saturating_mul(retries)).saturating_mul(retries - rising));
        Duration::from_nanos(u64::try_from(total).unwrap_or(u64::MAX))
    }

    /// How long an attempt may take when `unanswered` of the time is gone. The first attempt of a
    /// call always gets some time.
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

/// backon has constant, exponential and fibonacci waits; ours are linear.
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

/// `min(step × n, cap)` for n = 1, 2, 3, …
#[derive(Debug, Clone)]
pub(super) struct Linear {
    step: Duration,
    cap: Duration,
    left: u32,
    failed: u32,
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

/// Shortens a wait by up to half of it, by chance. It never lengthens one, so that the longest wait
/// stays the longest.
pub(crate) fn shortened(exact: Duration, state: &mut u64) -> Duration {
    let half = u64::try_from(exact.as_nanos() / 2).unwrap_or(u64::MAX);
    let cut = splitmix(state) % half.saturating_add(1);
    exact.saturating_sub(Duration::from_nanos(cut))
}

/// SplitMix64: enough chance for a wait, from one word of state.
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
