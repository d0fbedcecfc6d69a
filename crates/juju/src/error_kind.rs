//! The kinds of trouble, apart from the error that carries one.

/// What kind of trouble an [`Error`](super::Error) is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Only the leader may do this, and this unit is not the leader.
    NotLeader,
    /// The relation, secret or storage is not there, or no longer.
    Gone,
    /// The thing that was asked for is not there: a key of a secret or of the state, an address
    /// of a binding, a place of a storage that is not provisioned yet.
    NotFound,
    /// This unit may not have or do it: a secret or databag that is not granted, a model whose
    /// credentials the application is not trusted with. Juju says so of some relations that are
    /// gone, too.
    Denied,
    /// The tool belongs to another context: to an action, to no action, to a relation's or a
    /// storage's hook, or to a hook that has ended.
    WrongContext,
    /// An argument was refused: here, before any process was started, since no tool would take it,
    /// or by the tool.
    Invalid,
    /// This Juju has no such tool, or the tool no such option: it is not on `PATH`, or the agent
    /// does not know it.
    Unavailable,
    /// The agent's socket does not answer, or the environment does not name it.
    AgentAway,
    /// The tool ended with a failure that is none of the others: the agent or the controller
    /// refused or could not.
    Failed {
        /// The tool's exit code; 1 from every tool of Juju, 3 when the tool itself crashed.
        code: i32,
    },
    /// A signal ended the tool.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// The tool did not end in time and was killed. It may have acted.
    Deadline,
    /// The tool answered with something that is not an answer: no JSON, the wrong shape, or far too
    /// much.
    Output,
    /// An environment variable is missing or malformed.
    Environment {
        /// The variable's name.
        variable: &'static str,
    },
    /// The operating system failed: no process could be started from what is on `PATH`, or a
    /// running one could not be talked to.
    System,
}
