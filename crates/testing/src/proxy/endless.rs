//! Answers that never end. Each goes on until the client leaves or the proxy closes the connection,
//! which is the error returned.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// About how much is written at once.
const BLOCK: usize = 16 * 1024;

/// Header lines after a status line, and no end of the head.
pub(super) fn header(mut client: &UnixStream) -> io::Result<()> {
    client.write_all(b"HTTP/1.1 200 OK\r\n")?;
    for_ever(client, &repeated(b"X-Endless: and there is more to come\r\n"))
}

/// The same bytes again and again after a head, in chunks when that says so.
pub(super) fn body(mut client: &UnixStream, head: &[u8], part: &[u8]) -> io::Result<()> {
    client.write_all(head)?;
    if part.is_empty() {
        return Ok(());
    }
    let block = repeated(part);
    if is_chunked(head) {
        let size = format!("{:x}\r\n", block.len());
        return for_ever(client, &[size.as_bytes(), &block, b"\r\n"].concat());
    }
    for_ever(client, &block)
}

fn for_ever(mut client: &UnixStream, block: &[u8]) -> io::Result<()> {
    loop {
        client.write_all(block)?;
    }
}

fn repeated(part: &[u8]) -> Vec<u8> {
    part.repeat((BLOCK / part.len().max(1)).max(1))
}

fn is_chunked(head: &[u8]) -> bool {
    String::from_utf8_lossy(head)
        .to_ascii_lowercase()
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| name.trim() == "transfer-encoding" && value.contains("chunked"))
}
