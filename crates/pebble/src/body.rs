//! The body of a request consists of parts that are in memory and parts that are produced while it
//! is sent. They are never copied into one buffer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

/// The largest piece that is handed to the connection, in bytes. hyper copies each piece into its
/// own buffer, which must not grow to the size of a file.
const LARGEST_PIECE: usize = 128 * 1024;

/// The body of a request: its parts in their order.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    parts: VecDeque<Part>,
    /// A part has no known length, so the body has to be sent in chunks.
    has_unknown_length: bool,
}

#[derive(Debug)]
enum Part {
    Ready(Bytes),
    Piped {
        pieces: mpsc::Receiver<Bytes>,
        /// The number of bytes that are still to come; `None` if it is not known.
        left: Option<u64>,
    },
}

/// The sending side of a part that is produced while it is sent. Dropping it ends the part.
#[derive(Debug)]
pub(crate) struct Pipe(mpsc::Sender<Bytes>);

impl Pipe {
    /// Waits until the last piece was taken, and passes on the next one. Returns `false` if the
    /// request is over and nothing more is taken.
    pub(crate) async fn send(&self, piece: Bytes) -> bool {
        self.0.send(piece).await.is_ok()
    }
}

impl RequestBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let mut body = Self::default();
        body.push(bytes);
        body
    }

    /// Adds bytes that are in memory.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.parts.push_back(Part::Ready(bytes));
        }
    }

    /// Adds a part that is produced piece by piece. If it has a length, exactly so many bytes have
    /// to come.
    pub(crate) fn pipe(&mut self, length: Option<u64>) -> Pipe {
        // One piece is being sent while the next one is read. More pieces would only use memory.
        let (sender, pieces) = mpsc::channel(1);
        // The flag stays set after the part was sent, since the size hint is asked for again and
        // again.
        self.has_unknown_length |= length.is_none();
        self.parts.push_back(Part::Piped { pieces, left: length });
        Pipe(sender)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while let Some(part) = self.parts.front_mut() {
            match part {
                Part::Ready(bytes) => {
                    let piece = bytes.split_to(bytes.len().min(LARGEST_PIECE));
                    if bytes.is_empty() {
                        self.parts.pop_front();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
                Part::Piped { pieces, left } => match pieces.poll_recv(cx) {
                    Poll::Ready(Some(piece)) => {
                        if let Some(left) = left {
                            *left = left.saturating_sub(piece.len() as u64);
                        }
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                    Poll::Ready(None) => {
                        self.parts.pop_front();
                    }
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_unknown_length {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.parts.iter().fold(0, |sum: u64, part| {
            sum.saturating_add(match part {
                Part::Ready(bytes) => bytes.len() as u64,
                Part::Piped { left, .. } => left.unwrap_or(0),
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_and_are_never_large() {
        let mut body = RequestBody::whole(Bytes::from(vec![1; LARGEST_PIECE + 1]));
        let pipe = body.pipe(Some(2));
        body.push(Bytes::from_static(b"end"));
        assert_eq!(body.size_hint().exact(), Some(LARGEST_PIECE as u64 + 6));
        let reading = async {
            let mut lengths = Vec::new();
            while let Some(frame) = body.frame().await {
                lengths.push(frame.unwrap().into_data().unwrap().len());
            }
            lengths
        };
        let writing = async move {
            assert!(pipe.send(Bytes::from_static(b"a")).await);
            assert!(pipe.send(Bytes::from_static(b"b")).await);
        };
        let (lengths, ()) = tokio::join!(reading, writing);
        assert_eq!(lengths, [LARGEST_PIECE, 1, 1, 1, 3]);
        assert!(body.is_end_stream());
    }

    #[test]
    fn an_unknown_length_is_not_guessed() {
        let mut body = RequestBody::whole(Bytes::from_static(b"a"));
        let _pipe = body.pipe(None);
        assert_eq!(body.size_hint().exact(), None);
        assert_eq!(RequestBody::default().size_hint().exact(), Some(0));
    }
}
