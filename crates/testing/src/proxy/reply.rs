//! The daemon's answer on its way to the client.

use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::rule::{AfterReply, Callback};
use super::shared::{SeenRequest, Shared};
use super::upstream::Watched;
use crate::wire::{Head, Length, Piece, read_body, read_head};

/// What happens to the daemon's answer.
pub(super) enum Back {
    Pass,
    Hold,
    Drop,
    Cut(usize),
    Drip(Duration),
    Hide,
    First(Callback),
    Replace(Vec<u8>, AfterReply),
}

/// What is to become of the connection.
pub(super) enum After {
    /// The whole answer was given; the connection may be kept, or the daemon closes it.
    Given { kept: bool },
    /// A fault wants it closed.
    Close,
    /// A fault wants it silent.
    Hold,
    /// The daemon went without an answer.
    Lost,
    /// The daemon switches protocols with this head, which has not been given yet.
    Switch(Head),
}

/// The road of bytes to the client, at the speed and to the length that a fault allows.
pub(super) struct Tap<'a> {
    shared: &'a Shared,
    client: &'a UnixStream,
    left: Option<usize>,
    wait: Option<Duration>,
}

impl<'a> Tap<'a> {
    pub(super) fn new(shared: &'a Shared, client: &'a UnixStream, back: &Back) -> Self {
        let (left, wait) = match back {
            Back::Cut(count) => (Some(*count), None),
            Back::Drip(time) => (None, Some(*time)),
            _ => (None, None),
        };
        Self { shared, client, left, wait }
    }

    /// Gives bytes to the client; an error when it has left or has had all that it is to have.
    pub(super) fn give(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = self.left.unwrap_or(bytes.len()).min(bytes.len());
        let bytes = bytes.get(..count).unwrap_or_default();
        match self.wait {
            None => self.client.write_all(bytes)?,
            Some(time) => {
                for byte in bytes {
                    if !time.is_zero() {
                        self.shared.sleep(time);
                    }
                    self.client.write_all(std::slice::from_ref(byte))?;
                }
            }
        }
        if let Some(left) = &mut self.left {
            *left -= count;
        }
        if self.is_shut() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Whether the client has had all that it is to have.
    pub(super) fn is_shut(&self) -> bool {
        self.left == Some(0)
    }
}

/// One answer that is waited for and given.
pub(super) struct Replying<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a UnixStream,
    pub(super) index: usize,
    pub(super) request: &'a SeenRequest,
    pub(super) back: &'a Back,
}

impl Replying<'_> {
    pub(super) fn run(&self, from_upstream: &mut BufReader<Watched>) -> io::Result<After> {
        let reply = loop {
            let Some(reply) = read_head(from_upstream)? else {
                return Ok(After::Lost);
            };
            // The daemon's "continue" has been said already.
            if reply.status() != Some(100) {
                break reply;
            }
        };
        self.shared.note(self.index, self.request.at, |seen| {
            seen.forwarded = true;
            seen.status = reply.status();
        });
        if reply.status() == Some(101) {
            return Ok(match self.back {
                Back::Hold => After::Hold,
                Back::Drop => After::Close,
                _ => After::Switch(reply),
            });
        }
        let length = reply.reply_length(&self.request.method)?;
        let kept = !(reply.closes() || length == Length::UntilClose);
        self.give(from_upstream, &reply, length, kept)
    }

    fn give(
        &self,
        from_upstream: &mut BufReader<Watched>,
        reply: &Head,
        length: Length,
        kept: bool,
    ) -> io::Result<After> {
        match self.back {
            Back::Pass | Back::Cut(_) | Back::Drip(_) | Back::Replace(..) => {
                let mut tap = Tap::new(self.shared, self.client, self.back);
                let given = tap.give(&reply.raw).and_then(|()| {
                    read_body(from_upstream, length, &mut |piece| tap.give(piece.bytes()))
                });
                return match given {
                    Err(_) if tap.is_shut() => Ok(After::Close),
                    Err(error) => Err(error),
                    Ok(()) if matches!(self.back, Back::Cut(_)) => Ok(After::Close),
                    Ok(()) => Ok(After::Given { kept }),
                };
            }
            // Of a body without an end there is nothing to wait for: once it has begun the daemon
            // has done what was asked.
            Back::Drop => return Ok(After::Close),
            Back::Hold => {
                read_body(from_upstream, length, &mut |_| Ok(()))?;
                return Ok(After::Hold);
            }
            Back::Hide | Back::First(_) => {}
        }
        let mut raw = reply.raw.clone();
        let mut body = Vec::new();
        read_body(from_upstream, length, &mut |piece| {
            raw.extend_from_slice(piece.bytes());
            if let Piece::Data(bytes) = piece {
                body.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        if let Back::First(act) = self.back {
            act(&self.shared.seen_now(self.index, self.request));
        } else {
            let mut document: serde_json::Value = serde_json::from_slice(&body)?;
            if let Some(result) = document.get_mut("result") {
                *result = serde_json::Value::Array(Vec::new());
            }
            raw = answer(reply.status().unwrap_or(200), document.to_string().as_bytes());
        }
        let mut client = self.client;
        client.write_all(&raw)?;
        Ok(After::Given { kept })
    }
}

/// An answer of our own.
pub(super) fn answer(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Proxy\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
