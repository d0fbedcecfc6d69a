//! One request of a client, as the proxy records it.

use std::time::Instant;

/// The number of bytes of a request's body that are recorded and that rules look at.
///
/// It bounds the memory of a test that uploads a large file, and is far more than any JSON body
/// that the client sends.
pub(super) const RECORDED_BODY: usize = 64 * 1024;

/// A request that the proxy has received.
///
/// The proxy waits for the whole body before it does anything with the request if the body names
/// its length and has at most 64 KiB. It passes any other body on while it arrives, and the record
/// of the request grows meanwhile.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as the client sent it.
    pub path: String,
    /// The first 64 KiB of the body, without the framing of chunks.
    pub body: Vec<u8>,
    /// The number of bytes of the body that have arrived, without the framing of chunks.
    pub body_length: u64,
    /// `true` once the last byte of the body has arrived.
    pub is_complete: bool,
    /// The time at which the request was recorded: when its last byte arrived, or when its head
    /// did if the body is passed on while it arrives.
    pub at: Instant,
    /// The number of the client's connection that the request came on, counted from 1.
    pub connection: u64,
    /// `true` once the proxy has sent the request on to the daemon.
    pub forwarded: bool,
    /// The status of the daemon's reply, once the daemon has replied.
    pub status: Option<u16>,
}

impl SeenRequest {
    /// Makes the record of a request of which only the first line has been read.
    pub(super) fn from_first_line(line: &str, connection: u64) -> Self {
        let mut words = line.split(' ').map(str::trim_end);
        Self {
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            body: Vec::new(),
            body_length: 0,
            is_complete: false,
            at: Instant::now(),
            connection,
            forwarded: false,
            status: None,
        }
    }

    /// Counts more bytes of the body, and records those within the first 64 KiB.
    pub(super) fn add_body(&mut self, bytes: &[u8]) {
        self.body_length += bytes.len() as u64;
        let room = RECORDED_BODY.saturating_sub(self.body.len());
        self.body.extend(bytes.iter().take(room));
    }

    /// Returns the recorded part of the body as text, with U+FFFD in place of what is not UTF-8.
    #[must_use]
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
