//! What can go wrong when the operator, not the charm, asks something of the unit.

use std::fmt;

/// What kind of mistake an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file of the charm is missing or cannot be read.
    Unreadable,
    /// A file of the charm says something that Juju would refuse.
    Metadata,
    /// A setting of the unit itself (its name, Juju's version) is malformed.
    Setting,
    /// A config option that the charm does not declare, or a value that does not fit its type.
    Config,
    /// An action that the charm does not declare, or parameters that its schema refuses.
    Action,
    /// A container that the charm does not declare.
    Container,
    /// The unit is not in a state in which that can be asked.
    State,
}

/// A refusal. `Display` starts with "cannot", and says what was attempted, on what and why.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    text: String,
    source: Option<std::io::Error>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, text: text.into(), source: None }) }
    }

    pub(super) fn unreadable(text: impl Into<String>, source: std::io::Error) -> Self {
        Self {
            inner: Box::new(Inner {
                kind: ErrorKind::Unreadable,
                text: text.into(),
                source: Some(source),
            }),
        }
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.text)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_ref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
