//! The floor's push writes one file with the multipart request of `POST /v1/files`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Connection;
use crate::common::Failure;

/// The boundary has the 32 characters that Pebble requires at least. It is fixed, since the content
/// is the benchmark's own and does not contain it.
const BOUNDARY: &str = "0123456789abcdef0123456789abcdef";

/// A push holds the bytes before and after the file's content, which are the same in each request.
pub(super) struct Push {
    start: Vec<u8>,
    end: Vec<u8>,
    source: PathBuf,
}

impl Push {
    /// Prepares the bytes of a push. The source's size at this moment goes into `Content-Length`.
    pub(super) fn new(target: &str, source: &Path) -> Result<Self, Failure> {
        let metadata = json!({"action": "write", "files": [{"path": target}]});
        let parts = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"request\"\r\n\
             Content-Type: application/json\r\n\r\n{metadata}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; \
             filename=\"{target}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        let length = parts.len() as u64 + source.metadata()?.len() + end.len() as u64;
        let head = format!(
            "POST /v1/files HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        Ok(Self {
            start: (head + &parts).into_bytes(),
            end: end.into_bytes(),
            source: source.to_path_buf(),
        })
    }

    /// Reads the source and sends the request, in pieces of 64 KiB.
    ///
    /// The head goes out with the first piece and the end with the last, so a small file is sent in
    /// one write.
    pub(super) fn send_once(&self, connection: &mut Connection) -> Result<(), Failure> {
        let mut file = File::open(&self.source)?;
        let mut buffer = self.start.clone();
        loop {
            let read = (&mut file).take(64 * 1024).read_to_end(&mut buffer)?;
            if read < 64 * 1024 {
                buffer.extend_from_slice(&self.end);
                connection.send(&buffer)?;
                break;
            }
            connection.send(&buffer)?;
            buffer.clear();
        }
        let mut body = Vec::new();
        let response = connection.read_response(Some(&mut body))?;
        // Pebble answers 200 also when it could not write the file: the error is then in the body.
        if response.status == 200 && !body.windows(7).any(|part| part == b"\"error\"") {
            return Ok(());
        }
        Err(format!("status {}: {}", response.status, String::from_utf8_lossy(&body)).into())
    }
}
