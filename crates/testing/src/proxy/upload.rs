//! The passing of a request on to the daemon.

use std::io::{self, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::shared::Shared;
use crate::wire::{Body, Piece};

/// A request that is passed on: the part that has been read, and the state of the rest of its body.
pub(super) struct Upload<'a> {
    pub(super) shared: &'a Shared,
    /// The index of the request's record.
    pub(super) index: usize,
    /// The time of the request's record, which tells it from a later one at the same index.
    pub(super) at: Instant,
    /// The head and the start of the body, as the client sent them.
    pub(super) raw: Vec<u8>,
    pub(super) body: Body,
}

impl Upload<'_> {
    /// Reads the rest of the body and throws it away.
    pub(super) fn drain(mut self, from_client: &mut BufReader<UnixStream>) -> io::Result<()> {
        while !self.body.is_over() {
            self.step(from_client, &mut |_| Ok(()))?;
        }
        Ok(())
    }

    /// Sends the request to the daemon, the rest of its body as it arrives. Returns `true` if the
    /// daemon took all of it.
    pub(super) fn send(
        mut self,
        from_client: &mut BufReader<UnixStream>,
        mut upstream: &UnixStream,
    ) -> bool {
        // A failed write is no error here: the daemon has closed its side, and the reader of that
        // side finds this out after any reply that the daemon sent before.
        if upstream.write_all(&self.raw).is_err() {
            return false;
        }
        self.shared.update(self.index, self.at, |seen| seen.forwarded = true);
        while !self.body.is_over() {
            let mut is_written = true;
            let step = self.step(from_client, &mut |bytes| {
                upstream.write_all(bytes).inspect_err(|_| is_written = false)
            });
            if step.is_err() {
                if is_written {
                    // The client went in the middle of its request. The daemon has to see the same,
                    // or it would wait for the rest of the body.
                    let _closed = upstream.shutdown(Shutdown::Both);
                }
                return false;
            }
        }
        true
    }

    /// Reads the next piece of the body, records it and hands it to `sink`.
    fn step(
        &mut self,
        from_client: &mut BufReader<UnixStream>,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (shared, index, at, body) = (self.shared, self.index, self.at, self.body);
        self.body.step(from_client, &mut |piece| {
            // The piece is recorded before it is passed on: a test that has the daemon's reply must
            // find all that was sent in the record.
            shared.update(index, at, |seen| {
                if let Piece::Data(bytes) = piece {
                    seen.add_body(bytes);
                }
                seen.is_complete = body.is_last(&piece);
            });
            sink(piece.bytes())
        })
    }
}
