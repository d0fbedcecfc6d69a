//! The reading side of a connection to the daemon.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, recv};

/// A reader of the daemon's side that also ends when the client closes its connection.
///
/// The daemon must see a client leave at the time at which it would see it without the proxy: a
/// long poll without a reader would hold its stop up.
pub(super) struct UpstreamReader {
    stream: UnixStream,
    client: UnixStream,
    watched: Watched,
}

/// What the reader watches besides the daemon.
enum Watched {
    /// The client's connection.
    Client,
    /// The end of an upload, whose thread closes the other end of this stream. That thread reads
    /// from the client, so it sees the client leave.
    Upload(UnixStream),
    /// Nothing else.
    Nothing,
}

impl UpstreamReader {
    pub(super) fn new(stream: UnixStream, client: UnixStream) -> Self {
        Self { stream, client, watched: Watched::Client }
    }

    /// Watches the client from now on.
    pub(super) fn watch_client(&mut self) {
        self.watched = Watched::Client;
    }

    /// Watches an upload until the other end of this stream is closed, and then the client.
    pub(super) fn watch_upload(&mut self, upload: UnixStream) {
        self.watched = Watched::Upload(upload);
    }

    /// Reads from the daemon alone from now on.
    pub(super) fn watch_nothing(&mut self) {
        self.watched = Watched::Nothing;
    }

    /// Waits until the upload is over, or the daemon has closed its side. Returns `true` if the
    /// upload is over.
    pub(super) fn wait_for_upload(&mut self) -> io::Result<bool> {
        let Watched::Upload(upload) = &self.watched else {
            return Ok(true);
        };
        let (_, is_over) = wait_readable(&self.stream, upload)?;
        Ok(is_over)
    }
}

impl Read for UpstreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let other = match &self.watched {
                Watched::Client => &self.client,
                Watched::Upload(upload) => upload,
                Watched::Nothing => break,
            };
            let (from_upstream, from_other) = wait_readable(&self.stream, other)?;
            if from_upstream {
                break;
            }
            if from_other {
                self.watched = match self.watched {
                    Watched::Upload(_) => Watched::Client,
                    _ if is_at_end(&self.client) => {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    // The client has sent its next request before this reply. That request can
                    // wait, and its end of the connection cannot be seen behind it.
                    _ => Watched::Nothing,
                };
            }
        }
        self.stream.read(buffer)
    }
}

/// Waits until one of the two streams has bytes to read or is at its end. Returns which of them.
pub(super) fn wait_readable(first: &UnixStream, second: &UnixStream) -> io::Result<(bool, bool)> {
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

/// Returns `true` if the other side has closed this stream and there are no bytes left to read.
pub(super) fn is_at_end(stream: &UnixStream) -> bool {
    let mut one = [0_u8; 1];
    match recv(stream, &mut one, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, count)) => count == 0,
        Err(error) => error != rustix::io::Errno::AGAIN,
    }
}
