//! A minimal HTTP client, for requests and replies that the real client has no call for.

use std::io::{BufRead, BufReader, ErrorKind as IoKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::wait::WAIT_LIMIT;

/// A connection with as much of HTTP as these tests need.
pub struct Wire {
    /// The socket with a buffer for reading. A test writes through `get_mut()`.
    pub stream: BufReader<UnixStream>,
}

/// A reply.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The lines before the body, with their ends.
    pub head: String,
    /// The body without the framing of chunks.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// Returns the message of an error reply, and asserts that its envelope is that of an error.
    #[track_caller]
    pub fn error_message(&self) -> String {
        let json = self.json();
        assert_eq!(
            (&json["type"], &json["status-code"]),
            (&"error".into(), &self.status.into()),
            "{json}"
        );
        json["result"]["message"].as_str().unwrap().to_owned()
    }
}

impl Wire {
    /// Connects to a socket. Each read fails after [`WAIT_LIMIT`].
    pub fn open(socket: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(WAIT_LIMIT))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request. `headers` are complete lines, each with its end.
    pub fn send_with(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &[u8],
    ) -> std::io::Result<()> {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        // Head and body are one write: a daemon that needs only the head may have replied and
        // closed the connection before a second write.
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())
    }

    /// Sends a request without further headers.
    pub fn send(&mut self, method: &str, target: &str, body: &str) -> std::io::Result<()> {
        self.send_with(method, target, "", body.as_bytes())
    }

    /// Reads one line into `head` and returns it without its end, in lower case.
    fn line(&mut self, head: &mut String) -> std::io::Result<String> {
        let start = head.len();
        if self.stream.read_line(head)? == 0 {
            return Err(IoKind::UnexpectedEof.into());
        }
        Ok(head.get(start..).unwrap_or_default().trim_end().to_ascii_lowercase())
    }

    /// Reads one reply to its end.
    pub fn answer(&mut self) -> std::io::Result<Answer> {
        let mut head = String::new();
        let first = self.line(&mut head)?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .ok_or(IoKind::InvalidData)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let header = self.line(&mut head)?;
            match header.split_once(": ") {
                _ if header.is_empty() => break,
                Some(("content-length", value)) => {
                    length = value.parse().map_err(|_| IoKind::InvalidData)?;
                }
                Some(("transfer-encoding", _)) => chunked = true,
                _ => {}
            }
        }
        let mut body = Vec::new();
        let mut rest = String::new();
        loop {
            if chunked {
                rest.clear();
                self.stream.read_line(&mut rest)?;
                length =
                    usize::from_str_radix(rest.trim_end(), 16).map_err(|_| IoKind::InvalidData)?;
            }
            let mut part = vec![0; length];
            self.stream.read_exact(&mut part)?;
            body.extend(part);
            if !chunked {
                break;
            }
            rest.clear();
            self.stream.read_line(&mut rest)?;
            if length == 0 {
                break;
            }
        }
        Ok(Answer { status, head, body })
    }

    /// Reads one reply and returns its status, and its body as text.
    pub fn receive(&mut self) -> std::io::Result<(u16, String)> {
        let Answer { status, body, .. } = self.answer()?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends a request and reads its reply.
    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        self.send(method, target, body)?;
        self.receive()
    }
}

/// Sends a request on a new connection and reads its reply.
pub fn ask(
    socket: &Path,
    method: &str,
    target: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    Wire::open(socket)?.ask(method, target, body)
}
