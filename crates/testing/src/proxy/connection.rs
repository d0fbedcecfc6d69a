//! One connection of a client, and the connection to the daemon that belongs to it.

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use super::endless;
use super::probe;
use super::reply::{ReplyEnd, ReplyFault, ReplyPass, json_reply};
use super::request::{RECORDED_BODY, SeenRequest};
use super::rule::Fault;
use super::shared::Shared;
use super::upgraded::Upgraded;
use super::upload::Upload;
use super::upstream::{UpstreamReader, is_at_end, wait_readable};
use crate::wire::{Body, Head, Length, MAX_HEAD, Piece, read_head, read_line};

/// The number of bytes of one read.
const BUFFER: usize = 64 * 1024;

/// Why the proxy ends a connection.
enum ConnectionEnd {
    /// The client has closed it, or a fault closes it.
    Closed,
    /// A fault closes it while bytes of the client are unread.
    CutUnread,
    /// The daemon has closed its side, or could not be connected to.
    UpstreamLost,
}

/// Serves a client until one of the two sides ends.
pub(super) fn serve(shared: &Shared, client: UnixStream, id: u64) {
    let ended = match UnixStream::connect(&shared.upstream) {
        Ok(upstream) => match Connection::new(shared, &client, upstream, id) {
            Ok(mut connection) => connection.run(),
            Err(_) => ConnectionEnd::Closed,
        },
        Err(_) => ConnectionEnd::UpstreamLost,
    };
    match ended {
        // The kernel sends a reset when the last handle is closed with unread bytes. A shutdown
        // would send an ordinary end before.
        ConnectionEnd::CutUnread => return,
        // The probe comes before the client's side is closed: a client that connects again at once
        // must find the proxy's socket in the state of the daemon's.
        ConnectionEnd::UpstreamLost => probe::probe_after_end(shared),
        ConnectionEnd::Closed => {}
    }
    // `shared` holds another handle on the client's socket, so dropping this one would not close
    // it.
    let _closed = client.shutdown(Shutdown::Both);
}

/// A client's connection and the daemon's, each as a handle to write to and a buffered reader.
struct Connection<'a> {
    shared: &'a Shared,
    id: u64,
    client: UnixStream,
    from_client: BufReader<UnixStream>,
    upstream: UnixStream,
    from_upstream: BufReader<UpstreamReader>,
}

impl<'a> Connection<'a> {
    fn new(
        shared: &'a Shared,
        client: &UnixStream,
        upstream: UnixStream,
        id: u64,
    ) -> io::Result<Self> {
        if !shared.register_upstream(id, &upstream)? {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let watched = UpstreamReader::new(upstream.try_clone()?, client.try_clone()?);
        Ok(Self {
            shared,
            id,
            client: client.try_clone()?,
            from_client: BufReader::with_capacity(BUFFER, client.try_clone()?),
            upstream,
            from_upstream: BufReader::with_capacity(BUFFER, watched),
        })
    }

    /// Serves one request after the other until the connection ends.
    fn run(&mut self) -> ConnectionEnd {
        loop {
            match self.exchange() {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                // The error does not tell which side broke. If it was the client, the probe of the
                // daemon that follows does no harm.
                Err(_) => return ConnectionEnd::UpstreamLost,
            }
        }
    }

    /// Serves one request. Returns `None` if the connection is kept for the next one.
    fn exchange(&mut self) -> io::Result<Option<ConnectionEnd>> {
        // A client that waits between two requests must see at once that the daemon has gone.
        if self.from_client.buffer().is_empty() {
            let (_, from_daemon) = wait_readable(&self.client, &self.upstream)?;
            if from_daemon && is_at_end(&self.upstream) {
                return Ok(Some(ConnectionEnd::UpstreamLost));
            }
        }
        let mut line = Vec::new();
        if self.shared.may_cut_unread() && self.is_cut_at_first_line(&mut line)? {
            return Ok(Some(ConnectionEnd::CutUnread));
        }
        let Some(head) = read_head(&mut line.as_slice().chain(&mut self.from_client))? else {
            return Ok(Some(ConnectionEnd::Closed));
        };
        if head.header("expect").is_some() {
            self.client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let (request, raw, body) = self.begin(&head)?;
        let (index, fault) = self.shared.record(&request);
        let upload = Upload { shared: self.shared, index, at: request.at, raw, body };
        let reply_fault = match fault {
            None => ReplyFault::None,
            Some(Fault::Refuse(time)) => {
                self.shared.refuse_for(time);
                return Ok(Some(ConnectionEnd::Closed));
            }
            Some(Fault::Delay(time)) => {
                self.shared.sleep(time);
                ReplyFault::None
            }
            Some(Fault::Before(callback)) => {
                callback(&request);
                ReplyFault::None
            }
            Some(Fault::HoldReply) => ReplyFault::Hold,
            Some(Fault::DropReply) => ReplyFault::Drop,
            Some(Fault::CutReplyAfter(count)) => ReplyFault::CutAfter(count),
            Some(Fault::DripFeed(time)) => ReplyFault::Drip(time),
            Some(Fault::HideChanges) => ReplyFault::EmptyResult,
            Some(Fault::BeforeReply(callback)) => ReplyFault::CallFirst(callback),
            Some(Fault::ReplaceFrames { bytes, then }) => ReplyFault::ReplaceFrames(bytes, then),
            Some(replacing) => return self.replace(upload, replacing),
        };
        let end = self.forward(upload, index, &request, &reply_fault)?;
        Ok(match end {
            ReplyEnd::Passed { is_reusable } if is_reusable && !head.closes() => None,
            ReplyEnd::Passed { .. } | ReplyEnd::Close => Some(ConnectionEnd::Closed),
            ReplyEnd::Hold => Some(self.hold()),
            ReplyEnd::Lost => Some(ConnectionEnd::UpstreamLost),
            ReplyEnd::Switch(reply) => {
                let seen = self.shared.recorded(index, &request);
                self.upgraded().run(&reply, &reply_fault, &seen)?;
                Some(ConnectionEnd::Closed)
            }
        })
    }

    /// Reads the first line of the request into `line`, and returns `true` if a rule closes the
    /// connection after it.
    fn is_cut_at_first_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        if self.from_client.buffer().is_empty() {
            // Single bytes are read past the buffer, so that the rest stays unread in the socket.
            read_line(&mut BufReader::with_capacity(1, &self.client), line, MAX_HEAD)?;
        } else {
            read_line(&mut self.from_client, line, MAX_HEAD)?;
        }
        let request = SeenRequest::from_first_line(&String::from_utf8_lossy(line), self.id);
        Ok(line.ends_with(b"\n") && self.shared.fires_unread(&request))
    }

    /// Reads as much of the body as the record of the request must hold at first. Returns the
    /// request, its bytes so far, and the state of its body.
    fn begin(&mut self, head: &Head) -> io::Result<(SeenRequest, Vec<u8>, Body)> {
        let length = head.request_length()?;
        let mut request = SeenRequest::from_first_line(&head.first, self.id);
        let mut raw = head.raw.clone();
        let mut body = Body::new(length);
        let is_short = matches!(length, Length::Exact(length) if length <= RECORDED_BODY as u64);
        if is_short || self.shared.needs_body(&request.method, &request.path) {
            while !body.is_over() && (is_short || request.body.len() < RECORDED_BODY) {
                body.step(&mut self.from_client, &mut |piece| {
                    raw.extend_from_slice(piece.bytes());
                    if let Piece::Data(bytes) = piece {
                        request.add_body(bytes);
                    }
                    Ok(())
                })?;
            }
        }
        request.is_complete = body.is_over();
        request.at = Instant::now();
        Ok((request, raw, body))
    }

    /// Does what the fault says instead of passing the request on, once all of it has arrived.
    fn replace(&mut self, upload: Upload<'_>, fault: Fault) -> io::Result<Option<ConnectionEnd>> {
        upload.drain(&mut self.from_client)?;
        match fault {
            Fault::Silence => return Ok(Some(self.hold())),
            Fault::Garbage(bytes) => self.client.write_all(&bytes)?,
            Fault::Reply { status, body } => {
                self.client.write_all(&json_reply(status, body.as_bytes()))?;
                return Ok(None);
            }
            Fault::EndlessHeader => endless::write_header(&self.client)?,
            Fault::EndlessBody { head, part } => {
                endless::write_body(&self.client, &head, &part)?;
                return Ok(Some(self.hold()));
            }
            _ => {}
        }
        Ok(Some(ConnectionEnd::Closed))
    }

    /// Passes the request on to the daemon and the reply back to the client.
    fn forward(
        &mut self,
        upload: Upload<'_>,
        index: usize,
        request: &SeenRequest,
        fault: &ReplyFault,
    ) -> io::Result<ReplyEnd> {
        let Self { shared, client, from_client, upstream, from_upstream, .. } = self;
        let (shared, client, upstream) = (*shared, &*client, &*upstream);
        from_upstream.get_mut().watch_client();
        let pass = ReplyPass { shared, client, index, request, fault };
        if upload.body.is_over() {
            upload.send(from_client, upstream);
            return pass.run(from_upstream);
        }
        // The daemon may reply before it has read the whole body, so another thread sends that. A
        // pair of streams tells the reader when that thread is done: its end is closed then.
        let (upload_end, open_while_sending) = UnixStream::pair()?;
        from_upstream.get_mut().watch_upload(upload_end);
        thread::scope(|scope| {
            let uploading = thread::Builder::new().name("proxy-upload".to_owned()).spawn_scoped(
                scope,
                move || {
                    let is_sent = upload.send(from_client, upstream);
                    drop(open_while_sending);
                    is_sent
                },
            )?;
            let end = pass.run(from_upstream);
            let upload_ends_by_itself = match &end {
                Ok(ReplyEnd::Hold) => true,
                // The client may still be sending, and the rest is sent for as long as the daemon
                // takes it.
                Ok(ReplyEnd::Passed { .. }) => {
                    from_upstream.get_mut().wait_for_upload().unwrap_or(false)
                }
                _ => false,
            };
            if !upload_ends_by_itself {
                if matches!(end, Ok(ReplyEnd::Lost) | Err(_)) {
                    // Before the client's side is closed, as in `serve`.
                    probe::probe_after_end(shared);
                }
                let _closed = client.shutdown(Shutdown::Both);
                let _closed = upstream.shutdown(Shutdown::Both);
            }
            let is_sent = uploading.join().unwrap_or(false);
            Ok(match end? {
                // The rest of an unread body would be taken for the next request.
                ReplyEnd::Passed { is_reusable } => {
                    ReplyEnd::Passed { is_reusable: is_reusable && is_sent }
                }
                end => end,
            })
        })
    }

    fn upgraded(&mut self) -> Upgraded<'_> {
        Upgraded {
            shared: self.shared,
            client: &self.client,
            from_client: &mut self.from_client,
            upstream: &self.upstream,
            from_upstream: &mut self.from_upstream,
        }
    }

    /// Sends nothing until the client closes the connection, or the proxy does.
    fn hold(&mut self) -> ConnectionEnd {
        let mut sink = [0; 1024];
        while self.client.read(&mut sink).is_ok_and(|count| count > 0) {}
        ConnectionEnd::Closed
    }
}
