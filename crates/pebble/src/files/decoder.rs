//! Decodes the body of a pull as it comes: `multipart/form-data` as Go writes it.
//!
//! A [`Decoder`] does no I/O. It is given chunks and gives events, and the same bytes give the same
//! events however they are cut into chunks. Its memory is bounded: contents are slices of the
//! chunks, and of the head of a part at most 16 KiB are kept. It is strict where Go's writer has no
//! choice: nothing may precede the first boundary, and after each boundary there must be a line end
//! or the closing dashes.
//!
//! The decoder searches for CR LF and the boundary together. The boundary has no CR in it, so bytes
//! that begin like this delimiter and then differ cannot contain another beginning of it, and no
//! byte is read twice. A content of CRs only, or of near-boundaries, costs no more than any other.

use hyper::body::Bytes;
use memchr::{memmem, memrchr};

/// The longest head of a part, in bytes. A path has at most 4,096 bytes on Linux, and escaping may
/// double them.
const LONGEST_HEAD: usize = 16 * 1024;

/// An event of the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A part begins.
    Part(Head),
    /// A chunk of the part's content, which is never empty.
    Data(Bytes),
    /// The content of the part is complete.
    PartEnd,
    /// The closing boundary has come, so there are no more parts.
    End,
}

/// The head of a part, with the parameters that are used here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: Option<Vec<u8>>,
    pub(super) filename: Option<Vec<u8>>,
}

/// Says why the bytes are not such a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("its content type names no boundary that multipart could have")]
    Boundary,
    #[error("it does not begin with its boundary")]
    Start,
    #[error("a boundary is followed by neither a line end nor dashes")]
    AfterBoundary,
    #[error("the head of a part is longer than {LONGEST_HEAD} bytes")]
    LongHead,
    #[error("the head of a part does not say which part it is")]
    Nameless,
    #[error("it has more parts than were asked for")]
    Parts,
    #[error("something follows its end")]
    AfterEnd,
}

/// The state of the decoder.
#[derive(Debug)]
enum State {
    /// The first boundary, of which this many bytes have come. No line end precedes it.
    Start(usize),
    /// The two bytes after a boundary, which say how the body continues. This is the first of them.
    Boundary(Option<u8>),
    /// The head of a part.
    Head(HeadBytes),
    /// The content of a part. So far it ends in this many bytes of the delimiter.
    Content(usize),
    /// The end of the body. Go writes a line end after the closing boundary, of which this many
    /// bytes have come.
    End(usize),
    /// The body was refused.
    Failed(Fault),
}

/// A decoder reads the body of one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    /// CR LF, two dashes and the boundary.
    delimiter: Bytes,
    finder: memmem::Finder<'static>,
    chunk: Bytes,
    state: State,
    parts_left: usize,
}

/// The length of the line end that the delimiter begins with. It is missing before the first
/// boundary, and stands alone after the last one.
const LINE_END: usize = 2;

impl Decoder {
    /// Makes a decoder for a body with this `Content-Type`, which may have at most `parts` parts.
    pub(super) fn new(content_type: &str, parts: usize) -> Result<Self, Fault> {
        let (kind, rest) = content_type.split_once(';').ok_or(Fault::Boundary)?;
        let boundary = parameters(rest.as_bytes())
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))
            .map(|(_, value)| value)
            .filter(|boundary| {
                kind.trim().eq_ignore_ascii_case("multipart/form-data") && is_boundary(boundary)
            })
            .ok_or(Fault::Boundary)?;
        let delimiter = [b"\r\n--".as_slice(), &boundary].concat();
        Ok(Self {
            finder: memmem::Finder::new(&delimiter).into_owned(),
            delimiter: delimiter.into(),
            chunk: Bytes::new(),
            state: State::Start(LINE_END),
            parts_left: parts,
        })
    }

    /// Adds the next bytes. It is to be called when [`Self::next`] has given `None`.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            self.chunk = [self.chunk.as_ref(), &chunk].concat().into();
        }
    }

    /// Returns the next event. It is `None` when more bytes are needed, and after the end, which
    /// only a line end may follow.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Fault> {
        loop {
            let step = match &mut self.state {
                State::Failed(fault) => return Err(fault.clone()),
                _ if self.chunk.is_empty() => return Ok(None),
                State::Start(matched) => {
                    let (taken, complete) = continue_match(&self.delimiter, *matched, &self.chunk);
                    match (taken, complete) {
                        (Some(taken), true) => {
                            self.advance(taken);
                            self.state = State::Boundary(None);
                        }
                        (Some(taken), false) => {
                            *matched += taken;
                            self.advance(taken);
                        }
                        (None, _) => return self.fail(Fault::Start),
                    }
                    None
                }
                State::End(matched) => {
                    let line_end = self.delimiter.get(*matched..LINE_END).unwrap_or_default();
                    if !line_end.starts_with(&self.chunk) {
                        return self.fail(Fault::AfterEnd);
                    }
                    *matched += self.chunk.len();
                    self.chunk = Bytes::new();
                    None
                }
                State::Boundary(_) => self.after_boundary()?,
                State::Head(_) => self.head()?,
                State::Content(_) => self.content(),
            };
            if step.is_some() {
                return Ok(step);
            }
        }
    }

    /// Refuses the body, now and at every later call.
    fn fail<T>(&mut self, fault: Fault) -> Result<T, Fault> {
        self.state = State::Failed(fault.clone());
        Err(fault)
    }

    /// Drops bytes from the front of the chunk.
    fn advance(&mut self, count: usize) {
        let _taken = self.chunk.split_to(count.min(self.chunk.len()));
    }

    /// Reads one byte after a boundary.
    fn after_boundary(&mut self) -> Result<Option<Event>, Fault> {
        let State::Boundary(first) = &mut self.state else {
            return Ok(None);
        };
        let Some(byte) = self.chunk.first().copied() else {
            return Ok(None);
        };
        let (seen, byte) = (first.replace(byte), byte);
        self.advance(1);
        match (seen, byte) {
            (None, b'\r' | b'-') => {}
            (Some(b'\r'), b'\n') => match self.parts_left.checked_sub(1) {
                Some(left) => {
                    self.parts_left = left;
                    self.state = State::Head(HeadBytes::default());
                }
                None => return self.fail(Fault::Parts),
            },
            (Some(b'-'), b'-') => {
                self.state = State::End(0);
                return Ok(Some(Event::End));
            }
            _ => return self.fail(Fault::AfterBoundary),
        }
        Ok(None)
    }

    /// Reads the head of a part.
    fn head(&mut self) -> Result<Option<Event>, Fault> {
        let State::Head(head) = &mut self.state else {
            return Ok(None);
        };
        let mut taken = 0;
        for byte in &self.chunk {
            taken += 1;
            if head.take(*byte) {
                let parsed = parse_head(&head.bytes);
                self.advance(taken);
                if parsed.name.is_none() {
                    return self.fail(Fault::Nameless);
                }
                self.state = State::Content(0);
                return Ok(Some(Event::Part(parsed)));
            }
            if head.bytes.len() >= LONGEST_HEAD {
                return self.fail(Fault::LongHead);
            }
        }
        self.advance(taken);
        Ok(None)
    }

    /// Reads the content of a part.
    fn content(&mut self) -> Option<Event> {
        let State::Content(matched) = &mut self.state else {
            return None;
        };
        if *matched > 0 {
            let held = *matched;
            let (taken, complete) = continue_match(&self.delimiter, held, &self.chunk);
            match (taken, complete) {
                (Some(taken), true) => {
                    self.advance(taken);
                    self.state = State::Boundary(None);
                    return Some(Event::PartEnd);
                }
                (Some(taken), false) => {
                    *matched += taken;
                    self.advance(taken);
                    return None;
                }
                (None, _) => {
                    *matched = 0;
                    // The bytes that looked like a delimiter are content. They came in an earlier
                    // chunk, and the delimiter has the same bytes.
                    return Some(Event::Data(
                        self.delimiter.slice(..held.min(self.delimiter.len())),
                    ));
                }
            }
        }
        if let Some(at) = self.finder.find(&self.chunk) {
            let data = self.chunk.split_to(at);
            if !data.is_empty() {
                // The next call finds the delimiter at the very beginning.
                return Some(Event::Data(data));
            }
            self.advance(self.delimiter.len());
            self.state = State::Boundary(None);
            return Some(Event::PartEnd);
        }
        // The end of the chunk may be the beginning of a delimiter. Only the last CR can begin it,
        // because a delimiter has a CR only at its start.
        let tail = self.chunk.len().saturating_sub(self.delimiter.len() - 1);
        let held = memrchr(b'\r', self.chunk.get(tail..).unwrap_or_default())
            .and_then(|at| self.chunk.get(tail + at..))
            .filter(|end| self.delimiter.starts_with(end))
            .map_or(0, <[u8]>::len);
        *matched = held;
        let data = self.chunk.split_to(self.chunk.len() - held);
        self.chunk = Bytes::new();
        (!data.is_empty()).then_some(Event::Data(data))
    }
}

/// Compares `chunk` with the rest of a delimiter of which `matched` bytes have come. Returns how
/// many bytes of the chunk belong to it, or `None` if they differ, and whether the delimiter is
/// complete.
fn continue_match(delimiter: &[u8], matched: usize, chunk: &[u8]) -> (Option<usize>, bool) {
    let rest = delimiter.get(matched..).unwrap_or_default();
    let common = rest.len().min(chunk.len());
    if rest.get(..common) == chunk.get(..common) {
        (Some(common), common == rest.len())
    } else {
        (None, false)
    }
}

/// Returns `true` if multipart may have this boundary (RFC 2046, section 5.1.1).
fn is_boundary(boundary: &[u8]) -> bool {
    (1..=70).contains(&boundary.len())
        && boundary
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte))
}

/// The bytes of a head so far. Go before 1.25 writes a line end in a file name as it is, inside the
/// quotes, where it does not end the line.
#[derive(Debug, Default)]
struct HeadBytes {
    bytes: Vec<u8>,
    quotes: Quotes,
}

impl HeadBytes {
    /// Adds a byte. Returns `true` if the head is complete.
    fn take(&mut self, byte: u8) -> bool {
        self.bytes.push(byte);
        !self.quotes.advance(byte)
            && byte == b'\n'
            && (self.bytes.ends_with(b"\r\n\r\n") || self.bytes.as_slice() == b"\r\n")
    }
}

/// The state of quoting at a byte. Inside quotes, a `\` takes away the meaning of the next byte.
#[derive(Debug, Default, Clone, Copy)]
struct Quotes {
    inside: bool,
    escaped: bool,
}

impl Quotes {
    /// Reads a byte. Returns `true` if it is inside quotes, including the quotes themselves.
    fn advance(&mut self, byte: u8) -> bool {
        let was_inside = self.inside;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.inside => self.escaped = true,
            b'"' => self.inside = !self.inside,
            _ => {}
        }
        was_inside || self.inside
    }
}

/// Splits a text at each byte `at` outside quotes.
fn split(text: &[u8], at: u8) -> Vec<&[u8]> {
    let mut quotes = Quotes::default();
    text.split(|byte| !quotes.advance(*byte) && *byte == at).collect()
}

/// Parses the head of a part. Headers other than `Content-Disposition` are ignored.
fn parse_head(bytes: &[u8]) -> Head {
    let mut head = Head::default();
    for line in split(bytes, b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        if !name.trim_ascii().eq_ignore_ascii_case(b"content-disposition") {
            continue;
        }
        for (name, value) in parameters(value) {
            match name.as_slice() {
                b"name" => head.name = Some(value),
                b"filename" => head.filename = Some(value),
                _ => {}
            }
        }
    }
    head
}

/// Parses the parameters of a header's value: `; name=value; name="quoted \"value\""`. What is not
/// a parameter is ignored.
fn parameters(value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    split(value, b';')
        .into_iter()
        .filter_map(|part| {
            let equals = part.iter().position(|byte| *byte == b'=')?;
            let (name, value) = part.split_at(equals);
            let value = value.get(1..)?.trim_ascii();
            let value = match value {
                [b'"', quoted @ .., b'"'] => unquote(quoted),
                token => token.to_vec(),
            };
            Some((name.trim_ascii().to_ascii_lowercase(), value))
        })
        .collect()
}

/// Removes the backslashes of a quoted text.
fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next()),
            byte => plain.push(*byte),
        }
    }
    plain
}

/// Returns the events of a body that comes in these chunks, with contents joined, and what was
/// wrong with it.
#[cfg(any(test, fuzzing))]
fn events<'a>(
    mut decoder: Decoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Option<Fault>) {
    let mut events: Vec<Event> = Vec::new();
    let mut content = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            let event = match decoder.next() {
                Ok(None) => break,
                Ok(Some(Event::Data(data))) => {
                    assert!(!data.is_empty(), "a piece of content is never empty");
                    content.extend_from_slice(&data);
                    continue;
                }
                other => other,
            };
            if !content.is_empty() {
                events.push(Event::Data(std::mem::take(&mut content).into()));
            }
            match event {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fault) => return (events, Some(fault)),
            }
        }
    }
    if !content.is_empty() {
        events.push(Event::Data(content.into()));
    }
    (events, None)
}

/// Decodes a body whole and in chunks, for fuzzing. The first byte says how long the chunks are,
/// the first line is the content type, and the rest is the body.
#[cfg(any(test, fuzzing))]
pub(crate) fn try_pieces(bytes: &[u8]) {
    const PARTS: usize = 4;
    let Some((length, rest)) = bytes.split_first() else {
        return;
    };
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (content_type, body) = rest.split_at(line);
    let body = body.get(1..).unwrap_or_default();
    let decoder = || Decoder::new(&String::from_utf8_lossy(content_type), PARTS);
    let (Ok(whole), Ok(cut)) = (decoder(), decoder()) else {
        return;
    };
    let (all, fault) = events(whole, [body]);
    let chunks = body.chunks(usize::from(*length).saturating_add(1));
    assert!(
        events(cut, chunks) == (all.clone(), fault),
        "what comes does not depend on the pieces"
    );
    let (mut parts, mut content) = (0, 0);
    for event in all {
        match event {
            Event::Part(head) => {
                parts += 1;
                let length = [head.name, head.filename]
                    .into_iter()
                    .flatten()
                    .map(|text| text.len())
                    .sum::<usize>();
                assert!(length <= LONGEST_HEAD, "a head is bounded");
            }
            Event::Data(data) => content += data.len(),
            Event::PartEnd | Event::End => {}
        }
    }
    assert!(parts <= PARTS && content <= body.len(), "nothing is made up");
}

#[cfg(test)]
#[path = "tests/decoder.rs"]
mod tests;
