//! The phase of a container, which decides how long a call waits for its Pebble.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::pebble::RetryPolicy;

/// The number of attempts of a call in setup. Pebble usually is not running yet, and the event is
/// stored and runs again, so more attempts would only delay the other hooks.
const SETUP_ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

/// The deadline of a call in setup.
const SETUP_DEADLINE: Duration = Duration::from_secs(5);

/// A phase says whether a Pebble that does not answer is expected or a fault.
///
/// A container is in *setup* from the unit's first hook, from `install` or `upgrade-charm`, or from
/// a `start` that is not the unit's first (a new pod, a reboot), until its pebble-ready
/// **arrives**, whatever the outcome of that hook. In setup a Pebble that does not answer is
/// expected: a call gives up after seconds and the event is stored. In *operation* it is a fault: a
/// call is retried for minutes, and then the hook fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Pebble has not announced itself yet.
    Setup,
    /// Pebble has announced itself.
    Operation,
}

impl Phase {
    /// Returns the framework's own retry policy for this phase.
    ///
    /// In setup a call makes 3 attempts with a step of 1 s and has a deadline of 5 s; in operation
    /// it has the client's default, [`RetryPolicy::new`].
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
