//! This module reads as much of HTTP/1.1 as is needed to find the end of a response.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::common::Failure;

const BODY_CUT_SHORT: &str = "the connection ended in the middle of a body";

/// A connection is kept for all requests and blocks on each.
///
/// `line` is a buffer that every line reuses, so that reading allocates nothing.
pub(crate) struct Connection {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

/// A response whose body has been read to its end.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The length of the body.
    pub(crate) bytes: u64,
}

/// Returns the text of a GET request, which has no body.
pub(crate) fn get_request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

impl Connection {
    /// Connects to the socket.
    pub(crate) fn open(socket: &Path) -> Result<Self, Failure> {
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, UnixStream::connect(socket)?),
            line: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // The writes pass by the buffer, which is one for reading only.
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    /// Reads one response to its end. The bytes of its body go into `body`, or are dropped if that
    /// is `None`.
    pub(crate) fn read_response(
        &mut self,
        mut body: Option<&mut Vec<u8>>,
    ) -> Result<Response, Failure> {
        let (status, length) = self.read_head()?;
        // After an upgrade the connection carries frames, which have no length in the head.
        if status == 101 {
            return Ok(Response { status, bytes: 0 });
        }
        let mut bytes = 0;
        if let Some(length) = length {
            self.read_bytes(length, &mut body)?;
            return Ok(Response { status, bytes: length });
        }
        loop {
            let size = self.read_line()?;
            let size = u64::from_str_radix(size.split(';').next().unwrap_or_default(), 16)
                .map_err(|_| format!("{size:?} is no chunk size"))?;
            self.read_bytes(size, &mut body)?;
            bytes += size;
            // A line break follows each chunk, also the last, which is empty. Pebble sends no
            // trailers, which would come before it.
            self.read_line()?;
            if size == 0 {
                return Ok(Response { status, bytes });
            }
        }
    }

    /// Reads the head and returns the status and the length of the body. There is no length when
    /// the body comes in chunks.
    fn read_head(&mut self) -> Result<(u16, Option<u64>), Failure> {
        let line = self.read_line()?;
        let status = line.split(' ').nth(1).unwrap_or_default();
        let status = status.parse().map_err(|_| format!("{line:?} is no status line"))?;
        let mut length = None;
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.parse()?);
            }
        }
    }

    /// Reads one line and returns it without its line break.
    fn read_line(&mut self) -> Result<&str, Failure> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line)?;
        let line = self
            .line
            .strip_suffix(b"\r\n")
            .ok_or("the connection ended in the middle of an answer")?;
        Ok(str::from_utf8(line)?)
    }

    /// Reads `count` bytes into `body`, or drops them if that is `None`.
    fn read_bytes(&mut self, count: u64, body: &mut Option<&mut Vec<u8>>) -> Result<(), Failure> {
        if let Some(body) = body {
            if (&mut self.stream).take(count).read_to_end(body)? as u64 == count {
                return Ok(());
            }
            return Err(BODY_CUT_SHORT.into());
        }
        // The bytes are dropped in the reader's own buffer: copying 64 MiB would be measured.
        let mut left = count;
        while left > 0 {
            // An empty buffer after `fill_buf` means that Pebble has closed the connection.
            let available = self.stream.fill_buf()?.len();
            if available == 0 {
                return Err(BODY_CUT_SHORT.into());
            }
            let some = available.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.stream.consume(some);
            left -= some as u64;
        }
        Ok(())
    }

    /// Reads the next frame of a websocket and returns whether it is a text frame, and its content.
    ///
    /// A server does not mask its frames (RFC 6455, section 5.1).
    pub(crate) fn read_frame(&mut self) -> Result<(bool, Vec<u8>), Failure> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let [first, second] = head;
        let length = match second {
            126 => {
                let mut length = [0; 2];
                self.stream.read_exact(&mut length)?;
                u16::from_be_bytes(length).into()
            }
            127 => {
                let mut length = [0; 8];
                self.stream.read_exact(&mut length)?;
                u64::from_be_bytes(length)
            }
            short => u64::from(short),
        };
        let mut content = Vec::new();
        self.read_bytes(length, &mut Some(&mut content))?;
        Ok((first & 0x0f == 1, content))
    }
}
