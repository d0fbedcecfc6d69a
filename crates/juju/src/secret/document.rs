//! The document of a content that Juju reads by `--file`, and the checks before it is written.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::base64;
use super::content::{SecretFields, check_secret_key};

/// The most bytes of one value and of all values together, in base64, and the most bytes of the
/// file (Juju 3.6 and 4.0, `core/secrets/createsecret.go`).
const LIMIT: usize = 1_000_000;

/// The number of bytes that a text and a content must have in common for the text to count as a
/// part of the content.
const WINDOW: usize = 8;

/// A content as the JSON that Juju reads: an object of strings. It is wiped when it is dropped.
pub(crate) struct Document<'a> {
    fields: &'a SecretFields,
    bytes: Zeroizing<Vec<u8>>,
}

/// The reason why Juju would not accept a content. It names a key and never shows a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The content breaks a rule.
    Invalid(String),
    /// A part of the content is too large.
    TooLarge { what: String, size: usize, limit: usize },
}

impl<'a> Document<'a> {
    /// Checks a content and writes it as JSON.
    pub(crate) fn new(fields: &'a SecretFields) -> Result<Self, Unfit> {
        let mut total: usize = 0;
        let mut room = 2;
        for (key, value) in fields.iter() {
            check_secret_key(key).map_err(|invalid| {
                Unfit::Invalid(format!("the key {:?} is not allowed: {}", key, invalid.rule()))
            })?;
            let bytes = value.expose();
            if bytes.is_empty() {
                // Juju refuses an empty value in an argument and takes one from a file (3.6). A
                // charm that writes one has most often lost the value.
                return Err(Unfit::Invalid(format!(
                    "the value of {key:?} is empty; leave the key out instead"
                )));
            }
            let encoded = base64::encoded_length(bytes.len());
            if encoded > LIMIT {
                return Err(Unfit::TooLarge {
                    what: format!("the value of {key:?}, in base64,"),
                    size: encoded,
                    limit: LIMIT,
                });
            }
            total = total.saturating_add(encoded);
            // Quotes, colon, comma and the suffix.
            room += key.len() + encoded.max(json_length(bytes)) + "\"#base64\":\"\",".len();
        }
        if fields.is_empty() {
            return Err(Unfit::Invalid("it has no key; a secret needs one at least".to_owned()));
        }
        if total > LIMIT {
            return Err(Unfit::TooLarge {
                what: "the content, in base64,".to_owned(),
                size: total,
                limit: LIMIT,
            });
        }
        // The buffer gets its room at once: one that grows leaves an old copy behind.
        let mut document = Self { fields, bytes: Zeroizing::new(Vec::with_capacity(room)) };
        let reserved = document.bytes.capacity();
        document.write();
        debug_assert_eq!(document.bytes.capacity(), reserved, "the buffer was moved");
        if document.bytes.len() > LIMIT {
            return Err(Unfit::TooLarge {
                what: "the file with the content".to_owned(),
                size: document.bytes.len(),
                limit: LIMIT,
            });
        }
        Ok(document)
    }

    /// Returns the JSON.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn write(&mut self) {
        let output = &mut *self.bytes;
        output.push(b'{');
        for (index, (key, value)) in self.fields.iter().enumerate() {
            if index > 0 {
                output.push(b',');
            }
            let bytes = value.expose();
            output.push(b'"');
            output.extend(key.as_bytes());
            // The file is limited too, so a value takes the shorter of its two forms. Bytes that
            // are not text have only one.
            match std::str::from_utf8(bytes) {
                Ok(text) if json_length(bytes) <= base64::encoded_length(bytes.len()) => {
                    output.extend(b"\":\"");
                    write_json_text(text, output);
                }
                _ => {
                    output.extend(b"#base64\":\"");
                    base64::encode(bytes, output);
                }
            }
            output.push(b'"');
        }
        output.push(b'}');
    }

    /// Returns `true` if `text` repeats a part of the content: a whole value of three bytes or
    /// more, or eight bytes in a row of a value or of its form in the document.
    ///
    /// It is for the standard error of a tool that failed. No tool of Juju prints a content, but
    /// another program may be on `PATH` in its place.
    pub(crate) fn has_part_in(&self, text: &str) -> bool {
        let windows: HashSet<&[u8]> = text.as_bytes().windows(WINDOW).collect();
        let mut encoded = Zeroizing::new(Vec::new());
        self.fields.iter().any(|(_, value)| {
            let value = value.expose();
            let is_whole = (3..WINDOW).contains(&value.len())
                && text.as_bytes().windows(value.len()).any(|window| window == value);
            encoded.clear();
            encoded.reserve_exact(base64::encoded_length(value.len()));
            base64::encode(value, &mut encoded);
            is_whole
                || value.windows(WINDOW).any(|window| windows.contains(window))
                || encoded.windows(WINDOW).any(|window| windows.contains(window))
        })
    }
}

/// Returns the length of a text as JSON, without its quotes.
fn json_length(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| json_escape(*byte).map_or(1, str::len)).sum()
}

/// Writes a text as JSON, without its quotes.
fn write_json_text(text: &str, output: &mut Vec<u8>) {
    for byte in text.bytes() {
        match json_escape(byte) {
            Some(escape) => output.extend(escape.as_bytes()),
            None => output.push(byte),
        }
    }
}

/// Returns the escape of a byte that JSON does not allow in a string. The file is read as JSON
/// first (Go's `encoding/json`), which takes every other character as it is.
fn json_escape(byte: u8) -> Option<&'static str> {
    const CONTROLS: [&str; 32] = [
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b", "\\t", "\\n", "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011",
        "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017", "\\u0018", "\\u0019",
        "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    ];
    match byte {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        _ => CONTROLS.get(usize::from(byte)).copied(),
    }
}

#[cfg(test)]
#[path = "tests/document.rs"]
mod tests;
