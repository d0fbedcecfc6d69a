//! The retry policy that a charm chooses for a container.

use crate::pebble::RetryPolicy;
use crate::phase::Phase;

/// A choice has the retry policy for a container in operation, and says whether the operator may
/// change it. [`Charm::retry`](crate::Charm::retry) returns it.
///
/// The operator changes it by the config options `pebble-retry-attempts` and `pebble-retry-step`,
/// if the charm declares them. The default is the framework's own policy, which the operator may
/// change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    policy: RetryPolicy,
    is_fixed: bool,
}

impl Retry {
    /// Makes a choice in which the operator's options replace the attempts and the step of the
    /// policy. The deadline is extended to the time of their waits and 15 s more.
    pub fn adjustable(policy: RetryPolicy) -> Self {
        Self { policy, is_fixed: false }
    }

    /// Makes a choice that the operator's options do not change.
    pub fn fixed(policy: RetryPolicy) -> Self {
        Self { policy, is_fixed: true }
    }

    /// Returns the charm's policy.
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Returns `true` if the operator's options do not change the policy.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.is_fixed
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::adjustable(Phase::Operation.policy())
    }
}
