//! Pebble says by texts, some of them of Go's `os/exec`, why it could not start the process of a
//! service. They are recognised here.
//!
//! There are no codes for them (Pebble 1.32.1, `internals/overlord/servstate/handlers.go` and
//! `internals/osutil/user.go`).

/// A reason for which Pebble did not start a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartRefusal<'a> {
    /// There is no user of this name.
    NoSuchUser,
    /// There is no user with this id.
    NoSuchUserId,
    /// There is no group of this name.
    NoSuchGroup,
    /// The user has another id than the one that is given with its name.
    UserIdDiffers,
    /// The group has another id than the one that is given with its name.
    GroupIdDiffers,
    /// A group is given without a user.
    GroupAlone,
    /// A user id is given without a group; a later Pebble takes the user's own group.
    UserIdAlone,
    /// No folder of Pebble's `PATH` has the program.
    NotOnPath,
    /// The first word of the command is empty.
    NoProgram,
    /// The system refused to run the program. It gives the same text, with the name of the program,
    /// for a wrong working directory.
    NotRun {
        /// The program that was to be run, or the working directory.
        program: &'a str,
        /// The reason in the system's words, such as `permission denied`.
        why: &'a str,
    },
}

impl<'a> StartRefusal<'a> {
    /// Recognises the text of a failed start task. Returns `None` if the process was started, or if
    /// this version of the client does not know the text.
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
            // Pebble 1.32.1 gave these texts.
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
            // Go's os/exec gives this text where PATH has the current directory on it.
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
