//! The passing of the daemon's reply back to the client.

use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::request::SeenRequest;
use super::rule::{AfterReply, Callback};
use super::shared::Shared;
use super::upstream::UpstreamReader;
use crate::wire::{Head, Length, Piece, read_body, read_head};

/// What the proxy does with the daemon's reply.
pub(super) enum ReplyFault {
    /// It passes the reply on.
    None,
    /// It passes nothing on and keeps the connection open.
    Hold,
    /// It passes nothing on and closes the connection.
    Drop,
    /// It passes this many bytes on and closes the connection.
    CutAfter(usize),
    /// It passes single bytes on, with this wait before each.
    Drip(Duration),
    /// It passes the reply on with an empty list as its result.
    EmptyResult,
    /// It calls this and then passes the reply on.
    CallFirst(Callback),
    /// It sends these bytes after a switch of protocols, in place of the daemon's.
    ReplaceFrames(Vec<u8>, AfterReply),
}

/// How the passing of a reply has ended.
pub(super) enum ReplyEnd {
    /// The client has the whole reply. The connection is to be closed unless it `is_reusable`: the
    /// daemon may close its side after the reply.
    Passed { is_reusable: bool },
    /// A fault closes the connection.
    Close,
    /// A fault keeps the connection open without any more bytes.
    Hold,
    /// The daemon closed the connection without a reply.
    Lost,
    /// The daemon switches protocols with this head, which the client does not have yet.
    Switch(Head),
}

/// A writer to the client, with the limit or the pace that a fault sets.
pub(super) struct ClientWriter<'a> {
    shared: &'a Shared,
    client: &'a UnixStream,
    /// The number of bytes that may still be written; `None` without a limit.
    left: Option<usize>,
    /// The wait before each byte; `None` if the bytes are written as they come.
    pause: Option<Duration>,
}

impl<'a> ClientWriter<'a> {
    pub(super) fn new(shared: &'a Shared, client: &'a UnixStream, fault: &ReplyFault) -> Self {
        let (left, pause) = match fault {
            ReplyFault::CutAfter(count) => (Some(*count), None),
            ReplyFault::Drip(time) => (None, Some(*time)),
            _ => (None, None),
        };
        Self { shared, client, left, pause }
    }

    /// Writes bytes to the client, up to the limit. Fails if the client has closed its connection,
    /// or with these bytes the limit is reached.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = self.left.unwrap_or(bytes.len()).min(bytes.len());
        let bytes = bytes.get(..count).unwrap_or_default();
        match self.pause {
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
        // An error ends the reading from the daemon, too.
        if self.is_at_limit() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Returns `true` if the client has all bytes that the fault lets it have.
    pub(super) fn is_at_limit(&self) -> bool {
        self.left == Some(0)
    }
}

/// One reply that is read from the daemon and passed on.
pub(super) struct ReplyPass<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a UnixStream,
    /// The index of the request's record.
    pub(super) index: usize,
    pub(super) request: &'a SeenRequest,
    pub(super) fault: &'a ReplyFault,
}

impl ReplyPass<'_> {
    /// Waits for the reply and passes it on as the fault says.
    pub(super) fn run(
        &self,
        from_upstream: &mut BufReader<UpstreamReader>,
    ) -> io::Result<ReplyEnd> {
        let reply = loop {
            let Some(reply) = read_head(from_upstream)? else {
                return Ok(ReplyEnd::Lost);
            };
            // The proxy has sent "100 Continue" to the client already, before it read the body.
            if reply.status() != Some(100) {
                break reply;
            }
        };
        self.shared.update(self.index, self.request.at, |seen| {
            seen.forwarded = true;
            seen.status = reply.status();
        });
        if reply.status() == Some(101) {
            return Ok(match self.fault {
                ReplyFault::Hold => ReplyEnd::Hold,
                ReplyFault::Drop => ReplyEnd::Close,
                _ => ReplyEnd::Switch(reply),
            });
        }
        let length = reply.reply_length(&self.request.method)?;
        let is_reusable = !(reply.closes() || length == Length::UntilClose);
        match self.fault {
            ReplyFault::None
            | ReplyFault::CutAfter(_)
            | ReplyFault::Drip(_)
            | ReplyFault::ReplaceFrames(..) => {
                self.stream(from_upstream, &reply, length, is_reusable)
            }
            // The daemon has handled the request once it begins to reply. The body may have no end,
            // so nothing waits for it.
            ReplyFault::Drop => Ok(ReplyEnd::Close),
            ReplyFault::Hold => {
                read_body(from_upstream, length, &mut |_| Ok(()))?;
                Ok(ReplyEnd::Hold)
            }
            ReplyFault::EmptyResult | ReplyFault::CallFirst(_) => {
                self.collect(from_upstream, &reply, length)?;
                Ok(ReplyEnd::Passed { is_reusable })
            }
        }
    }

    /// Passes the reply on while it arrives.
    fn stream(
        &self,
        from_upstream: &mut BufReader<UpstreamReader>,
        reply: &Head,
        length: Length,
        is_reusable: bool,
    ) -> io::Result<ReplyEnd> {
        let mut writer = ClientWriter::new(self.shared, self.client, self.fault);
        let passed = writer.write(&reply.raw).and_then(|()| {
            read_body(from_upstream, length, &mut |piece| writer.write(piece.bytes()))
        });
        match passed {
            Err(_) if writer.is_at_limit() => Ok(ReplyEnd::Close),
            Err(error) => Err(error),
            // The reply was shorter than the cut. The connection is closed all the same.
            Ok(()) if matches!(self.fault, ReplyFault::CutAfter(_)) => Ok(ReplyEnd::Close),
            Ok(()) => Ok(ReplyEnd::Passed { is_reusable }),
        }
    }

    /// Reads the whole reply, and passes it on after the callback or with an empty result.
    fn collect(
        &self,
        from_upstream: &mut BufReader<UpstreamReader>,
        reply: &Head,
        length: Length,
    ) -> io::Result<()> {
        let mut raw = reply.raw.clone();
        let mut body = Vec::new();
        read_body(from_upstream, length, &mut |piece| {
            raw.extend_from_slice(piece.bytes());
            if let Piece::Data(bytes) = piece {
                body.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        if let ReplyFault::CallFirst(callback) = self.fault {
            callback(&self.shared.recorded(self.index, self.request));
        } else {
            let mut document: serde_json::Value = serde_json::from_slice(&body)?;
            if let Some(result) = document.get_mut("result") {
                *result = serde_json::Value::Array(Vec::new());
            }
            raw = json_reply(reply.status().unwrap_or(200), document.to_string().as_bytes());
        }
        let mut client = self.client;
        client.write_all(&raw)
    }
}

/// Returns the bytes of a reply with this status and JSON body.
pub(super) fn json_reply(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Proxy\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
