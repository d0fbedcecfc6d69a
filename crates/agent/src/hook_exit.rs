//! The end of the charm's program, in the words that Go has for it.

/// The end of the charm's program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookExit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
    /// The charm has neither `dispatch` nor a file for this hook or action.
    Missing,
    /// It could not be started; the text is the cause, such as `permission denied`.
    NotStarted(String),
}

impl HookExit {
    /// What Go calls this end; `None` for a success.
    pub(super) fn failure(&self) -> Option<String> {
        match self {
            Self::Code(0) | Self::Missing => None,
            Self::Code(code) => Some(format!("exit status {code}")),
            Self::Signal(signal) => Some(go_signal(*signal)),
            Self::NotStarted(why) => Some(why.clone()),
        }
    }

    pub(super) fn is_termination(&self) -> bool {
        matches!(self, Self::Signal(9 | 15))
    }
}

/// The text that Go's `os/exec` gives for a process that a signal has ended.
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
