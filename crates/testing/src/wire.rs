//! The part of HTTP/1.1 that a proxy needs: where a head ends, and where a body ends (RFC 9112,
//! sections 6 and 7).

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The longest head in bytes. No head of Pebble or of its client comes near it, so a longer one is
/// not HTTP.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// The head of a message: the request line or the status line, and the headers.
#[derive(Debug)]
pub(crate) struct Head {
    /// The bytes as they arrived, with the empty line at the end.
    pub(crate) raw: Vec<u8>,
    /// The request line or the status line.
    pub(crate) first: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Returns the value of the header with this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the status of a reply.
    pub(crate) fn status(&self) -> Option<u16> {
        self.first.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// Returns `true` if the sender closes the connection after the message.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Returns the length of a request's body.
    pub(crate) fn request_length(&self) -> io::Result<Length> {
        Ok(self.declared()?.unwrap_or(Length::Exact(0)))
    }

    /// Returns the length of the body of a reply to a request with this method.
    pub(crate) fn reply_length(&self, method: &str) -> io::Result<Length> {
        let status = self.status().ok_or_else(|| invalid("a status line without a status"))?;
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Ok(Length::Exact(0));
        }
        Ok(self.declared()?.unwrap_or(Length::UntilClose))
    }

    /// Returns the length that the headers declare.
    fn declared(&self) -> io::Result<Option<Length>> {
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
        {
            return Ok(Some(Length::Chunked));
        }
        let Some(value) = self.header("content-length") else {
            return Ok(None);
        };
        value
            .trim()
            .parse()
            .map(|length| Some(Length::Exact(length)))
            .map_err(|_| invalid("a content length that is not a number"))
    }
}

/// The rule that tells where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// After this many bytes.
    Exact(u64),
    /// After the last chunk and its trailer.
    Chunked,
    /// At the end of the connection.
    UntilClose,
}

/// A piece of a body as it arrived.
pub(crate) enum Piece<'a> {
    /// Bytes of the body itself.
    Data(&'a [u8]),
    /// The size or the end of a chunk, or a line of the trailer.
    Framing(&'a [u8]),
}

impl<'a> Piece<'a> {
    /// Returns the bytes as they arrived, of either variant.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Data(bytes) | Self::Framing(bytes) => bytes,
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads the next line with its end into `line`. The line has no end only if the stream ended in
/// it. Fails if it is longer than `limit`.
pub(crate) fn read_line(
    reader: &mut dyn BufRead,
    line: &mut Vec<u8>,
    limit: usize,
) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n').map(|index| index + 1);
        let taken = end.unwrap_or(buffer.len());
        line.extend(buffer.iter().take(taken));
        reader.consume(taken);
        if line.len() > limit {
            return Err(invalid("a line without an end"));
        }
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Reads one head. Returns `None` if the stream ends before its first byte.
pub(crate) fn read_head(reader: &mut dyn BufRead) -> io::Result<Option<Head>> {
    let mut raw = Vec::new();
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        read_line(reader, &mut line, MAX_HEAD)?;
        raw.extend_from_slice(&line);
        if raw.is_empty() {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if raw.len() > MAX_HEAD {
            return Err(invalid("a head without an end"));
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if text.is_empty() {
            break;
        }
        lines.push(text);
    }
    let mut lines = lines.into_iter();
    let first = lines.next().ok_or_else(|| invalid("an empty head"))?;
    let headers = lines
        .filter_map(|line| {
            line.split_once(':')
                .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    Ok(Some(Head { raw, first, headers }))
}

/// The state of a body that is being read: what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// This many bytes of the body, or of a chunk of it.
    Data { left: u64, is_chunk: bool },
    /// All bytes until the end of the stream.
    Rest,
    /// The line with the size of a chunk.
    Size,
    /// The end of the line after a chunk.
    ChunkEnd,
    /// The lines after the last chunk, the empty one at the end included.
    Trailer,
    /// Nothing: the body is over.
    Over,
}

impl Body {
    pub(crate) fn new(length: Length) -> Self {
        match length {
            Length::Exact(left) => Self::data(left, false),
            Length::Chunked => Self::Size,
            Length::UntilClose => Self::Rest,
        }
    }

    fn data(left: u64, is_chunk: bool) -> Self {
        match left {
            0 if is_chunk => Self::ChunkEnd,
            0 => Self::Over,
            _ => Self::Data { left, is_chunk },
        }
    }

    /// Returns `true` if the body is over after `piece`, which is the next one to be read.
    pub(crate) fn is_last(self, piece: &Piece<'_>) -> bool {
        match self {
            Self::Data { left, is_chunk: false } => piece.bytes().len() as u64 == left,
            Self::Trailer => is_blank(piece.bytes()),
            _ => false,
        }
    }

    /// Returns `true` if nothing is left to read.
    pub(crate) fn is_over(self) -> bool {
        self == Self::Over
    }

    /// Reads the next piece and hands it to `sink`. It waits for at least one byte, and reads no
    /// more than the reader's buffer holds.
    pub(crate) fn step(
        &mut self,
        reader: &mut dyn BufRead,
        sink: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        *self = match *self {
            Self::Over => Self::Over,
            Self::Data { left, is_chunk } => {
                let buffer = reader.fill_buf()?;
                if buffer.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                sink(Piece::Data(buffer.get(..taken).unwrap_or_default()))?;
                reader.consume(taken);
                Self::data(left - taken as u64, is_chunk)
            }
            Self::Rest => {
                let buffer = reader.fill_buf()?;
                let taken = buffer.len();
                if taken == 0 {
                    Self::Over
                } else {
                    sink(Piece::Data(buffer))?;
                    reader.consume(taken);
                    Self::Rest
                }
            }
            Self::Size => {
                let line = complete_line(reader, MAX_HEAD)?;
                let text = String::from_utf8_lossy(&line);
                let digits = text.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16)
                    .map_err(|_| invalid("a chunk without a size"))?;
                sink(Piece::Framing(&line))?;
                if size == 0 { Self::Trailer } else { Self::data(size, true) }
            }
            Self::ChunkEnd => {
                sink(Piece::Framing(&complete_line(reader, 2)?))?;
                Self::Size
            }
            Self::Trailer => {
                let line = complete_line(reader, MAX_HEAD)?;
                sink(Piece::Framing(&line))?;
                if is_blank(&line) { Self::Over } else { Self::Trailer }
            }
        };
        Ok(())
    }
}

fn is_blank(line: &[u8]) -> bool {
    line == b"\r\n" || line == b"\n"
}

/// Reads one line with its end. Fails if the stream ends before it.
fn complete_line(reader: &mut dyn BufRead, limit: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    read_line(reader, &mut line, limit)?;
    if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads one body to its end and hands its pieces to `sink` as they arrive.
pub(crate) fn read_body(
    reader: &mut dyn BufRead,
    length: Length,
    sink: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut body = Body::new(length);
    while !body.is_over() {
        body.step(reader, sink)?;
    }
    Ok(())
}

/// Sends one GET request on a new connection and returns the status of the reply. It shows whether
/// a daemon answers at all. `limit` bounds each read and each write.
pub(crate) fn get(socket: &Path, path: &str, limit: Duration) -> io::Result<u16> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let head = read_head(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.status().ok_or_else(|| invalid("a status line without a status"))?;
    // The body is read to its end, so that the daemon's write of it does not fail.
    read_body(&mut reader, head.reply_length("GET")?, &mut |_| Ok(()))?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str, length: Length) -> io::Result<(String, String)> {
        let (mut data, mut all) = (Vec::new(), Vec::new());
        read_body(&mut BufReader::with_capacity(3, text.as_bytes()), length, &mut |piece| {
            if let Piece::Data(bytes) = &piece {
                data.extend_from_slice(bytes);
            }
            all.extend_from_slice(piece.bytes());
            Ok(())
        })?;
        Ok((String::from_utf8(data).unwrap(), String::from_utf8(all).unwrap()))
    }

    #[test]
    fn heads_and_bodies_end_where_they_say() {
        let text = "HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\nX-A:b\r\n\r\nbody";
        let head = read_head(&mut BufReader::with_capacity(5, text.as_bytes())).unwrap().unwrap();
        assert_eq!(head.status(), Some(202));
        assert_eq!(head.header("x-a"), Some("b"));
        assert_eq!(head.reply_length("GET").unwrap(), Length::Exact(4));
        assert_eq!(head.reply_length("HEAD").unwrap(), Length::Exact(0));
        assert_eq!(body("bodymore", Length::Exact(4)).unwrap().0, "body");
        let chunked = "4;x=y\r\nbody\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n";
        assert_eq!(
            body(&format!("{chunked}next"), Length::Chunked).unwrap(),
            ("body!".to_owned(), chunked.to_owned())
        );
        assert_eq!(body("all", Length::UntilClose).unwrap().0, "all");
    }

    #[test]
    fn the_last_piece_of_a_body_is_known_before_it_is_passed() {
        for (text, length) in [
            ("bodymore", Length::Exact(8)),
            ("4\r\nbody\r\n0\r\nT: v\r\n\r\n", Length::Chunked),
            ("1\r\n!\r\n0\r\n\r\n", Length::Chunked),
        ] {
            let mut reader = BufReader::with_capacity(3, text.as_bytes());
            let (mut body, mut last) = (Body::new(length), false);
            while !body.is_over() {
                let before = body;
                body.step(&mut reader, &mut |piece| {
                    last = before.is_last(&piece);
                    Ok(())
                })
                .unwrap();
                assert_eq!(last, body.is_over(), "{text}");
            }
        }
    }

    #[test]
    fn what_is_cut_short_or_not_http_is_an_error() {
        assert!(read_head(&mut "".as_bytes()).unwrap().is_none());
        assert!(read_head(&mut "GET / HTTP/1.1\r\nHo".as_bytes()).is_err());
        assert!(read_head(&mut "x".repeat(MAX_HEAD + 10).as_bytes()).is_err());
        for (text, length) in [
            ("bod", Length::Exact(4)),
            ("4\r\nbo", Length::Chunked),
            ("zz\r\n", Length::Chunked),
            ("0\r\n", Length::Chunked),
        ] {
            assert!(body(text, length).is_err(), "{text}");
        }
    }
}
