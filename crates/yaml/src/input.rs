//! The decoder that turns the bytes of a document into characters, as libyaml's reader does.

use super::error::{Stage, SyntaxError};

/// The size of the chunks in which the reader decodes its input, in bytes (yaml.v2 and yaml.v3).
///
/// The size decides which of two errors is reported: a chunk with a bad byte is refused as a whole,
/// while the text before that chunk is scanned, and an error in it comes first.
const CHUNK: usize = 512;

/// The encoding of a document. Its byte order mark names it; without one it is UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
}

/// The decoded characters of a document, up to its end or up to the first bad chunk.
#[derive(Debug)]
pub(super) struct Input {
    chars: Vec<char>,
    /// The reason why the next chunk cannot be decoded; `None` if all of the document is decoded.
    problem: Option<&'static str>,
}

impl Input {
    /// Decodes a document. A bad byte is not an error yet, because the scanner may find an earlier
    /// one: [`check_decoded`](Self::check_decoded) reports it when the scanner gets there.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let (encoding, bom) = match bytes {
            [0xff, 0xfe, ..] => (Encoding::Utf16Little, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Big, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            _ => (Encoding::Utf8, 0),
        };
        let mut chars = Vec::with_capacity(bytes.len());
        let mut position = bom;
        let mut chunk_end = CHUNK;
        let mut chars_before_chunk = 0;
        loop {
            let chunk = bytes.get(position..chunk_end.min(bytes.len())).unwrap_or_default();
            if chunk.is_empty() && chunk_end >= bytes.len() {
                return Self { chars, problem: None };
            }
            let is_last = chunk_end >= bytes.len();
            match decode_one(encoding, chunk, is_last) {
                Ok(Some((character, width))) => {
                    chars.push(character);
                    position += width;
                }
                // The chunk ends within a character, whose first bytes begin the next chunk.
                Ok(None) => {
                    chunk_end = position + CHUNK;
                    chars_before_chunk = chars.len();
                }
                Err(problem) => {
                    chars.truncate(chars_before_chunk);
                    return Self { chars, problem: Some(problem) };
                }
            }
        }
    }

    /// Returns the character at this index. After the last character it returns a NUL, which no
    /// document may hold.
    pub(super) fn at(&self, index: usize) -> char {
        self.chars.get(index).copied().unwrap_or('\0')
    }

    /// Returns the decoder's error if a character before the index `end` could not be decoded.
    pub(super) fn check_decoded(&self, end: usize) -> Result<(), SyntaxError> {
        match self.problem {
            Some(problem) if end > self.chars.len() => {
                Err(SyntaxError { stage: Stage::Reader, problem, problem_line: 0, context_line: 0 })
            }
            _ => Ok(()),
        }
    }
}

/// Decodes the first character of a chunk and returns it with its width in bytes. It returns `None`
/// if the chunk ends within the character.
fn decode_one(
    encoding: Encoding,
    chunk: &[u8],
    is_last: bool,
) -> Result<Option<(char, usize)>, &'static str> {
    let found = match encoding {
        Encoding::Utf8 => decode_utf8(chunk, is_last)?,
        Encoding::Utf16Little => decode_utf16(chunk, is_last, u16::from_le_bytes)?,
        Encoding::Utf16Big => decode_utf16(chunk, is_last, u16::from_be_bytes)?,
    };
    match found {
        Some((code, width)) => match char::from_u32(code) {
            Some(character) if is_allowed(character) => Ok(Some((character, width))),
            Some(_) => Err("control characters are not allowed"),
            None => Err("invalid Unicode character"),
        },
        None => Ok(None),
    }
}

/// Returns `true` if YAML allows the character in a document (YAML 1.2, section 5.1).
fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..
    )
}

fn decode_utf8(chunk: &[u8], is_last: bool) -> Result<Option<(u32, usize)>, &'static str> {
    let Some(&first) = chunk.first() else { return Ok(None) };
    // The least code point of each width excludes longer encodings of a smaller one.
    let (width, start, least) = match first {
        0..=0x7f => (1, first, 0),
        0xc0..=0xdf => (2, first & 0x1f, 0x80),
        0xe0..=0xef => (3, first & 0x0f, 0x800),
        0xf0..=0xf7 => (4, first & 0x07, 0x10000),
        _ => return Err("invalid leading UTF-8 octet"),
    };
    let Some(octets) = chunk.get(1..width) else {
        return if is_last { Err("incomplete UTF-8 octet sequence") } else { Ok(None) };
    };
    let mut code = u32::from(start);
    for octet in octets {
        if octet & 0xc0 != 0x80 {
            return Err("invalid trailing UTF-8 octet");
        }
        code = (code << 6) | u32::from(octet & 0x3f);
    }
    if code < least {
        return Err("invalid length of a UTF-8 sequence");
    }
    Ok(Some((code, width)))
}

fn decode_utf16(
    chunk: &[u8],
    is_last: bool,
    join: fn([u8; 2]) -> u16,
) -> Result<Option<(u32, usize)>, &'static str> {
    let code_unit = |at: usize| match chunk.get(at..at + 2) {
        Some(&[first, second]) => Some(u32::from(join([first, second]))),
        _ => None,
    };
    let missing = |problem| if is_last { Err(problem) } else { Ok(None) };
    let Some(high) = code_unit(0) else {
        return missing("incomplete UTF-16 character");
    };
    match high & 0xfc00 {
        0xdc00 => Err("unexpected low surrogate area"),
        0xd800 => match code_unit(2) {
            None => missing("incomplete UTF-16 surrogate pair"),
            Some(low) if low & 0xfc00 == 0xdc00 => {
                Ok(Some((0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff), 4)))
            }
            Some(_) => Err("expected low surrogate area"),
        },
        _ => Ok(Some((high, 2))),
    }
}
