//! What is known when a connection cannot be had, or breaks.
//!
//! The retry decides by a [`TransportFailure`] and by the request, never by a text.

use std::io;

/// The kind of a failure between this process and Pebble's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportFailure {
    /// Not one byte of the request has left this process.
    NotSent,
    /// The same, on a connection that had been idle: it was closed meanwhile, and a new one may be
    /// had at once.
    Stale,
    /// The connection broke when the request had been, or may have been, written.
    ReplyLost,
    /// The limit passed and the connection is still open: the daemon may be working on it.
    TimedOut,
    /// The operating system denied access to the socket.
    Denied,
    /// The path cannot be the address of a socket.
    BadPath,
    /// The request cannot be written as HTTP, being too long for it.
    Unwritable,
    /// Something answered, and it was not HTTP that we can use.
    NotHttp,
}

/// A failure of the transport, and its cause in words.
#[derive(Debug)]
pub(crate) struct TransportError {
    pub(crate) failure: TransportFailure,
    pub(crate) cause: String,
}

impl TransportError {
    pub(crate) fn new(failure: TransportFailure, cause: impl Into<String>) -> Self {
        Self { failure, cause: cause.into() }
    }
}

/// The text of an operating system error without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_lowercase(),
        None => text,
    }
}
