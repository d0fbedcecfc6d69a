//! This module makes errors of the client for the tests of code that handles them, without a daemon
//! that fails.
//!
//! The client itself makes none of its errors here.

use std::any::Any;
use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::change::Change;
use super::daemon::Daemon;
use super::envelope::Refusal;
use super::error::{Error, ErrorKind, UserFault};
use super::files::FileError;
use super::no_answer::{HINT, NoAnswer};

/// A builder makes an [`Error`] of any kind, as the client would give it.
///
/// A property that is not set is that of the simplest error of its kind: the client's own words for
/// the reason, one attempt, and [`may_have_acted`](Error::may_have_acted) where the client can
/// never rule that out.
///
/// ```
/// use charmwright_pebble::ErrorKind;
/// use charmwright_pebble::testing::ErrorBuilder;
///
/// let away = ErrorBuilder::new(ErrorKind::Unreachable, "replan").attempts(15).build();
/// assert!(away.is_unavailable() && away.attempts() == 15);
///
/// let refused = ErrorBuilder::new(ErrorKind::Api { status: 400 }, "add layer \"web\"")
///     .target("container \"web\"")
///     .message("layer \"web\" already exists")
///     .build();
/// assert_eq!(
///     refused.to_string(),
///     "cannot add layer \"web\" in container \"web\": layer \"web\" already exists (Pebble \
///      answered 400)"
/// );
///
/// let failed = ErrorBuilder::new(ErrorKind::ChangeFailed, "replan")
///     .failed_service("web", "exited quickly with code 1")
///     .build();
/// assert_eq!(failed.failed_services()[0].service(), "web");
/// ```
#[derive(Debug)]
#[must_use]
pub struct ErrorBuilder {
    kind: ErrorKind,
    operation: String,
    daemon: Daemon,
    socket: PathBuf,
    attempts: Option<u32>,
    elapsed: Duration,
    cause: Option<String>,
    hint: String,
    reason: Option<String>,
    message: Option<String>,
    change: Option<Change>,
    tasks: Vec<Value>,
    may_have_acted: Option<bool>,
    user_fault: Option<UserFault>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ErrorBuilder {
    /// Begins an error of this kind about an operation in the client's words, such as `replan`,
    /// `start service "web"` or `push "/etc/web.conf"`.
    ///
    /// [`ErrorKind::Api`] with status 401 becomes [`ErrorKind::PermissionDenied`], as in the
    /// client.
    pub fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            daemon: Daemon::default(),
            socket: "/run/pebble.socket".into(),
            attempts: None,
            elapsed: Duration::ZERO,
            cause: None,
            hint: HINT.to_owned(),
            reason: None,
            message: None,
            change: None,
            tasks: Vec::new(),
            may_have_acted: None,
            user_fault: None,
            source: None,
        }
    }

    /// Sets [`Error::target`], as [`Client::with_target`](super::Client::with_target) does.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.daemon.name = Some(target.into().into());
        self
    }

    /// Sets [`Error::tag`], as [`Client::with_tag`](super::Client::with_tag) does.
    pub fn tag(mut self, tag: Arc<dyn Any + Send + Sync>) -> Self {
        self.daemon.tag = Some(tag);
        self
    }

    /// Sets the socket in the text of an `Unreachable` or a `PermissionDenied`.
    pub fn socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = socket.into();
        self
    }

    /// Sets [`Error::attempts`].
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Sets how long the attempts of an `Unreachable` took; its text has it when there were
    /// several.
    pub fn elapsed(mut self, elapsed: Duration) -> Self {
        self.elapsed = elapsed;
        self
    }

    /// Sets what the last attempt of an `Unreachable` or a `PermissionDenied` failed with, such as
    /// `connection refused`, or what the connection of an `Interrupted` broke with.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Sets the end of the text of an `Unreachable`, as
    /// [`Client::with_hint`](super::Client::with_hint) does.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Sets the whole text after `cannot OPERATION: ` of an error of any kind.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets [`Error::message`], Pebble's own text.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets [`Error::change`], read from what Pebble's `/v1/changes/ID` answers, for example. Else
    /// a `ChangeFailed` and a `ChangeRunning` have a change `1` that is made up.
    pub fn change(mut self, change: Change) -> Self {
        self.change = Some(change);
        self
    }

    /// Adds a service to [`Error::failed_services`] of a `ChangeFailed` whose change is made up.
    pub fn failed_service(mut self, service: &str, cause: &str) -> Self {
        self.tasks.push(json!({
            "id": (self.tasks.len() + 1).to_string(),
            "kind": "start",
            "summary": format!("Start service {}", Value::from(service)),
            "status": "Error",
            "log": [format!("2026-01-01T00:00:00Z ERROR {cause}")],
        }));
        self
    }

    /// Sets [`Error::may_have_acted`].
    pub fn may_have_acted(mut self, may_have_acted: bool) -> Self {
        self.may_have_acted = Some(may_have_acted);
        self
    }

    /// Sets [`Error::user_fault`]. An `Api` of status 400 has one already when the client finds it
    /// in the message.
    pub fn user_fault(mut self, fault: UserFault) -> Self {
        self.user_fault = Some(fault);
        self
    }

    /// Sets the error's [`source`](StdError::source). A `Local` has an [`io::Error`] of its kind
    /// already.
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Makes the error.
    #[must_use]
    pub fn build(mut self) -> Error {
        let made_up = self.made_up_change();
        let mut error = self.simplest(made_up);
        if let Some(reason) = &self.reason {
            error = error.with_reason(reason);
        }
        if let Some(message) = self.message.take() {
            error = error.with_message(message);
        }
        if let Some(change) = self.change.take() {
            error = error.with_change(change);
        }
        if let Some(acted) = self.may_have_acted {
            error = error.with_acted(acted);
        }
        if let Some(attempts) = self.attempts {
            error = error.with_attempts(attempts);
        }
        if self.user_fault.is_some() {
            error = error.with_fault(self.user_fault);
        }
        match self.source.take() {
            Some(source) => error.with_source(source),
            None => error,
        }
    }

    /// Makes the change of a kind that always has one.
    fn made_up_change(&self) -> Option<Change> {
        let (status, is_ready) = match self.kind {
            _ if self.change.is_some() => return self.change.clone(),
            ErrorKind::ChangeFailed => ("Error", true),
            ErrorKind::ChangeRunning => ("Doing", false),
            _ => return None,
        };
        let change = json!({
            "id": "1",
            "summary": self.operation,
            "status": status,
            "ready": is_ready,
            "err": is_ready.then(|| self.message.as_deref().unwrap_or("it failed")),
            "tasks": self.tasks,
        });
        serde_json::from_value(change).ok()
    }

    /// Makes the simplest error of its kind.
    fn simplest(&self, change: Option<Change>) -> Error {
        let (operation, daemon) = (self.operation.as_str(), &self.daemon);
        let cause = |default: &'static str| self.cause.as_deref().unwrap_or(default);
        let message = self.message.clone().unwrap_or_default();
        let refusal = |status| {
            let refusal = Refusal { status, kind: None, message: message.clone() };
            Error::refused(operation, daemon, refusal)
        };
        match &self.kind {
            ErrorKind::Unreachable => {
                let attempts = self.attempts.unwrap_or(1);
                let acted = self.may_have_acted.unwrap_or_default();
                let reason = NoAnswer {
                    socket: &self.socket,
                    attempts,
                    elapsed: self.elapsed,
                    budget_is_spent: false,
                    cause: cause("connection refused"),
                    may_have_acted: acted,
                    hint: &self.hint,
                };
                Error::unreachable(operation, daemon, reason.to_string()).with_attempts(attempts)
            }
            ErrorKind::PermissionDenied => {
                Error::denied(operation, daemon, &self.socket, cause("permission denied"))
            }
            ErrorKind::Api { status } => refusal(*status),
            ErrorKind::ChangeFailed => match change {
                Some(change) => Error::change_failed(operation, daemon, change),
                None => {
                    Error::ended(ErrorKind::ChangeFailed, operation, daemon, message.clone(), None)
                }
            },
            ErrorKind::ChangeRunning => {
                let reason = "its change is still running".to_owned();
                Error::change_running(operation, daemon, reason, change)
            }
            ErrorKind::Restarted => Error::restarted(operation, daemon, refusal(404)),
            ErrorKind::NotReached => {
                Error::not_reached(operation, daemon, "it has not come about".to_owned())
            }
            kind @ (ErrorKind::TimedOut | ErrorKind::OutcomeUnknown) => {
                let reason = match kind {
                    ErrorKind::TimedOut => "it timed out and was killed",
                    _ => "its connection broke, and it may have run in part or whole",
                };
                Error::ended(kind.clone(), operation, daemon, reason.to_owned(), change)
            }
            ErrorKind::Unsupported { since } => Error::unsupported(operation, daemon, since),
            ErrorKind::File(kind) => {
                Error::file(operation, daemon, &FileError::new(kind.clone(), message.clone()))
            }
            ErrorKind::Interrupted { bytes } => {
                let cause = cause("end of stream");
                let reason = format!("the connection broke after {bytes} bytes ({cause})");
                Error::interrupted(operation, daemon, *bytes, reason)
            }
            ErrorKind::TooLarge { limit } => Error::too_large(operation, daemon, *limit),
            ErrorKind::Local(kind) => {
                Error::local(operation, daemon, "read or write a file", io::Error::from(*kind))
            }
            ErrorKind::InvalidRequest => Error::invalid(operation, daemon, "it was refused"),
            ErrorKind::Protocol => {
                Error::protocol(operation, daemon, "what answered is not Pebble")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileErrorKind;

    const KINDS: [ErrorKind; 16] = [
        ErrorKind::Unreachable,
        ErrorKind::PermissionDenied,
        ErrorKind::Api { status: 404 },
        ErrorKind::ChangeFailed,
        ErrorKind::ChangeRunning,
        ErrorKind::Restarted,
        ErrorKind::NotReached,
        ErrorKind::TimedOut,
        ErrorKind::OutcomeUnknown,
        ErrorKind::Unsupported { since: "1.20" },
        ErrorKind::File(FileErrorKind::NotFound),
        ErrorKind::Interrupted { bytes: 7 },
        ErrorKind::TooLarge { limit: 7 },
        ErrorKind::Local(io::ErrorKind::NotFound),
        ErrorKind::InvalidRequest,
        ErrorKind::Protocol,
    ];

    fn change() -> Change {
        serde_json::from_value(json!({"id": "7", "status": "Hold", "ready": true})).unwrap()
    }

    #[test]
    fn an_error_of_any_kind_is_made_from_its_kind_alone() {
        for kind in KINDS {
            let error = ErrorBuilder::new(kind.clone(), "do it").build();
            assert_eq!((error.kind(), error.operation()), (&kind, "do it"));
            assert!(error.to_string().starts_with("cannot do it: "), "{error}");
            assert_eq!(error.attempts(), u32::from(!is_refused_here(&kind)), "{error}");
            let has_change = matches!(kind, ErrorKind::ChangeFailed | ErrorKind::ChangeRunning);
            assert_eq!(error.change().is_some(), has_change, "{error}");
        }
    }

    /// Returns `true` for the kinds of an error that the client makes before it sends anything.
    fn is_refused_here(kind: &ErrorKind) -> bool {
        matches!(kind, ErrorKind::InvalidRequest | ErrorKind::Local(_))
    }

    #[test]
    fn all_that_is_set_is_seen_in_an_error_of_any_kind() {
        for kind in KINDS {
            let error = ErrorBuilder::new(kind.clone(), "do it")
                .target("host \"a\"")
                .tag(Arc::new(7_u8))
                .attempts(3)
                .reason("of a whim")
                .message("a message")
                .change(change())
                .may_have_acted(true)
                .user_fault(UserFault::Group)
                .source("a source")
                .build();
            assert_eq!(error.kind(), &kind);
            assert_eq!(error.to_string(), "cannot do it in host \"a\": of a whim");
            assert_eq!((error.target(), error.attempts()), (Some("host \"a\""), 3));
            assert_eq!((error.tag::<u8>(), error.tag::<u16>()), (Some(&7), None));
            assert_eq!((error.message(), error.may_have_acted()), (Some("a message"), true));
            assert_eq!(error.change(), Some(&change()));
            assert_eq!(error.user_fault(), Some(UserFault::Group));
            assert_eq!(error.source().unwrap().to_string(), "a source");
        }
    }

    #[test]
    fn an_unreachable_pebble_reads_as_the_clients_own() {
        let error = ErrorBuilder::new(ErrorKind::Unreachable, "replan")
            .socket("/s")
            .attempts(15)
            .elapsed(Duration::from_secs(105))
            .cause("no such socket")
            .may_have_acted(true)
            .hint("look there")
            .build();
        assert_eq!(
            error.to_string(),
            "cannot replan: no answer from Pebble at /s after 15 attempts in 105 s (no such \
             socket); the request may have acted; look there"
        );
    }

    #[test]
    fn a_made_up_change_tells_of_its_services() {
        let error = ErrorBuilder::new(ErrorKind::ChangeFailed, "replan")
            .failed_service("a \"b\"", "exited quickly with code 1")
            .failed_service("c", "it hung")
            .build();
        assert_eq!(
            error.to_string(),
            "cannot replan: service \"a \\\"b\\\"\": exited quickly with code 1; service \"c\": \
             it hung"
        );
        assert_eq!(error.failed_services().len(), 2);
    }
}
