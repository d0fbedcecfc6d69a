//! Computes the wait of a watch between a failed attempt and the next one.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::super::retry::shortened;

/// The wait after the first failure, before it is shortened at random. It is long enough for a
/// daemon that was restarted to listen again.
const FIRST_WAIT: Duration = Duration::from_millis(800);

/// The longest wait, before it is shortened at random.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A backoff gives waits that grow: 800 ms after the first failure, then twice as long each time up
/// to 30 s. Each wait is shortened at random by up to half of it, so that the watches of many
/// clients that lost one daemon do not all return at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    exact: ExponentialBackoff,
    random: u64,
}

impl Backoff {
    pub(super) fn new() -> Self {
        // The standard library seeds its hash maps from the operating system, so this needs no
        // crate for random numbers.
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    fn seeded(random: u64) -> Self {
        let exact = schedule();
        Self { exact, random }
    }

    /// Returns the next wait.
    pub(super) fn next(&mut self) -> Duration {
        // The schedule has no end, so the fallback is never used.
        let exact = self.exact.next().unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        shortened(exact, &mut self.random)
    }

    /// Starts again from the first wait, once an attempt has succeeded.
    pub(super) fn reset(&mut self) {
        self.exact = schedule();
    }
}

fn schedule() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_factor(2.0)
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_within_its_bounds() {
        let exact = [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000];
        for seed in 0..50 {
            let mut backoff = Backoff::seeded(seed);
            for round in 0..2 {
                for exact in exact.map(Duration::from_millis) {
                    let wait = backoff.next();
                    assert!(
                        wait >= exact / 2 && wait <= exact,
                        "seed {seed}, round {round}: {wait:?} of {exact:?}"
                    );
                }
                backoff.reset();
            }
        }
    }

    #[test]
    fn the_random_part_differs_between_watches() {
        let waits = |mut backoff: Backoff| (0..8).map(|_| backoff.next()).collect::<Vec<_>>();
        assert_eq!(waits(Backoff::seeded(7)), waits(Backoff::seeded(7)));
        assert_ne!(waits(Backoff::new()), waits(Backoff::new()));
    }
}
