//! The messages between a hook tool and the agent on the unix socket: one request, perhaps the
//! standard input of the tool, one reply.
//!
//! A message is a list of byte strings: their number, then the length and the bytes of each. All
//! numbers are 32-bit little-endian. Both ends are this binary, so no version is negotiated. A
//! message that breaks the form is refused, and never trusted.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use charmwright_agent::{ToolAnswer, ToolRequest};

/// The largest message in bytes. A hook tool's standard input is by far the largest part of one.
const MESSAGE_LIMIT: usize = 64 << 20;
/// The largest content in bytes that a hook tool takes from its standard input or from a file.
pub const CONTENT_LIMIT: usize = 32 << 20;
/// The largest number of parts of a message. A body of 64 MiB could otherwise announce 16 million
/// empty parts.
const PARTS_LIMIT: usize = 65_536;

/// The agent's reply to a hook tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Done(ToolAnswer),
    /// The tool must send the same request again, with its standard input.
    NeedsInput,
}

/// Encodes a request. Its files and its time are left out: only the agent's process sets them.
pub fn encode_request(request: &ToolRequest) -> io::Result<Vec<u8>> {
    let ToolRequest { context_id, token, dir, name, args, stdin, files: _, now: _ } = request;
    let mut parts: Vec<&[u8]> =
        // An absent standard input and an empty one differ, so one part names the kind and the next
        // one holds the content.
        vec![context_id.as_bytes(), token.as_bytes(), dir.as_os_str().as_bytes(), name.as_bytes()];
    match stdin {
        Some(stdin) => parts.extend([b"stdin".as_slice(), stdin]),
        None => parts.extend([b"none".as_slice(), b""]),
    }
    parts.extend(args.iter().map(String::as_bytes));
    encode(&parts)
}

/// Decodes the request in a message.
pub fn decode_request(body: &[u8]) -> io::Result<ToolRequest> {
    let mut parts = decode(body)?.into_iter();
    let mut part = || parts.next().ok_or_else(|| invalid("a request with too few parts"));
    let (context_id, token, dir) = (text(part()?)?, text(part()?)?, part()?);
    let (name, kind, stdin) = (text(part()?)?, part()?, part()?);
    Ok(ToolRequest {
        context_id,
        token,
        dir: OsStr::from_bytes(dir).into(),
        name,
        args: parts.map(text).collect::<io::Result<_>>()?,
        stdin: (kind == b"stdin").then(|| stdin.to_vec()),
        files: BTreeMap::new(),
        now: None,
    })
}

/// Encodes a reply.
pub fn encode_reply(reply: &Reply) -> io::Result<Vec<u8>> {
    match reply {
        Reply::Done(ToolAnswer { code, stdout, stderr }) => encode(&[&[*code], stdout, stderr]),
        Reply::NeedsInput => encode(&[b"stdin"]),
    }
}

/// Decodes the reply in a message.
pub fn decode_reply(body: &[u8]) -> io::Result<Reply> {
    match decode(body)?.as_slice() {
        [[code], stdout, stderr] => Ok(Reply::Done(ToolAnswer {
            code: *code,
            stdout: stdout.to_vec(),
            stderr: stderr.to_vec(),
        })),
        [part] if *part == b"stdin" => Ok(Reply::NeedsInput),
        _ => Err(invalid("a reply of unknown form")),
    }
}

/// Returns the number of bytes of the body that follows the first four bytes of a message.
pub fn body_length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length > MESSAGE_LIMIT {
        return Err(invalid("a message longer than 64 MiB"));
    }
    Ok(length)
}

/// Encodes a list of byte strings, with the length of the message in front.
fn encode(parts: &[&[u8]]) -> io::Result<Vec<u8>> {
    let length = 4 + parts.iter().map(|part| 4 + part.len()).sum::<usize>();
    if length > MESSAGE_LIMIT || parts.len() > PARTS_LIMIT {
        return Err(invalid("a message longer than 64 MiB"));
    }
    let mut message = Vec::with_capacity(4 + length);
    let number = |message: &mut Vec<u8>, value: usize| {
        message.extend_from_slice(&(value as u32).to_le_bytes());
    };
    number(&mut message, length);
    number(&mut message, parts.len());
    for part in parts {
        number(&mut message, part.len());
        message.extend_from_slice(part);
    }
    Ok(message)
}

fn decode(mut body: &[u8]) -> io::Result<Vec<&[u8]>> {
    let count = take_number(&mut body)?;
    if count > PARTS_LIMIT {
        return Err(invalid("a message of too many parts"));
    }
    let mut parts = Vec::new();
    for _ in 0..count {
        let length = take_number(&mut body)?;
        let (part, rest) = body
            .split_at_checked(length)
            .ok_or_else(|| invalid("a message shorter than it says"))?;
        parts.push(part);
        body = rest;
    }
    if body.is_empty() { Ok(parts) } else { Err(invalid("a message longer than it says")) }
}

fn take_number(body: &mut &[u8]) -> io::Result<usize> {
    let (head, rest) =
        body.split_first_chunk::<4>().ok_or_else(|| invalid("a message shorter than it says"))?;
    *body = rest;
    Ok(u32::from_le_bytes(*head) as usize)
}

fn text(part: &[u8]) -> io::Result<String> {
    let text = str::from_utf8(part).map_err(|_| invalid("a text that is not UTF-8"))?;
    Ok(text.to_owned())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(message: &[u8]) -> &[u8] {
        let (head, body) = message.split_first_chunk::<4>().unwrap();
        assert_eq!(body_length(*head).unwrap(), body.len());
        body
    }

    #[test]
    fn a_request_comes_back_as_it_was() {
        for stdin in [None, Some(Vec::new()), Some(b"a: b\n\xff".to_vec())] {
            let request = ToolRequest {
                context_id: "web/0-install-1".to_owned(),
                token: String::new(),
                dir: OsStr::from_bytes(b"/\xff").into(),
                name: "state-set".to_owned(),
                args: ["--file", "-", "", "\u{fffd}"].map(str::to_owned).to_vec(),
                stdin,
                ..ToolRequest::default()
            };
            let message = encode_request(&request).unwrap();
            assert_eq!(decode_request(body(&message)).unwrap(), request);
        }
    }

    #[test]
    fn a_reply_comes_back_as_it_was() {
        let answer = ToolAnswer { code: 2, stdout: b"out\xff".to_vec(), stderr: Vec::new() };
        for reply in [Reply::NeedsInput, Reply::Done(answer)] {
            assert_eq!(decode_reply(body(&encode_reply(&reply).unwrap())).unwrap(), reply);
        }
    }

    #[test]
    fn every_broken_message_is_refused() {
        let request = ToolRequest {
            context_id: "1".to_owned(),
            token: "9".to_owned(),
            dir: "2".into(),
            name: "3".to_owned(),
            args: vec!["4".to_owned()],
            ..ToolRequest::default()
        };
        let message = encode_request(&request).unwrap();
        let full_body = body(&message);
        for cut in 0..full_body.len() {
            assert!(decode_request(&full_body[..cut]).is_err(), "cut after {cut}");
        }
        assert!(decode_request(&[full_body, &[0]].concat()).is_err());
        assert!(decode_reply(full_body).is_err());
        assert!(body_length(u32::MAX.to_le_bytes()).is_err());
        assert!(decode_request(&u32::MAX.to_le_bytes()).is_err());
        let argument = [&full_body[..full_body.len() - 1], b"\xff"].concat();
        assert!(decode_request(&argument).is_err(), "no text");
    }
}
