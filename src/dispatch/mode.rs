//! The mode of a run, which decides what a failure means. The rule that a workload hook does not
//! fail, except by a commit that failed, is written in this file.

use super::invocation::{Invocation, is_named_like_workload};
use crate::error::Error;
use crate::relation::databags::WhenGone;
use crate::verdict::Verdict;

/// A mode says what kind of run this is. It decides about retries, logs and early statuses, and
/// what happens after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An ordinary hook.
    Hook,
    /// A `<container>-pebble-*` hook. Juju hides its failure, so it fails only if nothing could be
    /// committed.
    Workload,
    /// `stop` or `remove`.
    Ending,
    /// An action. A user waits for the result, and standard output and error are part of it.
    Action,
}

impl Mode {
    pub(crate) fn from_invocation(invocation: &Invocation) -> Self {
        match invocation {
            Invocation::Action(_) => Self::Action,
            Invocation::Hook(event) if is_named_like_workload(event) => Self::Workload,
            Invocation::Hook(event) if event.is_ending() => Self::Ending,
            Invocation::Hook(_) => Self::Hook,
        }
    }

    /// Returns the verdict that is allowed in this mode: no error of a handler fails a workload
    /// hook.
    pub(crate) fn limit_verdict(self, verdict: Verdict, error: &Error) -> Verdict {
        if self == Self::Workload { verdict.without_failing(error) } else { verdict }
    }

    /// Returns `true` if the state is committed although the status could not be set. A workload
    /// hook must not fail, and a failure of `stop` or `remove` would keep the unit from being
    /// removed.
    pub(crate) fn may_commit_without_status(self) -> bool {
        matches!(self, Self::Workload | Self::Ending)
    }

    /// Returns what happens to the changes of a relation that is gone at the end of the hook.
    /// Nobody can read them any more, so a hook that must not fail drops them. Any other hook
    /// fails: it runs again, and its handlers do not meet the relation.
    pub(crate) fn when_gone(self) -> WhenGone {
        match self {
            Self::Workload | Self::Ending => WhenGone::Drop,
            Self::Hook | Self::Action => WhenGone::Fail,
        }
    }

    /// Returns `true` if a commit that failed is tried once more. Juju runs any other hook again by
    /// itself, but not a workload hook.
    pub(crate) fn may_retry_commit(self) -> bool {
        self == Self::Workload
    }
}
