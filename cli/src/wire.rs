//! What a hook tool and the agent say to each other over the unix socket: one request, perhaps the
//! tool's stdin, one answer.
//!
//! A message is a list of byte strings: their number, then each one's length and bytes, all numbers
//! 32-bit little-endian. Both ends are this binary, so there is no version to agree on; a message
//! that breaks the form is refused, never trusted.

use std::io;

/// Longest message; a hook tool's stdin is by far the largest part of one.
const MESSAGE_LIMIT: usize = 64 << 20;
/// Longest content that a hook tool takes from its standard input or a file, in bytes.
pub const CONTENT_LIMIT: usize = 32 << 20;
const MOST_PARTS: usize = 65_536;

/// A tool's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The running hook's context id, as the environment gave it to the tool.
    pub context_id: Vec<u8>,
    /// `JUJU_AGENT_TOKEN`; empty where there is none.
    pub token: Vec<u8>,
    /// The caller's working directory.
    pub dir: Vec<u8>,
    /// The name the tool was called by.
    pub name: Vec<u8>,
    pub args: Vec<Vec<u8>>,
    /// The tool's standard input, once the agent has asked for it.
    pub stdin: Option<Vec<u8>>,
}

/// The agent's answer: either what the tool shall do, or that its standard input is needed first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Done { code: u8, stdout: Vec<u8>, stderr: Vec<u8> },
    WantsStdin,
}

impl Request {
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let mut parts: Vec<&[u8]> = vec![&self.context_id, &self.token, &self.dir, &self.name];
        match &self.stdin {
            Some(stdin) => parts.extend([b"stdin".as_slice(), stdin]),
            None => parts.extend([b"none".as_slice(), b""]),
        }
        parts.extend(self.args.iter().map(Vec::as_slice));
        encode(&parts)
    }

    pub fn decode(body: &[u8]) -> io::Result<Self> {
        let mut parts = decode(body)?.into_iter();
        let mut part = || {
            parts.next().map(<[u8]>::to_vec).ok_or_else(|| broken("a request with too few parts"))
        };
        let (context_id, token, dir) = (part()?, part()?, part()?);
        let (name, kind, stdin) = (part()?, part()?, part()?);
        let stdin = (kind == b"stdin").then_some(stdin);
        Ok(Self { context_id, token, dir, name, stdin, args: parts.map(<[u8]>::to_vec).collect() })
    }
}

impl Answer {
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Done { code, stdout, stderr } => encode(&[&[*code], stdout, stderr]),
            Self::WantsStdin => encode(&[b"stdin"]),
        }
    }

    pub fn decode(body: &[u8]) -> io::Result<Self> {
        match decode(body)?.as_slice() {
            [[code], stdout, stderr] => {
                Ok(Self::Done { code: *code, stdout: stdout.to_vec(), stderr: stderr.to_vec() })
            }
            [part] if *part == b"stdin" => Ok(Self::WantsStdin),
            _ => Err(broken("an answer of unknown form")),
        }
    }
}

/// How many bytes of body follow a message's first four bytes.
pub fn body_length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length > MESSAGE_LIMIT {
        return Err(broken("a message longer than 64 MiB"));
    }
    Ok(length)
}

/// The message with its length in front, ready to send.
fn encode(parts: &[&[u8]]) -> io::Result<Vec<u8>> {
    let length = 4 + parts.iter().map(|part| 4 + part.len()).sum::<usize>();
    if length > MESSAGE_LIMIT || parts.len() > MOST_PARTS {
        return Err(broken("a message longer than 64 MiB"));
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
    if count > MOST_PARTS {
        return Err(broken("a message of too many parts"));
    }
    let mut parts = Vec::new();
    for _ in 0..count {
        let length = take_number(&mut body)?;
        let (part, rest) = body
            .split_at_checked(length)
            .ok_or_else(|| broken("a message shorter than it says"))?;
        parts.push(part);
        body = rest;
    }
    if body.is_empty() { Ok(parts) } else { Err(broken("a message longer than it says")) }
}

fn take_number(body: &mut &[u8]) -> io::Result<usize> {
    let (head, rest) =
        body.split_first_chunk::<4>().ok_or_else(|| broken("a message shorter than it says"))?;
    *body = rest;
    Ok(u32::from_le_bytes(*head) as usize)
}

fn broken(what: &str) -> io::Error {
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
            let request = Request {
                context_id: b"web/0-install-1".to_vec(),
                token: Vec::new(),
                dir: b"/".to_vec(),
                name: b"state-set".to_vec(),
                args: vec![b"--file".to_vec(), b"-".to_vec(), Vec::new(), b"\xff".to_vec()],
                stdin,
            };
            assert_eq!(Request::decode(body(&request.encode().unwrap())).unwrap(), request);
        }
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        for answer in [
            Answer::WantsStdin,
            Answer::Done { code: 2, stdout: b"out".to_vec(), stderr: Vec::new() },
        ] {
            assert_eq!(Answer::decode(body(&answer.encode().unwrap())).unwrap(), answer);
        }
    }

    #[test]
    fn every_broken_message_is_refused() {
        let request = Request {
            context_id: vec![1],
            token: vec![9],
            dir: vec![2],
            name: vec![3],
            args: vec![vec![4]],
            stdin: None,
        };
        let message = request.encode().unwrap();
        let whole = body(&message);
        for cut in 0..whole.len() {
            assert!(Request::decode(&whole[..cut]).is_err(), "cut after {cut}");
        }
        assert!(Request::decode(&[whole, &[0]].concat()).is_err());
        assert!(Answer::decode(whole).is_err());
        assert!(body_length(u32::MAX.to_le_bytes()).is_err());
        assert!(Request::decode(&u32::MAX.to_le_bytes()).is_err());
    }
}
