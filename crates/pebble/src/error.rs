//! The one error of this module.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::change::Change;
use super::daemon::Daemon;
use super::envelope::Refusal;
use super::files::{FileError, FileErrorKind};
use super::service_failure::{LONGEST_MESSAGE, ServiceFailure, failure_text};
use super::transport_error::plain;
use charmwright_yaml::text;

/// The longest reason of an error, in bytes.
const LONGEST: usize = 4096;

/// A call to Pebble that did not succeed.
///
/// It prints as one line that starts with "cannot" and says what was attempted, on what and why;
/// the wording may change, the questions below are the contract. It never holds the body of a
/// request, and what it shows of texts from outside is cleaned of control characters and cut.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: String,
    target: Option<String>,
    tag: Option<Arc<dyn Any + Send + Sync>>,
    reason: String,
    message: Option<String>,
    change: Option<Change>,
    may_have_acted: bool,
    attempts: u32,
    user_fault: Option<UserFault>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No answer came within the policy: Pebble is away, or keeps silent. More time may mend it by
    /// itself.
    Unreachable,
    /// The operating system or Pebble (401) denied access.
    PermissionDenied,
    /// Pebble answered and refused; the same request fails the same way again.
    Api {
        /// The HTTP status, such as 400 or 404.
        status: u16,
    },
    /// Pebble did what was asked and it failed: a service did not start, stop or stay up. The error
    /// carries the change.
    ChangeFailed,
    /// The change is still running at its deadline. The error carries the change, and the change
    /// goes on.
    ChangeRunning,
    /// Pebble was restarted while it worked on the services of the call, and none of the layers
    /// that it has now knows them: whoever added their layer has to add it again. The text of the
    /// refusal is [`Error::message`].
    Restarted,
    /// What was waited for has not come about at the deadline; the text says what was seen instead.
    NotReached,
    /// A command that was run has not ended within its timeout, and was killed.
    TimedOut,
    /// A command was started, or may have been, and how it ended is not known: a connection of its
    /// streams broke, or Pebble was restarted.
    OutcomeUnknown,
    /// This Pebble is too old for the call.
    Unsupported {
        /// The first version that has it, such as `1.20`.
        since: &'static str,
    },
    /// Pebble could not read, write or change this one path; the same request fails the same way
    /// again.
    File(FileErrorKind),
    /// The connection broke in the middle of a file that only its receiver or its source could make
    /// whole again: a reader that gave its bytes away, or a writer that was given some already.
    /// What is there must not be trusted; with a new reader or writer the call may be made again.
    Interrupted {
        /// How many bytes of the file the reader gave, or the writer was given.
        bytes: u64,
    },
    /// A file that was to be held in memory is larger than the caller allows.
    TooLarge {
        /// What is allowed, in bytes.
        limit: u64,
    },
    /// The near side failed: a local file, or the caller's own reader or writer. The error's source
    /// is the [`io::Error`].
    Local(io::ErrorKind),
    /// Refused here, before anything was sent.
    InvalidRequest,
    /// Something answered, but not as Pebble does.
    Protocol,
}

/// The part of a layer that a refusal is about, when it is one that a program may have from its
/// user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserFault {
    /// The command of a service or check, or one that was to be run.
    Command,
    /// The user of one of them.
    User,
    /// The group of one of them.
    Group,
    /// The working directory of one of them.
    WorkingDir,
}

impl Error {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Whether Pebble was away, or went away in the middle of it:
    /// [`Unreachable`](ErrorKind::Unreachable), [`Interrupted`](ErrorKind::Interrupted) or
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown). The same call may succeed once Pebble is
    /// back; what the first one did is asked by [`Self::may_have_acted`].
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Unreachable | ErrorKind::Interrupted { .. } | ErrorKind::OutcomeUnknown
        )
    }

    /// What was attempted, such as `replan` or `add layer "workload"`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// How the client was told to name what it talks to, such as `container "web"`.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The tag of the client whose call it was, or of the process, stream or watch that the client
    /// gave, if the client has one of this type: see [`Client::with_tag`](super::Client::with_tag).
    #[must_use]
    pub fn tag<T: Any>(&self) -> Option<&T> {
        self.0.tag.as_ref()?.downcast_ref()
    }

    /// The change that failed or still runs.
    #[must_use]
    pub fn change(&self) -> Option<&Change> {
        self.0.change.as_ref()
    }

    /// Whether the request may have had its effect, or a part of it, although this call did not
    /// succeed.
    ///
    /// It is `true` for every error of a call that is more than a read once its request was sent,
    /// unless the answer proves that nothing was done: one of Pebble's refusals with a status from
    /// 400 to 499, or what it says of one path.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        self.0.may_have_acted
    }

    /// How many attempts were made; 0 when it was refused before the first.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Pebble's own text as it came, of any length and with whatever characters, when it answered
    /// with one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Which part of the layer is at fault, when a refusal (by Pebble or before anything was sent)
    /// is about one that a user may have given.
    #[must_use]
    pub fn user_fault(&self) -> Option<UserFault> {
        self.0.user_fault
    }

    /// The services that failed, from a [`ErrorKind::ChangeFailed`]; empty for every other kind.
    #[must_use]
    pub fn failed_services(&self) -> Vec<ServiceFailure> {
        match (&self.0.kind, &self.0.change) {
            (ErrorKind::ChangeFailed, Some(change)) => change.service_failures(),
            _ => Vec::new(),
        }
    }
}

/// Builders for the rest of the module.
impl Error {
    fn new(kind: ErrorKind, operation: &str, daemon: &Daemon, reason: String) -> Self {
        // All that an error shows comes through here: names, paths and messages may hold anything.
        Self(Box::new(Inner {
            kind,
            operation: text::clean(operation, LONGEST_MESSAGE).into_owned(),
            target: daemon.name().map(|name| text::clean(name, LONGEST_MESSAGE).into_owned()),
            tag: daemon.tag.clone(),
            reason: text::clean(&reason, LONGEST).into_owned(),
            message: None,
            change: None,
            may_have_acted: false,
            attempts: 0,
            user_fault: None,
            source: None,
        }))
    }

    /// A definite refusal by Pebble.
    pub(crate) fn refused(operation: &str, daemon: &Daemon, refusal: Refusal) -> Self {
        let file = refusal.kind.as_deref().and_then(FileErrorKind::of_refusal);
        let is_file = file.is_some();
        let kind = match file {
            Some(kind) => ErrorKind::File(kind),
            None if refusal.status == 401 => ErrorKind::PermissionDenied,
            None => ErrorKind::Api { status: refusal.status },
        };
        let reason = if refusal.message.is_empty() {
            format!("Pebble answered {}", refusal.status)
        } else {
            let message = text::clean(&refusal.message, LONGEST_MESSAGE);
            format!("{message} (Pebble answered {})", refusal.status)
        };
        let fault = match refusal.status {
            400 if !is_file => user_fault_in(&refusal.message),
            // The one mistake of this sort that Pebble takes for its own. (1.32.1,
            // `internals/daemon/api_exec.go`.)
            500 if refusal.message.starts_with("cannot call exec: working directory ") => {
                Some(UserFault::WorkingDir)
            }
            _ => None,
        };
        let mut error = Self::new(kind, operation, daemon, reason);
        error.0.message = Some(refusal.message);
        error.0.user_fault = fault;
        error.with_attempts(1)
    }

    /// What Pebble says of one path of a request that it answered.
    pub(crate) fn file(operation: &str, daemon: &Daemon, error: &FileError) -> Self {
        let message = text::clean(error.message(), LONGEST_MESSAGE);
        let reason = format!("{message} (Pebble: {})", error.kind());
        let mut refused =
            Self::new(ErrorKind::File(error.kind().clone()), operation, daemon, reason);
        refused.0.message = Some(error.message().to_owned());
        refused.with_attempts(1)
    }

    /// The near side failed. `what` is what it could not do, such as `open /etc/passwd`.
    pub(crate) fn local(operation: &str, daemon: &Daemon, what: &str, error: io::Error) -> Self {
        let reason = format!("this side could not {what}: {}", plain(&error));
        Self::new(ErrorKind::Local(error.kind()), operation, daemon, reason).with_source(error)
    }

    /// A transfer that broke where only the caller can begin again.
    pub(crate) fn interrupted(
        operation: &str,
        daemon: &Daemon,
        bytes: u64,
        reason: String,
    ) -> Self {
        Self::new(ErrorKind::Interrupted { bytes }, operation, daemon, reason).with_attempts(1)
    }

    /// A file that is larger than the caller allows.
    pub(crate) fn too_large(operation: &str, daemon: &Daemon, limit: u64) -> Self {
        let reason = format!(
            "it is larger than the {limit} bytes that are allowed; allow more, or pull it to a \
             writer"
        );
        Self::new(ErrorKind::TooLarge { limit }, operation, daemon, reason).with_attempts(1)
    }

    /// Refused before anything was sent. `reason` says what to change.
    pub(crate) fn invalid(operation: &str, daemon: &Daemon, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, operation, daemon, reason.into())
    }

    /// An answer that is not Pebble's.
    pub(crate) fn protocol(operation: &str, daemon: &Daemon, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, operation, daemon, reason.into()).with_attempts(1)
    }

    /// A daemon too old for the call.
    pub(crate) fn unsupported(operation: &str, daemon: &Daemon, since: &'static str) -> Self {
        let reason =
            format!("this Pebble is too old for it, version {since} is the first that can");
        Self::new(ErrorKind::Unsupported { since }, operation, daemon, reason).with_attempts(1)
    }

    /// The operating system denied access to the socket.
    pub(crate) fn denied(operation: &str, daemon: &Daemon, socket: &Path, cause: &str) -> Self {
        let reason =
            format!("{cause} at {}; run as a user that may use that socket", socket.display());
        Self::new(ErrorKind::PermissionDenied, operation, daemon, reason).with_attempts(1)
    }

    /// What was waited for has not come about. `reason` says what was seen.
    pub(crate) fn not_reached(operation: &str, daemon: &Daemon, reason: String) -> Self {
        Self::new(ErrorKind::NotReached, operation, daemon, reason).with_attempts(1)
    }

    /// Pebble has answered, and what was asked about is not there; a 404 by another road.
    pub(crate) fn missing(operation: &str, daemon: &Daemon, reason: String) -> Self {
        Self::new(ErrorKind::Api { status: 404 }, operation, daemon, reason).with_attempts(1)
    }

    /// A restart of Pebble took away the layer that the call was about; `refusal` says so.
    pub(crate) fn restarted(operation: &str, daemon: &Daemon, refusal: Self) -> Self {
        let message = refusal.0.message.as_deref().unwrap_or_default();
        let shown = text::clean(message, LONGEST_MESSAGE);
        let reason = format!(
            "Pebble was restarted and has forgotten its layer ({shown}); add the layer again"
        );
        let mut error = Self::new(ErrorKind::Restarted, operation, daemon, reason)
            .with_attempts(refusal.0.attempts)
            .with_acted(true);
        error.0.message = refusal.0.message;
        error
    }

    /// No answer within the policy. `reason` is the whole story.
    pub(crate) fn unreachable(operation: &str, daemon: &Daemon, reason: String) -> Self {
        Self::new(ErrorKind::Unreachable, operation, daemon, reason)
    }

    /// The attempt and its target, without the reason for which it failed: `replan container
    /// "web"`.
    #[must_use]
    pub fn attempt(&self) -> Cow<'_, str> {
        in_target(&self.0.operation, self.0.target.as_deref())
    }

    /// The reason for which it failed, without what was attempted.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// For what an author's test says of it ([`testing`](super::testing)); the client's own errors
    /// are made with theirs.
    pub(crate) fn with_reason(mut self, reason: &str) -> Self {
        self.0.reason = text::clean(reason, LONGEST).into_owned();
        self
    }

    /// As [`Self::with_reason`].
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.0.message = Some(message);
        self
    }

    /// As [`Self::with_reason`].
    pub(crate) fn with_change(mut self, change: Change) -> Self {
        self.0.change = Some(change);
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_acted(mut self, may_have_acted: bool) -> Self {
        self.0.may_have_acted = may_have_acted;
        self
    }

    pub(crate) fn with_fault(mut self, fault: Option<UserFault>) -> Self {
        self.0.user_fault = fault;
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The cause is a text that may quote what came from outside.
    pub(crate) fn with_cause(self, cause: &impl fmt::Display) -> Self {
        self.with_source(text::one_line(cause, LONGEST_MESSAGE))
    }

    /// A change that is over and failed.
    pub(crate) fn change_failed(operation: &str, daemon: &Daemon, change: Change) -> Self {
        let reason = failure_text(&change);
        let mut error = Self::new(ErrorKind::ChangeFailed, operation, daemon, reason)
            .with_attempts(1)
            .with_acted(true);
        error.0.message = change.err().map(str::to_owned);
        error.0.change = Some(change);
        error
    }

    /// A command that was run did not end as a command does; `reason` is the whole story.
    pub(crate) fn ended(
        kind: ErrorKind,
        operation: &str,
        daemon: &Daemon,
        reason: String,
        change: Option<Change>,
    ) -> Self {
        let mut error =
            Self::new(kind, operation, daemon, reason).with_attempts(1).with_acted(true);
        error.0.message = change.as_ref().and_then(Change::err).map(str::to_owned);
        error.0.change = change;
        error
    }

    /// A change that is not over at its deadline.
    pub(crate) fn change_running(
        operation: &str,
        daemon: &Daemon,
        reason: String,
        change: Option<Change>,
    ) -> Self {
        let mut error = Self::new(ErrorKind::ChangeRunning, operation, daemon, reason)
            .with_attempts(1)
            .with_acted(true);
        error.0.change = change;
        error
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.attempt(), self.0.reason)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may hold a word of Pebble's.
        let kind = text::one_line(&format_args!("{:?}", self.0.kind), LONGEST_MESSAGE);
        f.debug_struct("Error")
            .field("kind", &format_args!("{kind}"))
            .field("text", &self.to_string())
            .field("may_have_acted", &self.0.may_have_acted)
            .field("attempts", &self.0.attempts)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// `replan container "web"`, but `start service "web" in container "web"`.
pub(crate) fn in_target<'a>(operation: &'a str, target: Option<&str>) -> Cow<'a, str> {
    match target {
        Some(target) if operation.contains(' ') => format!("{operation} in {target}").into(),
        Some(target) => format!("{operation} {target}").into(),
        None => operation.into(),
    }
}

/// Pebble's refusals have no code for this, only a text.
fn user_fault_in(message: &str) -> Option<UserFault> {
    let lower = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["working dir", "working-dir", "working directory"]) {
        Some(UserFault::WorkingDir)
    } else if has(&["unknown group", "group-id", "groupid", "lookup group", "must specify group"]) {
        Some(UserFault::Group)
    } else if has(&[
        "unknown user",
        "user-id",
        "userid",
        "lookup user",
        "user:",
        "must specify user",
    ]) {
        Some(UserFault::User)
    } else if has(&["command", "cannot find executable", "executable file not found"]) {
        Some(UserFault::Command)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn web() -> Daemon {
        Daemon { name: Some("container \"web\"".into()), tag: Some(Arc::new(7_u8)) }
    }

    fn refused(status: u16, message: &str) -> Error {
        Error::refused(
            "add layer \"workload\"",
            &web(),
            Refusal { status, kind: None, message: message.into() },
        )
    }

    #[test]
    fn it_is_one_word_wide_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn it_says_what_on_what_and_why() {
        assert_eq!(
            refused(400, "layer \"workload\" already exists").to_string(),
            "cannot add layer \"workload\" in container \"web\": layer \"workload\" already \
             exists (Pebble answered 400)"
        );
        assert_eq!(
            Error::unreachable("replan", &web(), "no answer".into()).to_string(),
            "cannot replan container \"web\": no answer"
        );
    }

    #[test]
    fn a_users_fault_is_recognised() {
        for (message, fault) in [
            (
                "plan service \"w\" command invalid: cannot parse service \"w\" command: \
                 unterminated quote",
                Some(UserFault::Command),
            ),
            ("plan check \"c\" user: unknown user nobody1", Some(UserFault::User)),
            ("group: unknown group staff1", Some(UserFault::Group)),
            ("cannot find executable \"mange\"", Some(UserFault::Command)),
            // As Pebble 1.1 says it.
            ("exec: \"mange\": executable file not found in $PATH", Some(UserFault::Command)),
            ("layer \"workload\" already exists", None),
        ] {
            assert_eq!(refused(400, message).user_fault(), fault, "{message}");
        }
        assert_eq!(refused(500, "command").user_fault(), None);
        let missing = "cannot call exec: working directory \"/nowhere\" does not exist";
        assert_eq!(refused(500, missing).user_fault(), Some(UserFault::WorkingDir));
    }

    #[test]
    fn a_failed_change_names_service_cause_and_last_output() {
        let change: Change = serde_json::from_value(json!({
            "id": "7", "kind": "replan", "summary": "Replan service \"web\"", "status": "Error",
            "ready": true,
            "err": "cannot perform the following tasks:\n- Start service \"web\" (…)",
            "tasks": [
                {"id": "1", "kind": "start", "summary": "Start service \"ok\"", "status": "Done"},
                {
                    "id": "2", "kind": "start", "summary": "Start service \"web\"",
                    "status": "Error",
                    "log": [
                        "2026-11-22T20:00:10Z INFO Most recent service output:\n    first\n\
                         \x20   boom: no such key\n",
                        "2026-11-22T20:00:10Z ERROR service start attempt: \
                         exited quickly with code 1, will restart"
                    ]
                }
            ]
        }))
        .unwrap();
        let error = Error::change_failed("replan", &Daemon::default(), change);
        assert_eq!(
            error.to_string(),
            "cannot replan: service \"web\": service start attempt: exited quickly with code 1, \
             will restart; last output: boom: no such key"
        );
        let failures = error.failed_services();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].service(), "web");
        assert_eq!(failures[0].last_output(), Some("boom: no such key"));
        assert!(error.change().is_some() && error.may_have_acted());
    }
}
