//! Sends the command's stdin over the websocket.

use std::task::{Context, Poll, ready};

use futures_util::SinkExt as _;
use hyper::body::Bytes;
use tokio_tungstenite::tungstenite::{Error as WebsocketError, Message};

use super::super::body_stream::Websocket;
use super::control::END;

/// The most bytes of one frame, which is what the daemon itself puts into one at most (Pebble
/// 1.32.1, `internals/wsutil`).
const LARGEST_FRAME: usize = 128 * 1024;

/// The stdin of a command: where it comes from, and what is still to be sent.
pub(super) struct Input {
    state: State,
    /// The websocket holds frames that it may not have written to the connection yet.
    is_unflushed: bool,
}

/// The state of the stdin.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// No bytes were given, and no writer was taken.
    Unclaimed,
    /// These bytes are to be sent, and then the end.
    Given(Bytes),
    /// A writer gives the bytes.
    Claimed,
    /// No more bytes come, and the end is to be sent.
    Ending,
    /// The end was sent, or the command takes no more input.
    Over,
}

impl Input {
    /// Makes the stdin from the bytes that were given, or leaves it to a writer.
    pub(super) fn new(given: Option<Bytes>) -> Self {
        Self { state: given.map_or(State::Unclaimed, State::Given), is_unflushed: false }
    }

    /// Gives the stdin to a writer. Returns `false` if it was not free.
    pub(super) fn claim(&mut self) -> bool {
        let was_unclaimed = self.state == State::Unclaimed;
        if was_unclaimed {
            self.state = State::Claimed;
        }
        was_unclaimed
    }

    /// Ends the stdin if there is no writer and will be none. A command that reads would otherwise
    /// wait for ever.
    pub(super) fn end_unless_claimed(&mut self) {
        if self.state == State::Unclaimed {
            self.state = State::Ending;
        }
    }

    /// Ends the stdin when its writer is done.
    pub(super) fn finish(&mut self) {
        if self.state == State::Claimed {
            self.state = State::Ending;
        }
    }

    /// Drops what is left to send, since the command takes no more input.
    pub(super) fn discard(&mut self) {
        self.state = State::Over;
        self.is_unflushed = false;
    }

    /// Returns `true` if a writer may write.
    pub(super) fn is_writable(&self) -> bool {
        self.state == State::Claimed
    }

    /// Sends the bytes that were given and the end, and flushes the websocket, as far as it takes
    /// them. Returns `true` if anything was sent or flushed.
    pub(super) fn send_pending(&mut self, socket: &mut Websocket, cx: &mut Context<'_>) -> bool {
        let mut has_progress = false;
        let result = loop {
            let message = match &mut self.state {
                State::Given(bytes) if !bytes.is_empty() => {
                    match socket.poll_ready_unpin(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => break Err(error),
                        Poll::Pending => return has_progress,
                    }
                    Message::Binary(bytes.split_to(bytes.len().min(LARGEST_FRAME)))
                }
                State::Given(_) | State::Ending => {
                    match socket.poll_ready_unpin(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => break Err(error),
                        Poll::Pending => return has_progress,
                    }
                    self.state = State::Over;
                    Message::text(END)
                }
                State::Unclaimed | State::Claimed | State::Over => break Ok(()),
            };
            self.is_unflushed = true;
            has_progress = true;
            if let Err(error) = socket.start_send_unpin(message) {
                break Err(error);
            }
        };
        let result = result.and_then(|()| match self.poll_flush(socket, cx) {
            Poll::Ready(Ok(was_flushed)) => {
                has_progress |= was_flushed;
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(()),
        });
        // The error is not reported here: reading the same websocket fails as well, and that is
        // where it decides about the command.
        if result.is_err() {
            self.discard();
            has_progress = true;
        }
        has_progress
    }

    /// Sends bytes of the writer. The error is that of the websocket.
    pub(super) fn poll_write(
        &mut self,
        socket: &mut Websocket,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, WebsocketError>> {
        ready!(socket.poll_ready_unpin(cx))?;
        let piece = bytes.get(..bytes.len().min(LARGEST_FRAME)).unwrap_or(bytes);
        socket.start_send_unpin(Message::Binary(Bytes::copy_from_slice(piece)))?;
        self.is_unflushed = true;
        Poll::Ready(Ok(piece.len()))
    }

    /// Flushes the websocket. Returns `true` if there was anything to flush.
    pub(super) fn poll_flush(
        &mut self,
        socket: &mut Websocket,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, WebsocketError>> {
        if !self.is_unflushed {
            return Poll::Ready(Ok(false));
        }
        ready!(socket.poll_flush_unpin(cx))?;
        self.is_unflushed = false;
        Poll::Ready(Ok(true))
    }

    /// Returns `true` if the end was sent and flushed, or if the command takes no more input.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over && !self.is_unflushed
    }
}
