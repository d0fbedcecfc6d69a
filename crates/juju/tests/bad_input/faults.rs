//! The ways in which a hook tool fails.

use charmwright_juju::ErrorKind;

use crate::call::PLANTED;

/// The state of the tool's file, or the script that it runs.
#[derive(Clone, Copy)]
pub(crate) enum Tool {
    Script(&'static str),
    /// There is no file of its name.
    Missing,
    /// A directory has its name.
    Directory,
    /// It is a link to nothing.
    Dangling,
}

pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) tool: Tool,
    /// The kind of the error.
    pub(crate) kind: ErrorKind,
    /// What the error says beside the tool and what was attempted.
    pub(crate) text: &'static str,
    /// `true` if the tool exits with 0 and prints what it should not, which a call that does not
    /// read the output does not notice.
    pub(crate) only_output: bool,
}

const fn fault(name: &'static str, tool: Tool, kind: ErrorKind, text: &'static str) -> Fault {
    Fault { name, tool, kind, text, only_output: false }
}

const fn garbage(name: &'static str, script: &'static str) -> Fault {
    Fault {
        name,
        tool: Tool::Script(script),
        kind: ErrorKind::Output,
        text: "printed",
        only_output: true,
    }
}

/// The faults. `$PLANTED` is a text that no error may repeat: it stands for a content, and for
/// what a tool prints in general.
pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "exit code 1",
        Tool::Script("echo $PLANTED; echo 'ERROR the controller is away' >&2; exit 1"),
        ErrorKind::Failed { code: 1 },
        "exited with code 1: ERROR the controller is away",
    ),
    fault(
        "exit code 2",
        Tool::Script("echo $PLANTED; echo 'ERROR this option is odd' >&2; exit 2"),
        ErrorKind::Invalid,
        "(code 2): ERROR this option is odd",
    ),
    fault(
        "exit code 3 without a word",
        Tool::Script("echo $PLANTED; exit 3"),
        ErrorKind::Failed { code: 3 },
        "exited with code 3: it said nothing",
    ),
    fault(
        "a context that is stale",
        Tool::Script("echo 'ERROR bad request: wrong context ID; got \"x\"' >&2; exit 1"),
        ErrorKind::WrongContext,
        "wrong context ID",
    ),
    fault(
        "no agent",
        Tool::Script("echo 'ERROR dial unix /x: connect: connection refused' >&2; exit 1"),
        ErrorKind::AgentAway,
        "connection refused",
    ),
    fault(
        "a long standard error",
        Tool::Script("yes ERROR | head -c 1000000 >&2; exit 1"),
        ErrorKind::Failed { code: 1 },
        "exited with code 1: ERROR",
    ),
    fault(
        "killed by SIGKILL",
        Tool::Script("echo $PLANTED; kill -9 $$"),
        ErrorKind::Killed { signal: 9 },
        "was killed by signal 9",
    ),
    fault(
        "killed by SIGSEGV",
        Tool::Script("echo $PLANTED; kill -11 $$"),
        ErrorKind::Killed { signal: 11 },
        "was killed by signal 11",
    ),
    fault(
        "100 MiB",
        Tool::Script("yes $PLANTED | head -c 104857600"),
        ErrorKind::Output,
        "printed more than 67108864 bytes and was killed",
    ),
    fault("missing", Tool::Missing, ErrorKind::Unavailable, "is not on PATH"),
    fault("a directory", Tool::Directory, ErrorKind::System, "could not be started"),
    fault("a link to nothing", Tool::Dangling, ErrorKind::System, "could not be started"),
    garbage("bytes that are not UTF-8", "head -c 3000 /dev/zero | tr '\\0' '\\377'"),
    garbage("words", "echo $PLANTED $PLANTED"),
    garbage("half an answer", "printf '{\"password\":\"%s' $PLANTED"),
    garbage("a list of lists", "printf '[[\"%s\"]]' $PLANTED"),
    garbage("a map of numbers", "echo '{\"a\":1}'"),
];

/// A tool that does not end, and is killed at the deadline. It has a test of its own, because each
/// call takes as long as the deadline.
pub(crate) const HANGING: Fault = fault(
    "hanging",
    Tool::Script("echo $PLANTED; exec sleep 600"),
    ErrorKind::Deadline,
    "did not end within",
);

/// Returns the script with the planted text.
pub(crate) fn script(script: &str) -> String {
    format!("PLANTED={PLANTED}\n{script}")
}
