//! Whether a container's Pebble is still expected to come up.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::pebble::RetryPolicy;

/// The number of attempts of a call in setup.
const SETUP_ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

/// The longest time without an answer in setup.
const SETUP_DEADLINE: Duration = Duration::from_secs(5);

/// How the library takes a Pebble that does not answer.
///
/// A container is in *setup* from the unit's first hook, from `install` or `upgrade-charm`, or from
/// a `start` that is not the unit's first (a new pod, a reboot), until its pebble-ready
/// **arrives**, whatever that hook's outcome. There Pebble being away is nothing out of the
/// ordinary: the calls give up after seconds and the event is stored. In *operation* it is a fault:
/// the calls are retried for minutes, and then the hook fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Pebble has not announced itself yet.
    Setup,
    /// Pebble has announced itself.
    Operation,
}

impl Phase {
    /// Returns the library's own retry policy for this phase.
    ///
    /// In setup, where waiting is not worth much, these are 3 attempts, step 1 s, 5 s in all; in
    /// operation the client's default, [`RetryPolicy::new`].
    #[must_use]
    pub const fn policy(self) -> RetryPolicy {
        match self {
            Self::Setup => RetryPolicy::new().attempts(SETUP_ATTEMPTS).deadline(SETUP_DEADLINE),
            Self::Operation => RetryPolicy::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_is_impatient() {
        let delays = |phase: Phase| phase.policy().delays().map(|delay| delay.as_secs());
        assert_eq!(delays(Phase::Setup).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(Phase::Setup.policy().time_limit(), SETUP_DEADLINE);
        assert_eq!(delays(Phase::Operation).sum::<u64>(), 105);
    }
}
