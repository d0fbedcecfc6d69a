//! What can go wrong in the test kit itself.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No Pebble was named, and none could be built: no Go, too old a Go, or its modules could not
    /// be had.
    NoPebble,
    /// A Pebble was named (`--pebble`, `PEBBLE_BIN`), but what is there cannot be run.
    BadPebble,
    /// The daemon did not start, or does not stop.
    Daemon,
    /// A path is too long for a unix socket's address (107 bytes on Linux).
    SocketPath,
    /// The operating system refused: a file, a folder, a socket or a process.
    Io,
}

/// A failure of the test kit: never of the code under test.
///
/// `Display` says what was attempted, on what, why it failed and what to do; the cause, if any, is
/// the source and is not repeated in it.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<io::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, message: message.into(), source: None }) }
    }

    /// For `map_err`: what was attempted, with the system's answer as the source.
    pub(crate) fn io(message: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let message = message.into();
        move |source| Self {
            inner: Box::new(Inner { kind: ErrorKind::Io, message, source: Some(source) }),
        }
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

/// As `Display`, with the cause: it is what `unwrap` prints in a test.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        match &self.inner.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_ref().map(|source| source as &(dyn StdError + 'static))
    }
}
