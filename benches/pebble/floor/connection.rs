//! As much of HTTP/1.1 as tells where an answer ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::common::Failure;

const BODY_CUT_SHORT: &str = "the connection ended in the middle of a body";

/// One kept connection.
pub(crate) struct Connection {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    /// Of the body.
    pub(crate) bytes: u64,
}

/// A request without a body.
pub(crate) fn get_request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

impl Connection {
    pub(crate) fn open(socket: &Path) -> Result<Self, Failure> {
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, UnixStream::connect(socket)?),
            line: Vec::new(),
        })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    /// Reads one answer to its end, and keeps its body only for who wants it.
    pub(crate) fn read_response(
        &mut self,
        mut body: Option<&mut Vec<u8>>,
    ) -> Result<Response, Failure> {
        let (status, length) = self.read_head()?;
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
            // Behind each chunk, and behind the last, which is empty; Pebble sends no trailers.
            self.read_line()?;
            if size == 0 {
                return Ok(Response { status, bytes });
            }
        }
    }

    /// Status and length; no length when the body comes in chunks.
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

    fn read_line(&mut self) -> Result<&str, Failure> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line)?;
        let line = self
            .line
            .strip_suffix(b"\r\n")
            .ok_or("the connection ended in the middle of an answer")?;
        Ok(str::from_utf8(line)?)
    }

    /// The next so many bytes.
    fn read_bytes(&mut self, count: u64, body: &mut Option<&mut Vec<u8>>) -> Result<(), Failure> {
        if let Some(body) = body {
            if (&mut self.stream).take(count).read_to_end(body)? as u64 == count {
                return Ok(());
            }
            return Err(BODY_CUT_SHORT.into());
        }
        let mut left = count;
        while left > 0 {
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

    /// The next frame of a websocket, none of which the daemon masks: whether it is text, and what
    /// it says.
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
