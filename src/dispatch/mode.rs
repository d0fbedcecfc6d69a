//! What kind of run this is, and what a failure means in it: that a workload hook does not fail,
//! but for a commit that failed, is written here.

use super::invocation::{Invocation, is_named_like_workload};
use crate::error::Error;
use crate::verdict::Verdict;

/// The kind of a run decides about patience, logs and early statuses, and what becomes of a
/// failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An ordinary hook.
    Hook,
    /// A `<container>-pebble-*` hook: Juju hides its failure, so it fails only where nothing could
    /// be committed.
    Workload,
    /// `stop` or `remove`.
    Ending,
    /// A user waits for the result, and standard output and error are part of it.
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

    /// The verdict that counts in a run of this kind: no error of a handler fails a workload hook.
    pub(crate) fn limit_verdict(self, verdict: Verdict, error: &Error) -> Verdict {
        if self == Self::Workload { verdict.without_failing(error) } else { verdict }
    }

    /// Returns `true` if what the handlers did is committed although the status could not be shown:
    /// a workload hook must not fail, and the failure of an ending one would hold what goes away.
    pub(crate) fn may_commit_without_status(self) -> bool {
        matches!(self, Self::Workload | Self::Ending)
    }

    /// Returns `true` if a commit that failed is tried once more: Juju runs any other hook again by
    /// itself.
    pub(crate) fn may_retry_commit(self) -> bool {
        self == Self::Workload
    }
}
