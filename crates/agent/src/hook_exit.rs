//! [`HookExit`] says how the charm's program has ended, and gives Go's text for it.

/// The way in which the charm's program has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookExit {
    /// The program exited with this code.
    Code(i32),
    /// This signal killed the program.
    Signal(i32),
    /// The charm has neither `dispatch` nor an executable for this hook or action.
    Missing,
    /// The program could not be started. The text is the cause, such as `permission denied`.
    NotStarted(String),
}

impl HookExit {
    /// Returns Go's text for a failure, such as `exit status 1`, or `None` for a success.
    pub(super) fn failure(&self) -> Option<String> {
        match self {
            Self::Code(0) | Self::Missing => None,
            Self::Code(code) => Some(format!("exit status {code}")),
            Self::Signal(signal) => Some(go_signal(*signal)),
            Self::NotStarted(why) => Some(why.clone()),
        }
    }

    /// Returns `true` if SIGKILL or SIGTERM killed the program. Juju then runs the hook again, and
    /// does not take that for a failure (Juju 3.6).
    pub(super) fn is_termination(&self) -> bool {
        matches!(self, Self::Signal(9 | 15))
    }
}

/// Returns the text that Go's `os/exec` has for a process that a signal has killed.
pub(super) fn go_signal(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        other => return format!("signal: signal {other}"),
    };
    format!("signal: {name}")
}
