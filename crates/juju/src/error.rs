//! The error of a hook tool or of the hook's environment.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::error_kind::ErrorKind;
use super::refusals;
use super::tool_runner::ToolError;
use charmwright_yaml::text;

/// The most of a tool's standard error that an error's text shows, in bytes.
const MAX_SHOWN_STDERR: usize = 1024;

/// The error of a hook tool that failed or could not be started, or of a malformed environment.
///
/// Its text starts with "cannot". It names the attempt and the cause, and it says what the user can
/// do where there is something to do. The text does not include the [source](StdError::source), it
/// is for people, and it may change in any release. Programs match on [`Error::kind`].
pub struct Error {
    // Boxed, so that a `Result` of this crate is one pointer wide where all goes well.
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    attempt: Cow<'static, str>,
    cause: String,
    tool: Option<&'static str>,
    stderr: Option<String>,
    source: Option<io::Error>,
}

impl Error {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// Returns the name of the hook tool that the failed call needed; `None` if the environment is
    /// malformed.
    #[must_use]
    pub fn tool(&self) -> Option<&'static str> {
        self.inner.tool
    }

    /// Returns the first 64 KiB that the tool wrote to standard error, trimmed; `None` if it wrote
    /// nothing or was not started.
    #[must_use]
    pub fn stderr(&self) -> Option<&str> {
        self.inner.stderr.as_deref()
    }

    /// Makes the error for an environment that lacks `variable`, which this kind of hook needs.
    #[must_use]
    pub fn missing_variable(variable: &'static str) -> Self {
        Self::environment(
            variable,
            format!(
                "{variable} is not set or empty; a charm is started by Juju's unit agent, or by \
                 `charmwright dev`"
            ),
        )
    }

    /// Makes the error for an environment in which the value of `variable` is malformed. `fault` is
    /// the reason, such as the error of its parser.
    #[must_use]
    pub fn malformed_variable(variable: &'static str, fault: &dyn fmt::Display) -> Self {
        Self::environment(variable, format!("{variable} is malformed: {fault}"))
    }

    /// Makes the error for an environment in which `variable` is wrong.
    pub(super) fn environment(variable: &'static str, cause: String) -> Self {
        Self::build(
            ErrorKind::Environment { variable },
            "read the hook's environment".into(),
            cause,
            None,
        )
    }

    /// Makes the error for a call that this crate refused before it started the tool.
    pub(super) fn refused(
        attempt: impl Into<Cow<'static, str>>,
        tool: &'static str,
        cause: impl Into<String>,
    ) -> Self {
        Self::build(ErrorKind::Invalid, attempt.into(), cause.into(), Some(tool))
    }

    /// Makes the error for a call that this crate did not send, because it knows that Juju would
    /// refuse it, or would take it and lose it.
    pub(super) fn not_sent(
        kind: ErrorKind,
        attempt: impl Into<Cow<'static, str>>,
        tool: &'static str,
        cause: impl Into<String>,
    ) -> Self {
        Self::build(kind, attempt.into(), cause.into(), Some(tool))
    }

    /// Makes the error for an operation of the system that failed before the tool was started.
    pub(super) fn system(
        attempt: impl Into<Cow<'static, str>>,
        tool: &'static str,
        cause: impl Into<String>,
        source: io::Error,
    ) -> Self {
        let mut error = Self::build(ErrorKind::System, attempt.into(), cause.into(), Some(tool));
        error.inner.source = Some(source);
        error
    }

    /// Removes what the tool wrote to standard error, because it repeats a part of a secret. The
    /// kind stays.
    pub(super) fn without_stderr(mut self) -> Self {
        let tool = self.inner.tool.unwrap_or("the tool");
        self.inner.stderr = None;
        self.inner.cause = format!(
            "{tool} failed, and its text is not shown because it repeats a part of the secret"
        );
        self
    }

    /// Makes the error for a call that this crate refused before it started the tool, because
    /// `what`, such as `the value of "users"`, has `size` bytes and at most `limit` are accepted.
    /// `what` must not quote a value.
    pub(super) fn too_large(
        attempt: impl Into<Cow<'static, str>>,
        tool: &'static str,
        what: &str,
        size: usize,
        limit: usize,
    ) -> Self {
        let cause = format!("{what} is {size} bytes long (at most {limit})");
        Self::build(ErrorKind::TooLarge { size, limit }, attempt.into(), cause, Some(tool))
    }

    /// Makes the error for a tool that exited with code 0 and printed an output that cannot be
    /// read. `cause` must not quote the output, which may hold a secret.
    pub(super) fn output(
        attempt: impl Into<Cow<'static, str>>,
        tool: &'static str,
        cause: &str,
    ) -> Self {
        Self::build(ErrorKind::Output, attempt.into(), format!("{tool} {cause}"), Some(tool))
    }

    /// Gives a refusal another kind, which the caller knows by what it asked for, and adds what
    /// that means to the text.
    pub(super) fn reclassified(mut self, kind: ErrorKind, meaning: &str) -> Self {
        self.inner.cause.push_str("; ");
        self.inner.cause.push_str(meaning);
        self.inner.kind = kind;
        self
    }

    /// Makes the error for a tool that was not started or failed.
    pub(super) fn from_tool_error(
        attempt: impl Into<Cow<'static, str>>,
        tool: &'static str,
        failure: ToolError,
    ) -> Self {
        let shown_stderr = |stderr: &str| {
            if stderr.is_empty() {
                "it said nothing".to_owned()
            } else {
                // The text may end up on a terminal or in a status, and the tool quotes values of
                // others in it.
                text::clean(stderr, MAX_SHOWN_STDERR).into_owned()
            }
        };
        let (kind, cause) = match &failure {
            ToolError::NotFound => (
                ErrorKind::Unavailable,
                format!(
                    "{tool} {failure}; run the charm under Juju's unit agent ({}) or with \
                     `charmwright dev`",
                    since(tool)
                ),
            ),
            ToolError::NotStarted(source) => match source.kind() {
                io::ErrorKind::PermissionDenied => (
                    ErrorKind::System,
                    format!(
                        "{tool} on PATH {failure}; is it executable, and may its folder be \
                         searched?"
                    ),
                ),
                // The runner has seen the file on `PATH`, so another file is missing: the
                // interpreter of a script, or the target of a link.
                io::ErrorKind::NotFound => (
                    ErrorKind::System,
                    format!(
                        "{tool} on PATH {failure}; is its interpreter there, and what it links to?"
                    ),
                ),
                // The kernel bounds the arguments and the environment together, so each argument
                // alone may be short enough.
                io::ErrorKind::ArgumentListTooLong => (
                    ErrorKind::Invalid,
                    format!(
                        "{tool} {failure}; its arguments and the environment are too long together"
                    ),
                ),
                io::ErrorKind::IsADirectory => (
                    ErrorKind::System,
                    format!("{tool} on PATH {failure}; remove what has its name there"),
                ),
                _ => (ErrorKind::System, format!("{tool} {failure}")),
            },
            ToolError::BadArgument { .. } => {
                (ErrorKind::Invalid, format!("{tool} cannot take it: {failure}"))
            }
            ToolError::Exited { code, stderr } => {
                let kind = refusals::kind_of(tool, *code, stderr);
                let cause = match (&kind, code) {
                    (None, 2) => format!(
                        "{tool} refused how it was called (code 2): {}; is this Juju too old for \
                         it?",
                        shown_stderr(stderr)
                    ),
                    _ => format!(
                        "{tool} {failure}: {}{}",
                        shown_stderr(stderr),
                        kind.as_ref().map_or_else(String::new, |kind| advice(kind, tool))
                    ),
                };
                // The text matches no row of the table, so only the exit code is left to tell.
                let general =
                    if *code == 2 { ErrorKind::Invalid } else { ErrorKind::Failed { code: *code } };
                (kind.unwrap_or(general), cause)
            }
            ToolError::Killed { signal, stderr } => (
                ErrorKind::Killed { signal: *signal },
                format!("{tool} {failure}: {}", shown_stderr(stderr)),
            ),
            ToolError::Deadline { stderr, .. } => (
                ErrorKind::Deadline,
                format!(
                    "{tool} {failure} and was killed, so it may have acted: {}",
                    shown_stderr(stderr)
                ),
            ),
            ToolError::TooMuchOutput { .. } => {
                (ErrorKind::Output, format!("{tool} {failure} and was killed"))
            }
            ToolError::Broken(_) => (
                ErrorKind::System,
                format!("{tool} {failure} and was killed, so it may have acted"),
            ),
        };
        let mut error = Self::build(kind, attempt.into(), cause, Some(tool));
        // The whole of standard error is kept here, because the text above shows 1 KiB of it only.
        match failure {
            ToolError::Exited { stderr, .. }
            | ToolError::Killed { stderr, .. }
            | ToolError::Deadline { stderr, .. } => {
                error.inner.stderr = Some(stderr).filter(|stderr| !stderr.is_empty());
            }
            ToolError::NotStarted(source) | ToolError::Broken(source) => {
                error.inner.source = Some(source);
            }
            ToolError::NotFound
            | ToolError::BadArgument { .. }
            | ToolError::TooMuchOutput { .. } => {}
        }
        error
    }

    fn build(
        kind: ErrorKind,
        attempt: Cow<'static, str>,
        cause: String,
        tool: Option<&'static str>,
    ) -> Self {
        Self { inner: Box::new(Inner { kind, attempt, cause, tool, stderr: None, source: None }) }
    }
}

/// Returns what the user can do about a refusal, for the kinds whose own text does not say it.
fn advice(kind: &ErrorKind, tool: &str) -> String {
    match kind {
        ErrorKind::NotLeader => "; only the leader may, so ask is_leader first".to_owned(),
        ErrorKind::Unavailable => format!(
            "; this Juju does not have it, so do without it or upgrade Juju ({})",
            since(tool)
        ),
        ErrorKind::AgentAway => {
            "; run the charm under Juju's unit agent or with `charmwright dev`, and no tool after \
             its hook"
                .to_owned()
        }
        _ => String::new(),
    }
}

/// Returns which Juju has a tool.
fn since(tool: &str) -> &'static str {
    // Juju 2.9 documents these tools and does not have them. 3.0.3 is the first release in which
    // they can be used (our notes on the runtime of charms, 6.2 and 6.3).
    if tool.starts_with("secret-") {
        "secrets need 3.0.3 or newer"
    } else {
        "one that has this tool"
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.inner.attempt, self.inner.cause)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.to_string())
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_ref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_error_is_one_pointer_wide_and_is_send_and_sync() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn exit_codes_one_and_two_have_different_kinds_and_stderr_is_kept() {
        let failed = ToolError::Exited { code: 1, stderr: "ERROR upgrade in progress".into() };
        let error = Error::from_tool_error("set the unit's status", "status-set", failed);
        assert_eq!(error.kind(), &ErrorKind::Failed { code: 1 });
        assert_eq!(error.tool(), Some("status-set"));
        assert_eq!(error.stderr(), Some("ERROR upgrade in progress"));
        assert_eq!(
            error.to_string(),
            "cannot set the unit's status: status-set exited with code 1: ERROR upgrade in progress"
        );

        let usage =
            ToolError::Exited { code: 2, stderr: "ERROR option needs an argument: --foo".into() };
        let error = Error::from_tool_error("set the unit's status", "status-set", usage);
        assert_eq!(error.kind(), &ErrorKind::Invalid);
        assert!(error.to_string().contains("option needs an argument: --foo"), "{error}");

        let unknown = ToolError::Exited {
            code: 2,
            stderr: "ERROR option provided but not defined: --foo".into(),
        };
        let error = Error::from_tool_error("set the unit's status", "status-set", unknown);
        assert_eq!(error.kind(), &ErrorKind::Unavailable);
        assert!(error.to_string().contains("option provided but not defined: --foo"), "{error}");
    }

    #[test]
    fn the_standard_error_is_shown_clean_and_bounded() {
        let stderr = "\u{1b}[31mERROR\u{1b}[0m a\r\nb\u{202e}\0c".to_owned();
        let failed = |stderr| ToolError::Exited { code: 1, stderr };
        let error = Error::from_tool_error("read the config", "config-get", failed(stderr.clone()));
        let shown = "cannot read the config: config-get exited with code 1: ERROR a b c";
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.stderr(), Some(&*stderr));
        let long = failed("x".repeat(1 << 20));
        let error = Error::from_tool_error("read the config", "config-get", long);
        assert!(error.to_string().len() < 2048 && error.to_string().ends_with('…'));
    }

    #[test]
    fn not_the_leader_is_recognised_in_both_wordings() {
        for stderr in [
            "ERROR this unit is not the leader",
            "ERROR finding application status: this unit is not the leader",
        ] {
            let failure = ToolError::Exited { code: 1, stderr: stderr.into() };
            let error =
                Error::from_tool_error("set the application's status", "status-set", failure);
            assert_eq!(error.kind(), &ErrorKind::NotLeader);
        }
    }

    #[test]
    fn no_line_of_a_chain_is_printed_twice() {
        let source = || io::Error::other("the moon is full");
        let failures = [
            ToolError::NotFound,
            ToolError::NotStarted(source()),
            ToolError::NotStarted(io::ErrorKind::PermissionDenied.into()),
            ToolError::NotStarted(io::ErrorKind::NotFound.into()),
            ToolError::NotStarted(io::ErrorKind::ArgumentListTooLong.into()),
            ToolError::BadArgument { reason: "argument 1 holds a NUL byte".into() },
            ToolError::Exited { code: 3, stderr: String::new() },
            ToolError::Killed { signal: 9, stderr: String::new() },
            ToolError::Deadline { limit: Duration::from_secs(5), stderr: String::new() },
            ToolError::TooMuchOutput { limit: 7 },
            ToolError::Broken(source()),
        ];
        for failure in failures {
            let error = Error::from_tool_error("read the config", "config-get", failure);
            let text = error.to_string();
            assert!(text.starts_with("cannot read the config: "), "{text}");
            if let Some(source) = StdError::source(&error) {
                assert!(!text.contains(&source.to_string()), "{text}");
            }
        }
    }
}
