//! A transport error says what is known when a connection cannot be opened, or breaks.
//!
//! The retry decides by the [`TransportFailure`] and by the request, never by a text.

use std::io;

/// The kind of a failure between this process and Pebble's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportFailure {
    /// No byte of the request was sent.
    NotSent,
    /// No byte of the request was sent, on a connection that had been idle: the daemon closed it in
    /// between, and a new connection may be opened at once.
    Stale,
    /// The connection broke after the request was, or may have been, sent.
    ReplyLost,
    /// The limit passed while the connection was open: the daemon may be working on the request.
    TimedOut,
    /// The operating system denied access to the socket.
    Denied,
    /// The path cannot be the address of a socket.
    BadPath,
    /// The request cannot be written as HTTP, since its path and query are too long.
    Unwritable,
    /// Something answered, but not in HTTP that the client can use.
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

/// Returns the text of an operating system error without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_lowercase(),
        None => text,
    }
}
