//! A websocket of a command without the client, so that a case sees and sends single frames.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use charmwright_tests::wait::WAIT_LIMIT;

use super::pebble::Pebble;
use super::raw::Answer;

const BINARY: u8 = 2;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// An open websocket.
pub(crate) struct Socket {
    stream: UnixStream,
    /// The bytes that were received and are not yet part of a frame.
    unread: Vec<u8>,
}

/// A frame that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Data(Vec<u8>),
    Text(String),
    Close,
}

/// Opens a websocket of a task. The error is the reply of a Pebble that has not upgraded the
/// connection.
pub(crate) fn connect(pebble: &impl Pebble, task: &str, name: &str) -> Result<Socket, Answer> {
    let mut stream = UnixStream::connect(pebble.socket()).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let head = format!(
        "GET /v1/tasks/{task}/websocket/{name} HTTP/1.1\r\nHost: x\r\nConnection: \
         Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut socket = Socket { stream, unread: Vec::new() };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(socket.take(1).expect("a head"));
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if status == 101 {
        return Ok(socket);
    }
    let length = head
        .to_ascii_lowercase()
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split_once("\r\n").unwrap().0.parse().unwrap());
    let body = socket.take(length).unwrap();
    Err(Answer { status, head, body })
}

impl Socket {
    /// Receives this many bytes. Returns `None` at the end of the connection.
    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut buffer = [0; 16 * 1024];
        while self.unread.len() < count {
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.unread.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
        Some(self.unread.drain(..count).collect())
    }

    /// Receives the next frame. Returns `None` at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        let head = self.take(2)?;
        let length = match head[1] {
            126 => u16::from_be_bytes(self.take(2)?.try_into().unwrap()).into(),
            127 => u64::from_be_bytes(self.take(8)?.try_into().unwrap()),
            length => length.into(),
        };
        let body = self.take(length.try_into().unwrap())?;
        Some(match head[0] {
            0x82 => Frame::Data(body),
            0x81 => Frame::Text(String::from_utf8(body).unwrap()),
            0x88 => Frame::Close,
            other => panic!("a frame of kind {other:#x}"),
        })
    }

    /// Receives data up to the frame that marks their end, and returns them.
    pub(crate) fn output(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        loop {
            match self.frame().expect("output has its end before the connection has") {
                Frame::Data(data) => output.extend(data),
                Frame::Text(text) => {
                    assert_eq!(text, r#"{"command":"end"}"#);
                    return output;
                }
                Frame::Close => panic!("closed before the end of the output"),
            }
        }
    }

    /// Sends a frame with less than 126 bytes, whose length has one byte.
    fn send(&mut self, kind: u8, body: &[u8]) {
        let length = u8::try_from(body.len()).unwrap();
        assert!(length < 126);
        // The frames of a client must be masked (RFC 6455, section 5.3). A mask of zeros changes
        // nothing.
        self.stream.write_all(&[&[0x80 | kind, 0x80 | length, 0, 0, 0, 0], body].concat()).unwrap();
    }

    pub(crate) fn data(&mut self, body: &[u8]) {
        self.send(BINARY, body);
    }

    pub(crate) fn text(&mut self, body: &str) {
        self.send(TEXT, body.as_bytes());
    }

    pub(crate) fn close(&mut self) {
        self.send(CLOSE, &1000_u16.to_be_bytes());
    }

    /// Returns `true` if nothing was received so far, not even the end of the connection.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let read = self.stream.read(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        self.unread.is_empty() && read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}
