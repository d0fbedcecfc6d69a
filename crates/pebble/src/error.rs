//! The client has one error type.

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

/// The longest reason of an error, in bytes; a longer one is cut.
const LONGEST: usize = 4096;

/// A call to Pebble failed with this error.
///
/// It prints as one line that starts with "cannot" and names the operation, the target and the
/// reason. The wording may change at any time: code decides by [`Self::kind`] and the other
/// methods. It never holds the body of a request. Texts from outside are cleaned of control
/// characters and cut before they are shown.
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

/// The kind of an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No answer came within the policy: Pebble does not run, or is silent. The same call may
    /// succeed later.
    Unreachable,
    /// The operating system or Pebble (with 401) denied access.
    PermissionDenied,
    /// Pebble refused the request. The same request is refused again.
    Api {
        /// The HTTP status, such as 400 or 404.
        status: u16,
    },
    /// Pebble accepted the action and it failed: a service did not start, stop or stay up. The
    /// error carries the change.
    ChangeFailed,
    /// The change is still running at its deadline, and goes on. The error carries the change.
    ChangeRunning,
    /// Pebble was restarted while it worked on the services of the call, and no layer that it has
    /// now defines them. Whoever added their layer has to add it again. The text of the refusal is
    /// [`Error::message`].
    Restarted,
    /// The awaited state was not reached at the deadline. The text says which one was seen instead.
    NotReached,
    /// The command has not ended within its timeout, and was killed.
    TimedOut,
    /// The command was started, or may have been, and how it ended is not known: a connection of
    /// its streams broke, or Pebble was restarted.
    OutcomeUnknown,
    /// This Pebble is too old for the call.
    Unsupported {
        /// The first version that has the endpoint, such as `1.20`.
        since: &'static str,
    },
    /// Pebble could not read, write or change this path. The same request fails in the same way
    /// again.
    File(FileErrorKind),
    /// The connection broke in the middle of a file, and only the caller can begin again: its
    /// reader has given bytes away, or its writer has got some already. What the writer has must
    /// not be trusted. The call may be made again with a new reader or writer.
    Interrupted {
        /// The bytes of the file that the reader gave or the writer got.
        bytes: u64,
    },
    /// The file is larger than the caller allows to hold in memory.
    TooLarge {
        /// The allowed size, in bytes.
        limit: u64,
    },
    /// The client's own side failed: a local file, or the caller's reader or writer. The error's
    /// source is the [`io::Error`].
    Local(io::ErrorKind),
    /// The client refused the request before anything was sent.
    InvalidRequest,
    /// Something answered, but not as Pebble does.
    Protocol,
}

/// The part of a layer or a command that a refusal is about, if it is one that a program may have
/// taken from its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserFault {
    /// The command of a service, a check or an exec.
    Command,
    /// The user that it runs as.
    User,
    /// The group that it runs as.
    Group,
    /// The directory that it runs in.
    WorkingDir,
}

impl Error {
    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns `true` if Pebble could not be reached, or broke off in the middle:
    /// [`Unreachable`](ErrorKind::Unreachable), [`Interrupted`](ErrorKind::Interrupted) or
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown). The same call may succeed once Pebble answers
    /// again; [`Self::may_have_acted`] says whether the first one may have had an effect.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Unreachable | ErrorKind::Interrupted { .. } | ErrorKind::OutcomeUnknown
        )
    }

    /// Returns the operation, such as `replan` or `add layer "workload"`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// Returns the name of the daemon, such as `container "web"`, if the client has one.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// Returns the tag of the client that made the call, or that returned the process, stream or
    /// watch, if it has one of this type: see [`Client::with_tag`](super::Client::with_tag).
    #[must_use]
    pub fn tag<T: Any>(&self) -> Option<&T> {
        self.0.tag.as_ref()?.downcast_ref()
    }

    /// Returns the change that failed or still runs.
    #[must_use]
    pub fn change(&self) -> Option<&Change> {
        self.0.change.as_ref()
    }

    /// Returns `true` if the request may have acted, in whole or in part, although the call failed.
    ///
    /// It is `true` for every error of a call that changes something, once its request was sent,
    /// unless the answer proves that nothing was done: a refusal of Pebble with a status from 400
    /// to 499, or an error of one path.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        self.0.may_have_acted
    }

    /// Returns the number of attempts that were made; 0 if the call was refused before the first.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns Pebble's own text, if it answered with one. It may have any length and any
    /// characters.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Returns the part of a layer or command that is at fault, if the refusal (by Pebble or by the
    /// client) is about one that a user may have given.
    #[must_use]
    pub fn user_fault(&self) -> Option<UserFault> {
        self.0.user_fault
    }

    /// Returns the services that failed, of a [`ErrorKind::ChangeFailed`]; it is empty for every
    /// other kind.
    #[must_use]
    pub fn failed_services(&self) -> Vec<ServiceFailure> {
        match (&self.0.kind, &self.0.change) {
            (ErrorKind::ChangeFailed, Some(change)) => change.service_failures(),
            _ => Vec::new(),
        }
    }
}

/// These constructors make the errors of the client.
impl Error {
    fn new(kind: ErrorKind, operation: &str, daemon: &Daemon, reason: String) -> Self {
        // Every text that an error shows goes through here: names, paths and messages may hold
        // anything.
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

    /// Makes the error of a refusal by Pebble.
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
            // An error about a file may quote a path that holds such a word.
            400 if !is_file => user_fault_in(&refusal.message),
            // Pebble answers 500 to this one mistake of the user (1.32.1,
            // `internals/daemon/api_exec.go`).
            500 if refusal.message.starts_with("cannot call exec: working directory ") => {
                Some(UserFault::WorkingDir)
            }
            _ => None,
        };
        let mut error = Self::new(kind, operation, daemon, reason);
        error.0.message = Some(refusal.message);
        error.0.user_fault = fault;
        // Pebble has answered, so at least one attempt was made. The call sets the real number.
        error.with_attempts(1)
    }

    /// Makes the error of one path of a request that Pebble answered.
    pub(crate) fn file(operation: &str, daemon: &Daemon, error: &FileError) -> Self {
        let message = text::clean(error.message(), LONGEST_MESSAGE);
        let reason = format!("{message} (Pebble: {})", error.kind());
        let mut refused =
            Self::new(ErrorKind::File(error.kind().clone()), operation, daemon, reason);
        refused.0.message = Some(error.message().to_owned());
        refused.with_attempts(1)
    }

    /// Makes the error of a failure on the client's own side. `what` is the failed step, such as
    /// `open /etc/passwd`.
    pub(crate) fn local(operation: &str, daemon: &Daemon, what: &str, error: io::Error) -> Self {
        let reason = format!("this side could not {what}: {}", plain(&error));
        Self::new(ErrorKind::Local(error.kind()), operation, daemon, reason).with_source(error)
    }

    /// Makes the error of a transfer that broke and that only the caller can begin again.
    pub(crate) fn interrupted(
        operation: &str,
        daemon: &Daemon,
        bytes: u64,
        reason: String,
    ) -> Self {
        Self::new(ErrorKind::Interrupted { bytes }, operation, daemon, reason).with_attempts(1)
    }

    /// Makes the error of a file that is larger than the caller allows.
    pub(crate) fn too_large(operation: &str, daemon: &Daemon, limit: u64) -> Self {
        let reason = format!(
            "it is larger than the {limit} bytes that are allowed; allow more, or pull it to a \
             writer"
        );
        Self::new(ErrorKind::TooLarge { limit }, operation, daemon, reason).with_attempts(1)
    }

    /// Makes the error of a request that is refused before anything is sent. `reason` says what to
    /// change.
    pub(crate) fn invalid(operation: &str, daemon: &Daemon, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, operation, daemon, reason.into())
    }

    /// Makes the error of an answer that is not Pebble's.
    pub(crate) fn protocol(operation: &str, daemon: &Daemon, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, operation, daemon, reason.into()).with_attempts(1)
    }

    /// Makes the error of a daemon that is too old for the call.
    pub(crate) fn unsupported(operation: &str, daemon: &Daemon, since: &'static str) -> Self {
        let reason =
            format!("this Pebble is too old for it, version {since} is the first that can");
        Self::new(ErrorKind::Unsupported { since }, operation, daemon, reason).with_attempts(1)
    }

    /// Makes the error of a socket to which the operating system denied access.
    pub(crate) fn denied(operation: &str, daemon: &Daemon, socket: &Path, cause: &str) -> Self {
        let reason =
            format!("{cause} at {}; run as a user that may use that socket", socket.display());
        Self::new(ErrorKind::PermissionDenied, operation, daemon, reason).with_attempts(1)
    }

    /// Makes the error of a state that was not reached. `reason` says which one was seen.
    pub(crate) fn not_reached(operation: &str, daemon: &Daemon, reason: String) -> Self {
        Self::new(ErrorKind::NotReached, operation, daemon, reason).with_attempts(1)
    }

    /// Makes the error of a thing that an answered list does not have, as if Pebble had answered
    /// 404.
    pub(crate) fn missing(operation: &str, daemon: &Daemon, reason: String) -> Self {
        Self::new(ErrorKind::Api { status: 404 }, operation, daemon, reason).with_attempts(1)
    }

    /// Makes the error of a layer that Pebble has forgotten by a restart; `refusal` shows it.
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

    /// Makes the error of a call without an answer. `reason` is the whole text after the operation.
    pub(crate) fn unreachable(operation: &str, daemon: &Daemon, reason: String) -> Self {
        Self::new(ErrorKind::Unreachable, operation, daemon, reason)
    }

    /// Returns the operation and its target, without the reason for which it failed: `replan
    /// container "web"`.
    #[must_use]
    pub fn attempt(&self) -> Cow<'_, str> {
        in_target(&self.0.operation, self.0.target.as_deref())
    }

    /// Returns the reason for which it failed, without the operation.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Replaces the reason, for an error that a test makes ([`testing`](super::testing)); the
    /// client's own errors are made with theirs.
    pub(crate) fn with_reason(mut self, reason: &str) -> Self {
        self.0.reason = text::clean(reason, LONGEST).into_owned();
        self
    }

    /// Replaces the message, for an error that a test makes.
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.0.message = Some(message);
        self
    }

    /// Replaces the change, for an error that a test makes.
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

    /// Adds a source. Only its text is kept, cleaned, since it may quote bytes from outside.
    pub(crate) fn with_cause(self, cause: &impl fmt::Display) -> Self {
        self.with_source(text::one_line(cause, LONGEST_MESSAGE))
    }

    /// Makes the error of a change that is over and failed.
    pub(crate) fn change_failed(operation: &str, daemon: &Daemon, change: Change) -> Self {
        let reason = failure_text(&change);
        let mut error = Self::new(ErrorKind::ChangeFailed, operation, daemon, reason)
            .with_attempts(1)
            .with_acted(true);
        error.0.message = change.err().map(str::to_owned);
        error.0.change = Some(change);
        error
    }

    /// Makes the error of a command without an exit code. `reason` is the whole text after the
    /// operation.
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

    /// Makes the error of a change that is not over at its deadline.
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
        // A kind may hold a word that Pebble sent.
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

/// Joins an operation and its target: `replan container "web"`, but `start service "web" in
/// container "web"`.
pub(crate) fn in_target<'a>(operation: &'a str, target: Option<&str>) -> Cow<'a, str> {
    match target {
        Some(target) if operation.contains(' ') => format!("{operation} in {target}").into(),
        Some(target) => format!("{operation} {target}").into(),
        None => operation.into(),
    }
}

/// Recognises a mistake of the user by the text of a refusal, since Pebble has no code for it.
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
