//! The error of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no Pebble and none could be built: Go is missing or too old, or it could not
    /// download its modules.
    NoPebble,
    /// The Pebble that was named (by `--pebble` or `PEBBLE_BIN`) is no executable file.
    BadPebble,
    /// The daemon did not start, or did not stop in time.
    Daemon,
    /// A path is longer than the address of a unix socket may be: 107 bytes on Linux (unix(7)).
    SocketPath,
    /// The operating system refused an operation on a file, a folder, a socket or a process.
    Io,
}

/// A failure of the test's surroundings, never of the code under test.
///
/// `Display` says what was attempted, on what, why it failed and what to do. The error of the
/// operating system, if there is one, is the source and is not repeated in that text; `Debug` adds
/// it.
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

    /// Returns a closure for `map_err`, which makes an [`ErrorKind::Io`] with this message and the
    /// system's error as the source.
    pub(crate) fn io(message: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let message = message.into();
        move |source| Self {
            inner: Box::new(Inner { kind: ErrorKind::Io, message, source: Some(source) }),
        }
    }

    /// Returns the kind of the failure.
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

/// Writes the text of `Display` and the source after it, because `unwrap` in a test prints `Debug`.
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
