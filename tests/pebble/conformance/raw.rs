//! Requests without the client, which would not send these.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use charmwright_tests::wait::WAIT_LIMIT;
pub(crate) use charmwright_tests::wire::Answer;
use charmwright_tests::wire::Wire;

use super::pebble::Pebble;

/// Sends a request on a new connection and returns the reply. `headers` are complete lines, each
/// with its end.
pub(crate) fn ask(
    pebble: &impl Pebble,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let mut wire = Wire::open(pebble.socket()).unwrap();
    wire.send_with(method, target, headers, body).unwrap();
    wire.answer().unwrap()
}

/// Sends a POST request with a JSON body.
pub(crate) fn post(pebble: &impl Pebble, target: &str, body: &str) -> Answer {
    ask(pebble, "POST", target, "Content-Type: application/json\r\n", body.as_bytes())
}

/// Sends a GET request.
pub(crate) fn get(pebble: &impl Pebble, target: &str) -> Answer {
    ask(pebble, "GET", target, "", b"")
}

/// A reply that does not end.
pub(crate) struct Stream {
    stream: UnixStream,
    /// What was received so far, the head and the framing of the chunks included.
    text: String,
}

impl Stream {
    /// Sends a GET request.
    pub(crate) fn get(pebble: &impl Pebble, target: &str) -> Self {
        let mut stream = UnixStream::connect(pebble.socket()).unwrap();
        stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let text = String::new();
        Self { stream, text }
    }

    /// Reads until this text was received, and returns all that was received, head and chunks.
    pub(crate) fn until(&mut self, text: &str) -> &str {
        while !self.text.contains(text) {
            let mut buffer = [0; 4096];
            let read = self.stream.read(&mut buffer).unwrap();
            assert!(read > 0, "it ended: {}", self.text);
            self.text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        &self.text
    }

    /// Returns `true` if nothing is received for this time.
    pub(crate) fn is_quiet(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        read.is_err()
    }
}
