//! Replies that never end.
//!
//! Each function writes until the client closes its connection or the proxy does, and returns the
//! error of that write.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// The approximate number of bytes of one write. It keeps the number of system calls low.
const BLOCK: usize = 16 * 1024;

/// Writes a status line and then header lines without end.
pub(super) fn write_header(mut client: &UnixStream) -> io::Result<()> {
    client.write_all(b"HTTP/1.1 200 OK\r\n")?;
    write_forever(client, &block_of(b"X-Endless: and there is more to come\r\n"))
}

/// Writes a head and then the same bytes again and again, in chunks if the head says so. Returns
/// without an error only if there are no bytes to repeat.
pub(super) fn write_body(mut client: &UnixStream, head: &[u8], part: &[u8]) -> io::Result<()> {
    client.write_all(head)?;
    if part.is_empty() {
        return Ok(());
    }
    let block = block_of(part);
    if is_chunked(head) {
        let size = format!("{:x}\r\n", block.len());
        return write_forever(client, &[size.as_bytes(), &block, b"\r\n"].concat());
    }
    write_forever(client, &block)
}

fn write_forever(mut client: &UnixStream, block: &[u8]) -> io::Result<()> {
    loop {
        client.write_all(block)?;
    }
}

/// Repeats the bytes until they fill about one block. They are never cut: a chunk must hold whole
/// parts.
fn block_of(part: &[u8]) -> Vec<u8> {
    part.repeat((BLOCK / part.len().max(1)).max(1))
}

fn is_chunked(head: &[u8]) -> bool {
    String::from_utf8_lossy(head)
        .to_ascii_lowercase()
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| name.trim() == "transfer-encoding" && value.contains("chunked"))
}
