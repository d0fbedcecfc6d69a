//! The kinds of an [`Error`](super::Error).
//!
//! They have a file of their own because the table of refusals needs them too, and the error is
//! made from that table.

/// The kind of an [`Error`](super::Error), which tells a program what it can do about the error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call needs the leader, and this unit is not the leader.
    NotLeader,
    /// The relation, secret or storage does not exist, or exists no longer.
    Gone,
    /// The requested item does not exist: a key of a secret or of the state, an address of a
    /// binding, or the location of a storage that is not provisioned yet.
    NotFound,
    /// This unit lacks the permission: a secret is not granted to it, or the application is not
    /// trusted with the model's credentials. The calls about relations return it only if they
    /// cannot tell a relation that is [gone](Self::Gone) from a databag that [only the
    /// leader](Self::NotLeader) may read, since Juju denies both in the same words.
    Denied,
    /// The tool cannot run in this hook: it needs an action, or must not run in one, or it needs a
    /// relation's or a storage's hook, or the hook has ended. Or this hook made an earlier change
    /// that Juju would lose by the call, or that would make Juju lose the call.
    WrongContext,
    /// An argument is invalid. Either this crate refused it before it started a process, because no
    /// tool takes it, or the tool refused it.
    Invalid,
    /// A key, a value or a whole document is larger than Juju, or this crate, accepts. Nothing was
    /// sent.
    TooLarge {
        /// The size of what was to be sent, in bytes.
        size: usize,
        /// The largest size that is accepted, in bytes.
        limit: usize,
    },
    /// This version of Juju does not have the tool or its option: the tool is not on `PATH`, or the
    /// agent does not know it.
    Unavailable,
    /// The agent's socket does not answer, or the environment does not name the socket.
    AgentAway,
    /// The tool failed for a reason that has no kind of its own: the agent or the controller
    /// refused the call or could not serve it.
    Failed {
        /// The exit code of the tool. It is 1 for every failure that the agent reports, and 3 if
        /// the tool itself crashed (Juju 2.9 to 4.1).
        code: i32,
    },
    /// A signal ended the tool.
    Killed {
        /// The number of the signal.
        signal: i32,
    },
    /// The tool was still running at the deadline and was killed. It may have acted.
    Deadline,
    /// The output of the tool cannot be read: it is not JSON, has another type than expected, or is
    /// longer than the limit.
    Output,
    /// An environment variable is missing or malformed.
    Environment {
        /// The name of the variable.
        variable: &'static str,
    },
    /// The operating system failed: the file on `PATH` could not be started as a process, or the
    /// pipes to a running process failed.
    System,
}
