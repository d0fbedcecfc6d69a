//! [`Error`] is returned when the operator's command is refused. The errors of a charm's
//! hook tools are answers ([`ToolAnswer`](super::ToolAnswer)) instead.

use std::fmt;

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file of the charm is missing or cannot be read.
    Unreadable,
    /// Juju would refuse a file of the charm.
    Metadata,
    /// The name of a new application or unit is malformed.
    Setting,
    /// The model has no such application or unit.
    NotFound,
    /// The charm does not declare the config option, or the value does not fit its type.
    Config,
    /// The charm does not declare the action, or its schema refuses the parameters.
    Action,
    /// The relation does not exist, or is not possible.
    Relation,
    /// The charm does not declare the container.
    Container,
    /// The command on a secret is refused: there is no such secret, its name is taken, or its
    /// content is not valid.
    Secret,
    /// The charm does not declare the storage or not so many instances, or the instance belongs to
    /// another unit.
    Storage,
    /// The charm does not declare the resource.
    Resource,
    /// The command is not possible in the present state of the model.
    State,
}

/// An error of a command on a model, or of reading a charm's files.
///
/// `Display` starts with "cannot" and says what was attempted, on what, and why it failed. The
/// wording may change; match on [`Error::kind`].
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

    /// Returns the kind of the error.
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
