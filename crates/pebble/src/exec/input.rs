//! The command's stdin on its way to the websocket.

use std::task::{Context, Poll, ready};

use futures_util::SinkExt as _;
use hyper::body::Bytes;
use tokio_tungstenite::tungstenite::{Error as WebsocketError, Message};

use super::super::body_stream::Websocket;
use super::control::END;

/// The most that one frame carries: what the daemon itself puts into one at most. (Pebble 1.32.1,
/// `internals/wsutil`.)
const LARGEST_FRAME: usize = 128 * 1024;

/// Where the stdin of the command stands.
pub(super) struct Input {
    state: State,
    /// Frames were given to the websocket that it may not have written yet.
    is_unflushed: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nobody has said yet what it is.
    Unclaimed,
    /// These bytes and then the end.
    Given(Bytes),
    /// What its writer writes.
    Claimed,
    /// No more bytes; the end is still to be sent.
    Ending,
    /// The end was sent, or the command takes no more.
    Over,
}

impl Input {
    /// These bytes, or what somebody will write.
    pub(super) fn new(given: Option<Bytes>) -> Self {
        Self { state: given.map_or(State::Unclaimed, State::Given), is_unflushed: false }
    }

    /// Whether it was free to be taken; now it is taken.
    pub(super) fn claim(&mut self) -> bool {
        let was_unclaimed = self.state == State::Unclaimed;
        if was_unclaimed {
            self.state = State::Claimed;
        }
        was_unclaimed
    }

    /// Nobody has taken it, and nobody will: the command is to read its end.
    pub(super) fn end_unless_claimed(&mut self) {
        if self.state == State::Unclaimed {
            self.state = State::Ending;
        }
    }

    /// Its writer writes no more.
    pub(super) fn finish(&mut self) {
        if self.state == State::Claimed {
            self.state = State::Ending;
        }
    }

    /// The command takes no more.
    pub(super) fn discard(&mut self) {
        self.state = State::Over;
        self.is_unflushed = false;
    }

    pub(super) fn is_writable(&self) -> bool {
        self.state == State::Claimed
    }

    /// Sends what is known of it already, and writes out what was sent. Whether anything moved.
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
        // That the connection is broken shows where it is read, and there it matters.
        if result.is_err() {
            self.discard();
            has_progress = true;
        }
        has_progress
    }

    /// Takes bytes of the writer's; the error is that of the websocket.
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

    /// Whether there was anything to write out.
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

    /// Whether the end has been sent and written, or there is nobody to send it to.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over && !self.is_unflushed
    }
}
