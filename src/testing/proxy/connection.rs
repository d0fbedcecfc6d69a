//! One connection of a client, and the one to the daemon that belongs to it.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, recv};

use super::door;
use super::rule::{Act, Fault};
use super::shared::{SeenRequest, Shared};
use crate::testing::wire::{Head, Length, Piece, read_body, read_head};

/// Why a connection is over.
enum End {
    /// The client left, or a fault wants it closed.
    Closed,
    /// The daemon's side broke.
    Daemon,
}

/// What happens to the daemon's answer.
enum Back {
    Pass,
    Hold,
    Drop,
    Cut(usize),
    Drip(Duration),
    Hide,
    First(Act),
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
    if let End::Daemon = ended {
        // Before the client can know: when it comes again, the door says what the daemon's says.
        drop(door::probe(shared));
    }
    // `shared` holds another handle on the client's socket, so dropping ours would not close it.
    let _closed = client.shutdown(std::net::Shutdown::Both);
}

/// The daemon's side as a reader that also ends when the client leaves, as the daemon itself would see it.
struct Watched {
    upstream: UnixStream,
    client: UnixStream,
    watching: bool,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.watching {
            let (from_upstream, from_client) = wait_readable(&self.upstream, &self.client)?;
            if from_upstream {
                break;
            }
            if from_client {
                if has_left(&self.client) {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                // It has sent its next request early: that can wait, and so can its leaving.
                self.watching = false;
            }
        }
        self.upstream.read(buffer)
    }
}

/// Waits until one of both has something to read, its end included.
fn wait_readable(first: &UnixStream, second: &UnixStream) -> io::Result<(bool, bool)> {
    let mut both = [PollFd::new(first, PollFlags::IN), PollFd::new(second, PollFlags::IN)];
    loop {
        match poll(&mut both, None) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [first, second] = both;
    Ok((!first.revents().is_empty(), !second.revents().is_empty()))
}

/// Whether what is to be read on it is its end.
fn has_left(stream: &UnixStream) -> bool {
    let mut one = [0_u8; 1];
    match recv(stream, &mut one, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, count)) => count == 0,
        Err(error) => error != rustix::io::Errno::AGAIN,
    }
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
    fn new(shared: &'a Shared, client: &UnixStream, upstream: UnixStream, id: u64) -> io::Result<Self> {
        let watched = Watched {
            upstream: upstream.try_clone()?,
            client: client.try_clone()?,
            watching: true,
        };
        Ok(Self {
            shared,
            id,
            client: client.try_clone()?,
            from_client: BufReader::new(client.try_clone()?),
            upstream,
            from_upstream: BufReader::new(watched),
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
        let Some(head) = read_head(&mut self.from_client)? else {
            return Ok(Some(End::Closed));
        };
        if head.header("expect").is_some() {
            self.client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut raw = head.raw.clone();
        let mut body = Vec::new();
        read_body(&mut self.from_client, head.request_length()?, &mut |piece| {
            raw.extend_from_slice(piece.bytes());
            if let Piece::Data(bytes) = piece {
                body.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        let mut words = head.first.split(' ');
        let request = SeenRequest {
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            body,
            at: Instant::now(),
            connection: self.id,
            forwarded: false,
            status: None,
        };
        let (index, fault) = self.shared.take_in(request.clone());
        let back = match fault {
            None => Back::Pass,
            Some(Fault::Refuse(time)) => {
                self.shared.refuse_for(time);
                return Ok(Some(End::Closed));
            }
            Some(Fault::CutRequestBefore) => return Ok(Some(End::Closed)),
            Some(Fault::Silence) => return Ok(Some(self.hold())),
            Some(Fault::Garbage(bytes)) => {
                self.client.write_all(&bytes)?;
                return Ok(Some(End::Closed));
            }
            Some(Fault::Reply { status, body }) => {
                self.answer(status, body.as_bytes())?;
                return Ok(None);
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
        };
        self.upstream.write_all(&raw)?;
        self.shared.note(index, request.at, |seen| seen.forwarded = true);
        let reply = loop {
            let Some(reply) = read_head(&mut self.from_upstream)? else {
                return Ok(Some(End::Daemon));
            };
            // The daemon's "continue" has been said already.
            if reply.status() != Some(100) {
                break reply;
            }
        };
        self.shared.note(index, request.at, |seen| seen.status = reply.status());
        if reply.status() == Some(101) {
            return self.switch(&reply, &back);
        }
        let length = reply.reply_length(&request.method)?;
        let closes = |head: &Head| {
            head.header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"))
        };
        let kept = !(closes(&head) || closes(&reply) || length == Length::UntilClose);
        let kept = self.hand_back(&reply, length, &request, back)? && kept;
        Ok(if kept { None } else { Some(End::Closed) })
    }

    /// Gives the daemon's answer to the client as it is to be given. Whether the connection is to be kept.
    fn hand_back(&mut self, reply: &Head, length: Length, request: &SeenRequest, back: Back) -> io::Result<bool> {
        if let Back::Pass = back {
            self.client.write_all(&reply.raw)?;
            let client = &mut self.client;
            read_body(&mut self.from_upstream, length, &mut |piece| {
                client.write_all(piece.bytes())
            })?;
            return Ok(true);
        }
        let mut raw = reply.raw.clone();
        let mut body = Vec::new();
        read_body(&mut self.from_upstream, length, &mut |piece| {
            raw.extend_from_slice(piece.bytes());
            if let Piece::Data(bytes) = piece {
                body.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        match back {
            Back::Pass => {}
            Back::Hold => {
                self.hold();
                return Ok(false);
            }
            Back::Drop => return Ok(false),
            Back::Cut(count) => {
                self.client.write_all(raw.get(..count).unwrap_or(&raw))?;
                return Ok(false);
            }
            Back::Drip(time) => {
                for byte in &raw {
                    self.shared.sleep(time);
                    self.client.write_all(std::slice::from_ref(byte))?;
                }
            }
            Back::Hide => {
                let mut document: serde_json::Value = serde_json::from_slice(&body)?;
                if let Some(result) = document.get_mut("result") {
                    *result = serde_json::Value::Array(Vec::new());
                }
                self.answer(reply.status().unwrap_or(200), document.to_string().as_bytes())?;
            }
            Back::First(act) => {
                act(request);
                self.client.write_all(&raw)?;
            }
        }
        Ok(true)
    }

    /// An answer of our own.
    fn answer(&mut self, status: u16, body: &[u8]) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {status} Proxy\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.client.write_all(&[head.as_bytes(), body].concat())
    }

    /// Says nothing until the client leaves, or the proxy closes the connection.
    fn hold(&mut self) -> End {
        let mut sink = [0; 1024];
        while self.client.read(&mut sink).is_ok_and(|count| count > 0) {}
        End::Closed
    }

    /// The connection has become something else (a websocket): bytes both ways until one side ends. Only cuts are possible here.
    fn switch(&mut self, reply: &Head, back: &Back) -> io::Result<Option<End>> {
        match back {
            Back::Drop => return Ok(Some(End::Closed)),
            Back::Cut(count) => {
                self.client.write_all(reply.raw.get(..*count).unwrap_or(&reply.raw))?;
                return Ok(Some(End::Closed));
            }
            _ => self.client.write_all(&reply.raw)?,
        }
        self.client.write_all(self.from_upstream.buffer())?;
        self.upstream.write_all(self.from_client.buffer())?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let (from_client, from_daemon) = wait_readable(&self.client, &self.upstream)?;
            for (ready, from, to) in [
                (from_client, &self.client, &self.upstream),
                (from_daemon, &self.upstream, &self.client),
            ] {
                if !ready {
                    continue;
                }
                let (mut from, mut to) = (from, to);
                let count = from.read(&mut buffer)?;
                if count == 0 {
                    return Ok(Some(End::Daemon));
                }
                to.write_all(buffer.get(..count).unwrap_or_default())?;
            }
        }
    }
}
