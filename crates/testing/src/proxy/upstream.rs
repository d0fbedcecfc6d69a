//! The daemon's side of a connection.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, recv};

/// The daemon's side as a reader that also ends when the client leaves, as the daemon itself would
/// see it.
pub(super) struct Watched {
    stream: UnixStream,
    client: UnixStream,
    watch: Watch,
}

/// Whom it looks at beside the daemon.
enum Watch {
    Client,
    /// The upload reads from the client and so sees it leave; the other end of this is closed when
    /// the upload is over.
    Upload(UnixStream),
    Nobody,
}

impl Watched {
    pub(super) fn new(stream: UnixStream, client: UnixStream) -> Self {
        Self { stream, client, watch: Watch::Client }
    }

    pub(super) fn watch_client(&mut self) {
        self.watch = Watch::Client;
    }

    /// Until the other end of `over` is closed.
    pub(super) fn watch_upload(&mut self, over: UnixStream) {
        self.watch = Watch::Upload(over);
    }

    pub(super) fn watch_nobody(&mut self) {
        self.watch = Watch::Nobody;
    }

    /// Waits until the upload is over, or the daemon has closed its side. Whether it is over.
    pub(super) fn wait_for_upload(&mut self) -> io::Result<bool> {
        let Watch::Upload(over) = &self.watch else {
            return Ok(true);
        };
        let (_, is_over) = wait_readable(&self.stream, over)?;
        Ok(is_over)
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let beside = match &self.watch {
                Watch::Client => &self.client,
                Watch::Upload(over) => over,
                Watch::Nobody => break,
            };
            let (from_upstream, from_beside) = wait_readable(&self.stream, beside)?;
            if from_upstream {
                break;
            }
            if from_beside {
                self.watch = match self.watch {
                    Watch::Upload(_) => Watch::Client,
                    _ if has_left(&self.client) => {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    // It has sent its next request early: that can wait, and so can its leaving.
                    _ => Watch::Nobody,
                };
            }
        }
        self.stream.read(buffer)
    }
}

/// Waits until one of both has something to read, its end included.
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

/// Whether what is to be read on it is its end.
pub(super) fn has_left(stream: &UnixStream) -> bool {
    let mut one = [0_u8; 1];
    match recv(stream, &mut one, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, count)) => count == 0,
        Err(error) => error != rustix::io::Errno::AGAIN,
    }
}
