//! A request on its way to the daemon.

use std::io::{self, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::shared::Shared;
use crate::wire::{Body, Piece};

/// What has been read of a request, and what is still to come of its body.
pub(super) struct Upload<'a> {
    pub(super) shared: &'a Shared,
    /// By these it is found among the recorded requests.
    pub(super) index: usize,
    pub(super) at: Instant,
    /// Its head and the start of its body, as they came.
    pub(super) raw: Vec<u8>,
    pub(super) body: Body,
}

impl Upload<'_> {
    /// Reads the rest and throws it away.
    pub(super) fn drain(mut self, from_client: &mut BufReader<UnixStream>) -> io::Result<()> {
        while !self.body.is_over() {
            self.step(from_client, &mut |_| Ok(()))?;
        }
        Ok(())
    }

    /// Sends it all to the daemon, the rest as it comes. Whether that was possible.
    pub(super) fn send(
        mut self,
        from_client: &mut BufReader<UnixStream>,
        mut upstream: &UnixStream,
    ) -> bool {
        // A daemon that does not take it has closed its side: who reads from there sees that, after
        // what it may have answered.
        if upstream.write_all(&self.raw).is_err() {
            return false;
        }
        self.shared.note(self.index, self.at, |seen| seen.forwarded = true);
        while !self.body.is_over() {
            let mut taken = true;
            let step = self.step(from_client, &mut |bytes| {
                upstream.write_all(bytes).inspect_err(|_| taken = false)
            });
            if step.is_err() {
                if taken {
                    // It was the client that left in the middle, and so it has to look from the
                    // daemon.
                    let _closed = upstream.shutdown(Shutdown::Both);
                }
                return false;
            }
        }
        true
    }

    fn step(
        &mut self,
        from_client: &mut BufReader<UnixStream>,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (shared, index, at, body) = (self.shared, self.index, self.at, self.body);
        self.body.step(from_client, &mut |piece| {
            // Before it is passed on: who has the answer finds here all that was sent.
            shared.note(index, at, |seen| {
                if let Piece::Data(bytes) = piece {
                    seen.grow(bytes);
                }
                seen.whole = body.is_last(&piece);
            });
            sink(piece.bytes())
        })
    }
}
