//! Encodes the body of a push: `multipart/form-data` as Go reads it, around contents that are never
//! copied.
//!
//! The body has a part `request` with JSON, and then a part `files` for each file, with the whole
//! path as its `filename` (Pebble 1.32.1, `internals/daemon/api_files.go`). In a quoted `filename`,
//! Go reads `\"` and `\\` as escapes, and refuses control characters. A path with control
//! characters is sent in the form of RFC 5987, `filename*=UTF-8''…`, which Go reads as well.

use std::fmt::Write as _;
use std::io;

use rustix::rand::{GetRandomFlags, getrandom};
use serde_json::Value;

/// The number of random bytes of a boundary, which are 64 characters in hexadecimal. Pebble wants
/// at least 32 characters, and RFC 2046 allows 70.
const RANDOM_BYTES: usize = 32;

/// A boundary separates the parts. It is random, so that no content can contain it, by accident or
/// intent.
#[derive(Debug, Clone)]
pub(super) struct Boundary(String);

impl Boundary {
    /// Makes a new boundary.
    pub(super) fn random() -> io::Result<Self> {
        random_hex(RANDOM_BYTES).map(Self)
    }

    /// Returns the value of the `Content-Type` header.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.0)
    }

    /// Returns the first part, which says which files follow and how they are to be written.
    pub(super) fn request_part(&self, request: &Value) -> String {
        let boundary = &self.0;
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\nContent-Type: \
             application/json\r\n\r\n{request}"
        )
    }

    /// Returns what precedes the content of a file.
    pub(super) fn file_head(&self, path: &str) -> String {
        let boundary = &self.0;
        let filename = filename(path);
        format!(
            "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; \
             {filename}\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
    }

    /// Returns what follows the last content.
    pub(super) fn end(&self) -> String {
        format!("\r\n--{}--\r\n", self.0)
    }
}

/// Returns the parameter with the name of a file.
fn filename(path: &str) -> String {
    if path.chars().any(|char| char.is_ascii_control()) {
        let mut encoded = String::from("filename*=UTF-8''");
        for byte in path.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        return encoded;
    }
    format!("filename=\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns this many bytes from the operating system's source of randomness, in hexadecimal.
pub(super) fn random_hex(count: usize) -> io::Result<String> {
    let mut bytes = vec![0_u8; count];
    let mut rest = bytes.as_mut_slice();
    while !rest.is_empty() {
        // The kernel may return fewer bytes than asked for, and a signal may interrupt it.
        let got = match getrandom(&mut *rest, GetRandomFlags::empty()) {
            Ok(got) => got,
            Err(rustix::io::Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        rest = rest.get_mut(got..).unwrap_or_default();
    }
    let mut hex = String::with_capacity(count.saturating_mul(2));
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_go_reads_them() {
        assert_eq!(filename("/a b"), "filename=\"/a b\"");
        assert_eq!(filename(r#"/a"b\c"#), r#"filename="/a\"b\\c""#);
        assert_eq!(filename("/ä"), "filename=\"/ä\"");
        assert_eq!(filename("/a\r\n\"ä"), "filename*=UTF-8''%2Fa%0D%0A%22%C3%A4");
    }

    #[test]
    fn a_boundary_is_new_each_time_and_long_enough() {
        let (one, other) = (Boundary::random().unwrap(), Boundary::random().unwrap());
        assert_ne!(one.0, other.0);
        assert_eq!(one.0.len(), 64);
        assert!(one.0.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
