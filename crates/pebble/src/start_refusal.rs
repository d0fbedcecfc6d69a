//! Pebble's account of a service whose process it could not start: its texts, and those of Go's
//! `os/exec`, in one place.
//!
//! There are no codes for these, only texts (Pebble 1.32.1,
//! `internals/overlord/servstate/handlers.go` and `internals/osutil/user.go`).

/// The reason for which Pebble did not start a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartRefusal<'a> {
    /// Nobody has the user's name.
    NoSuchUser,
    /// Nobody has the user's number.
    NoSuchUserId,
    /// No group has the name.
    NoSuchGroup,
    /// The user's number is another than the one that is given beside it.
    UserIdDiffers,
    /// The same of the group.
    GroupIdDiffers,
    /// A group is given, and no user.
    GroupAlone,
    /// A user's number is given, and no group; a later Pebble takes the user's own.
    UserIdAlone,
    /// None of the folders on Pebble's `PATH` has the program.
    NotOnPath,
    /// The first word of the command is empty.
    NoProgram,
    /// The system refused to run the program. It says the same, and names the program, when the
    /// directory to run it in is at fault.
    NotRun {
        /// The program that was to be run, or the directory.
        program: &'a str,
        /// The system's words, such as `permission denied`.
        why: &'a str,
    },
}

impl<'a> StartRefusal<'a> {
    /// Reads the text of a failed start task; `None` for a process that was started, or for a text
    /// that this version does not know.
    #[must_use]
    pub fn read(cause: &'a str) -> Option<Self> {
        let text = cause.strip_prefix("cannot start service: ").unwrap_or(cause);
        if let Some(run) = text.strip_prefix("fork/exec ") {
            let (program, why) = run.rsplit_once(": ")?;
            return Some(Self::NotRun { program, why });
        }
        let is = |start: &str, end: &str| text.starts_with(start) && text.contains(end);
        Some(if is("user: unknown userid ", "") {
            Self::NoSuchUserId
        } else if is("user: unknown user ", "") || is("user: lookup user", "") {
            Self::NoSuchUser
        } else if is("group: unknown group", "") || is("group: lookup group", "") {
            Self::NoSuchGroup
        } else if is("user ", " does not match user-id ") {
            Self::UserIdDiffers
        } else if is("group ", " does not match group-id ") {
            Self::GroupIdDiffers
        } else if is("must specify user, not just group", "") {
            Self::GroupAlone
        } else if is("must specify group, not just UID", "") {
            Self::UserIdAlone
        } else if is("exec: ", ": executable file not found in $PATH")
            || is("exec: ", ": cannot run executable found relative to current directory")
        {
            Self::NotOnPath
        } else if text == "exec: no command" {
            Self::NoProgram
        } else {
            return None;
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_pebble_says_is_understood() {
        use StartRefusal::*;
        let not_run = |program, why| Some(NotRun { program, why });
        for (cause, refusal) in [
            // As Pebble 1.32.1 said it.
            ("user: unknown user nosuch", Some(NoSuchUser)),
            ("user: unknown userid 4242", Some(NoSuchUserId)),
            ("group: unknown group nosuch", Some(NoSuchGroup)),
            ("user \"root\" UID (0) does not match user-id (7)", Some(UserIdDiffers)),
            ("must specify user, not just group", Some(GroupAlone)),
            // Pebble 1.1.1.
            ("must specify group, not just UID", Some(UserIdAlone)),
            (
                "cannot start service: exec: \"mange\": executable file not found in $PATH",
                Some(NotOnPath),
            ),
            ("cannot start service: exec: no command", Some(NoProgram)),
            // As Go's os/exec says it where PATH has the current directory on it.
            (
                "cannot start service: exec: \"mange\": cannot run executable found relative to \
                 current directory",
                Some(NotOnPath),
            ),
            (
                "cannot start service: fork/exec /bin/sleep: no such file or directory",
                not_run("/bin/sleep", "no such file or directory"),
            ),
            (
                "cannot start service: fork/exec /a: b: permission denied",
                not_run("/a: b", "permission denied"),
            ),
            ("service start attempt: exited quickly with code 3, will restart", None),
            ("cannot start service while terminating", None),
            ("cannot find service \"web\" in plan", None),
        ] {
            assert_eq!(StartRefusal::read(cause), refusal, "{cause}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(
            text in "(cannot start service: |fork/exec |user: |exec: )?.{0,40}"
        ) {
            let _ = StartRefusal::read(&text);
        }
    }
}
