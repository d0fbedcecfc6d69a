//! A charm's answer to how calls to a container are retried.

use crate::pebble::RetryPolicy;
use crate::phase::Phase;

/// A retry policy in operation, and whether the operator may change it: the answer of
/// [`Charm::retry`](crate::Charm::retry).
///
/// The operator's config options are `pebble-retry-attempts` and `pebble-retry-step`, where the
/// charm declares them. The default is the library's own policy, which the operator may change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    policy: RetryPolicy,
    is_fixed: bool,
}

impl Retry {
    /// Makes a policy of which the operator's options change the attempts and the step. The
    /// deadline stretches to their schedule and 15 s more.
    pub fn adjustable(policy: RetryPolicy) -> Self {
        Self { policy, is_fixed: false }
    }

    /// Makes a policy that the operator's options do not change.
    pub fn fixed(policy: RetryPolicy) -> Self {
        Self { policy, is_fixed: true }
    }

    /// Returns the charm's policy.
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Returns `true` if the operator's options do not change it.
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
