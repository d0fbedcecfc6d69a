//! One connection of a client, and the one to the daemon that belongs to it.

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use super::endless;
use super::listen_state;
use super::reply::{After, Back, Replying, answer};
use super::rule::Fault;
use super::shared::{KEPT, SeenRequest, Shared};
use super::upgraded::Upgraded;
use super::upload::Upload;
use super::upstream::{Watched, has_left, wait_readable};
use crate::wire::{Body, Head, Length, MAX_HEAD, Piece, read_head, read_line};

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// Why a connection is over.
enum End {
    /// The client left, or a fault wants it closed.
    Closed,
    /// A fault wants it closed with what the client has sent unread.
    Unread,
    /// The daemon's side broke.
    Daemon,
}

/// Serves a client until either side is gone.
pub(super) fn serve(shared: &Shared, client: UnixStream, id: u64) {
    let ended = match UnixStream::connect(&shared.upstream) {
        Ok(upstream) => match Connection::new(shared, &client, upstream, id) {
            Ok(mut connection) => connection.run(),
            Err(_) => End::Closed,
        },
        Err(_) => End::Daemon,
    };
    match ended {
        // Only closing resets, and that happens when the last handle goes; shutting it would be a
        // quiet end.
        End::Unread => return,
        // Before the client can know: when it comes again, the door says what the daemon's says.
        End::Daemon => listen_state::probe_after_end(shared),
        End::Closed => {}
    }
    // `shared` holds another handle on the client's socket, so dropping ours would not close it.
    let _closed = client.shutdown(Shutdown::Both);
}

struct Connection<'a> {
    shared: &'a Shared,
    id: u64,
    client: UnixStream,
    from_client: BufReader<UnixStream>,
    upstream: UnixStream,
    from_upstream: BufReader<Watched>,
}

impl<'a> Connection<'a> {
    fn new(
        shared: &'a Shared,
        client: &UnixStream,
        upstream: UnixStream,
        id: u64,
    ) -> io::Result<Self> {
        if !shared.attach(id, &upstream)? {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let watched = Watched::new(upstream.try_clone()?, client.try_clone()?);
        Ok(Self {
            shared,
            id,
            client: client.try_clone()?,
            from_client: BufReader::with_capacity(BUFFER, client.try_clone()?),
            upstream,
            from_upstream: BufReader::with_capacity(BUFFER, watched),
        })
    }

    fn run(&mut self) -> End {
        loop {
            match self.exchange() {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                // Whichever side broke: a look at the daemon does no harm when it was the client.
                Err(_) => return End::Daemon,
            }
        }
    }

    /// One request and its answer. `None`: the connection is kept.
    fn exchange(&mut self) -> io::Result<Option<End>> {
        if self.from_client.buffer().is_empty() {
            let (_, from_daemon) = wait_readable(&self.client, &self.upstream)?;
            if from_daemon && has_left(&self.upstream) {
                return Ok(Some(End::Daemon));
            }
        }
        let mut line = Vec::new();
        if self.shared.may_leave_unread() && self.cuts_at_first_line(&mut line)? {
            return Ok(Some(End::Unread));
        }
        let Some(head) = read_head(&mut line.as_slice().chain(&mut self.from_client))? else {
            return Ok(Some(End::Closed));
        };
        if head.header("expect").is_some() {
            self.client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let (request, raw, body) = self.begin(&head)?;
        let (index, fault) = self.shared.take_in(&request);
        let upload = Upload { shared: self.shared, index, at: request.at, raw, body };
        let back = match fault {
            None => Back::Pass,
            Some(Fault::Refuse(time)) => {
                self.shared.refuse_for(time);
                return Ok(Some(End::Closed));
            }
            Some(Fault::Delay(time)) => {
                self.shared.sleep(time);
                Back::Pass
            }
            Some(Fault::Before(act)) => {
                act(&request);
                Back::Pass
            }
            Some(Fault::HoldReply) => Back::Hold,
            Some(Fault::DropReply) => Back::Drop,
            Some(Fault::CutReplyAfter(count)) => Back::Cut(count),
            Some(Fault::DripFeed(time)) => Back::Drip(time),
            Some(Fault::HideChanges) => Back::Hide,
            Some(Fault::BeforeReply(act)) => Back::First(act),
            Some(Fault::ReplaceFrames { bytes, then }) => Back::Replace(bytes, then),
            Some(instead) => return self.instead(upload, instead),
        };
        let after = self.forward(upload, index, &request, &back)?;
        Ok(match after {
            After::Given { kept } if kept && !head.closes() => None,
            After::Given { .. } | After::Close => Some(End::Closed),
            After::Hold => Some(self.hold()),
            After::Lost => Some(End::Daemon),
            After::Switch(reply) => {
                let seen = self.shared.seen_now(index, &request);
                self.upgraded().run(&reply, &back, &seen)?;
                Some(End::Closed)
            }
        })
    }

    /// Whether a rule closes the connection at the first line of the request, which is left in
    /// `line` when none does.
    fn cuts_at_first_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        if self.from_client.buffer().is_empty() {
            // A byte at a time, so that what follows stays unread.
            read_line(&mut BufReader::with_capacity(1, &self.client), line, MAX_HEAD)?;
        } else {
            read_line(&mut self.from_client, line, MAX_HEAD)?;
        }
        let request = SeenRequest::new(&String::from_utf8_lossy(line), self.id);
        Ok(line.ends_with(b"\n") && self.shared.leaves_unread(&request))
    }

    /// Reads as much of the body as must be there when the request is taken in. With it come the
    /// bytes so far.
    fn begin(&mut self, head: &Head) -> io::Result<(SeenRequest, Vec<u8>, Body)> {
        let length = head.request_length()?;
        let mut request = SeenRequest::new(&head.first, self.id);
        let mut raw = head.raw.clone();
        let mut body = Body::new(length);
        let is_short = matches!(length, Length::Exact(length) if length <= KEPT as u64);
        if is_short || self.shared.needs_body(&request.method, &request.path) {
            while !body.is_over() && (is_short || request.body.len() < KEPT) {
                body.step(&mut self.from_client, &mut |piece| {
                    raw.extend_from_slice(piece.bytes());
                    if let Piece::Data(bytes) = piece {
                        request.grow(bytes);
                    }
                    Ok(())
                })?;
            }
        }
        request.whole = body.is_over();
        request.at = Instant::now();
        Ok((request, raw, body))
    }

    /// Does something else than passing the request on, once all of it has come.
    fn instead(&mut self, upload: Upload<'_>, fault: Fault) -> io::Result<Option<End>> {
        upload.drain(&mut self.from_client)?;
        match fault {
            Fault::Silence => return Ok(Some(self.hold())),
            Fault::Garbage(bytes) => self.client.write_all(&bytes)?,
            Fault::Reply { status, body } => {
                self.client.write_all(&answer(status, body.as_bytes()))?;
                return Ok(None);
            }
            Fault::EndlessHeader => endless::header(&self.client)?,
            Fault::EndlessBody { head, part } => {
                endless::body(&self.client, &head, &part)?;
                return Ok(Some(self.hold()));
            }
            _ => {}
        }
        Ok(Some(End::Closed))
    }

    /// Passes the request on and its answer back.
    fn forward(
        &mut self,
        upload: Upload<'_>,
        index: usize,
        request: &SeenRequest,
        back: &Back,
    ) -> io::Result<After> {
        let Self { shared, client, from_client, upstream, from_upstream, .. } = self;
        let (shared, client, upstream) = (*shared, &*client, &*upstream);
        from_upstream.get_mut().watch_client();
        let replying = Replying { shared, client, index, request, back };
        if upload.body.is_over() {
            upload.send(from_client, upstream);
            return replying.run(from_upstream);
        }
        // The daemon may answer before it has had all, so one thread sends and this one listens.
        let (over, sending) = UnixStream::pair()?;
        from_upstream.get_mut().watch_upload(over);
        thread::scope(|scope| {
            let uploading = thread::Builder::new().name("proxy-upload".to_owned()).spawn_scoped(
                scope,
                move || {
                    let whole = upload.send(from_client, upstream);
                    drop(sending);
                    whole
                },
            )?;
            let after = replying.run(from_upstream);
            let ends = match &after {
                Ok(After::Hold) => true,
                // As long as the daemon takes the rest, it is sent.
                Ok(After::Given { .. }) => {
                    from_upstream.get_mut().wait_for_upload().unwrap_or(false)
                }
                _ => false,
            };
            if !ends {
                if matches!(after, Ok(After::Lost) | Err(_)) {
                    // Before the client can know, as at the end of a connection.
                    listen_state::probe_after_end(shared);
                }
                let _closed = client.shutdown(Shutdown::Both);
                let _closed = upstream.shutdown(Shutdown::Both);
            }
            let whole = uploading.join().unwrap_or(false);
            Ok(match after? {
                After::Given { kept } => After::Given { kept: kept && whole },
                after => after,
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

    /// Says nothing until the client leaves, or the proxy closes the connection.
    fn hold(&mut self) -> End {
        let mut sink = [0; 1024];
        while self.client.read(&mut sink).is_ok_and(|count| count > 0) {}
        End::Closed
    }
}
