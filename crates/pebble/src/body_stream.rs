//! An answer that is read as it comes, and a connection that becomes a websocket: the two ways of
//! being answered that are no envelope.
//!
//! Both are one attempt. Whoever makes it decides what a break in the middle means, since part of
//! the answer has been used by then.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::call::{AttemptError, ExchangeError, Halt};
use super::connection::{Connection, CountingStream, Upgraded};
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::transport::{TransportError, TransportFailure};

/// A websocket of Pebble's.
pub(super) type Websocket = WebSocketStream<TokioIo<CountingStream>>;

/// The largest message that is taken: Pebble's frames hold at most 128 KiB. (Pebble 1.32.1,
/// `internals/wsutil`.)
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// Large enough for a few system calls per large frame; most commands write less.
const READ_BUFFER: usize = 32 * 1024;

/// The body of an answer, piece by piece. Dropping it closes the connection, unless it was read to
/// its end.
pub(super) struct BodyStream {
    client: Reader,
    lane: Option<Connection>,
    body: hyper::body::Incoming,
    content_type: String,
}

impl Reader {
    /// Sends one request and gives the body of its answer as it comes. A status other than 200, or
    /// an answer in JSON where another type was asked for by [`Request::accept`], is read whole and
    /// is a refusal.
    ///
    /// `patience` bounds the wait for the head of the answer, and for the whole of one that
    /// refuses; without it the wait for the head has no end.
    pub(super) async fn open(
        &self,
        request: &Request,
        patience: Option<Duration>,
    ) -> Result<BodyStream, AttemptError> {
        request.check(self.daemon()).map_err(AttemptError::Final)?;
        loop {
            let mut lane = self.lane(request.operation()).await?;
            let started = Instant::now();
            let opened = async {
                let message = request.message()?;
                lane.open(message, patience).await
            };
            let response = match opened.await {
                Ok(response) => response,
                Err(broken) => {
                    match self.judge(request.operation(), broken, started.elapsed(), false) {
                        ExchangeError::Halt(Halt::Stale) => continue,
                        snag => return Err(self.unanswered(request, snag)),
                    }
                }
            };
            let content_type = response
                .headers()
                .get(hyper::header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            if response.status().as_u16() == 200 && !content_type.starts_with("application/json") {
                return Ok(BodyStream {
                    client: self.clone(),
                    lane: Some(lane),
                    body: response.into_body(),
                    content_type,
                });
            }
            let limit = match patience {
                Some(patience) => patience.saturating_sub(started.elapsed()),
                None => self.policy().limit(self.budget().unanswered(), true),
            };
            let reply = match lane.finish(response, limit).await {
                Ok(reply) => reply,
                Err(broken) => {
                    let snag = self.judge(request.operation(), broken, started.elapsed(), false);
                    return Err(self.unanswered(request, snag));
                }
            };
            self.transport().keep(lane);
            return Err(match self.decode_reply(request, &reply) {
                Ok(_) => {
                    let reason =
                        format!("Pebble's answer is {content_type:?}, which was not asked for");
                    AttemptError::Final(Error::protocol(request.operation(), self.daemon(), reason))
                }
                Err(snag) => self.unanswered(request, snag),
            });
        }
    }

    /// The failure of a request that is one attempt and leaves nothing behind that had to be looked
    /// for.
    pub(super) fn unanswered(&self, request: &Request, snag: ExchangeError) -> AttemptError {
        match snag {
            ExchangeError::Halt(Halt::Failed(failure)) => failure,
            ExchangeError::Halt(Halt::Stale) => AttemptError::temporary("no connection"),
            ExchangeError::ReplyLost { cause, unanswered } => {
                AttemptError::after(unanswered, cause)
            }
            ExchangeError::Refused(refusal) => self.refusal(request, refusal),
        }
    }

    /// Makes a websocket of a connection of its own, within `limit` (RFC 6455, section 4.1).
    ///
    /// [`ExchangeError::Refused`] is an answer that is no upgrade; a 200 is one too, for which Pebble uses
    /// it: the task is over.
    pub(super) async fn websocket(
        &self,
        request: &Request,
        limit: Duration,
    ) -> Result<Websocket, ExchangeError> {
        let started = Instant::now();
        let connect = async {
            let lane = self.transport().dial().await?;
            let key = generate_key();
            let message = request.websocket_message(&key)?;
            Ok::<_, TransportError>((key, lane.upgrade(message, limit).await?))
        };
        let judged = |broken| self.judge(request.operation(), broken, started.elapsed(), true);
        let (key, answer) = connect.await.map_err(judged)?;
        let (response, Upgraded { io, read }) = match answer {
            Ok(upgraded) => upgraded,
            Err(reply) => {
                return Err(match self.decode_reply(request, &reply) {
                    Err(snag) if reply.status != 200 => snag,
                    _ => ExchangeError::Refused(super::envelope::Refusal {
                        status: reply.status,
                        kind: None,
                        message: "the task has ended".to_owned(),
                    }),
                });
            }
        };
        let accepted = response
            .headers()
            .get("Sec-WebSocket-Accept")
            .is_some_and(|value| value.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes());
        if !accepted {
            let cause = "it changes to something that is not the websocket that was asked for";
            return Err(judged(TransportError::new(TransportFailure::NotHttp, cause)));
        }
        // Nothing waits in a buffer of ours for more to come, and a buffer to read into costs time
        // to make. One to write from has an end, or the pongs for a daemon that pings and reads
        // nothing would pile up.
        let config = WebSocketConfig::default()
            .write_buffer_size(0)
            .max_write_buffer_size(LARGEST_MESSAGE)
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        Ok(WebSocketStream::from_partially_read(io, read.into(), Role::Client, Some(config)).await)
    }
}

impl BodyStream {
    /// As the header says; empty when there is none.
    pub(super) fn content_type(&self) -> &str {
        &self.content_type
    }

    /// For how long nothing has come.
    pub(super) fn quiet_for(&self) -> Duration {
        self.lane.as_ref().map_or(Duration::ZERO, Connection::quiet_for)
    }

    /// The next piece; `None` at the end.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        let Some(lane) = &mut self.lane else {
            return Poll::Ready(None);
        };
        let poll = lane.poll_chunk(&mut self.body, cx);
        if let Poll::Ready(None) = poll
            && let Some(lane) = self.lane.take()
        {
            self.client.transport().keep(lane);
        }
        poll
    }

    /// The next piece, waited for at most `limit`; `None` at the end.
    pub(super) async fn chunk(&mut self, limit: Duration) -> Result<Option<Bytes>, TransportError> {
        match tokio::time::timeout(limit, poll_fn(|cx| self.poll_chunk(cx))).await {
            Ok(chunk) => chunk.transpose(),
            Err(_) => Err(TransportError::new(
                TransportFailure::TimedOut,
                format!(
                    "silent for {} in the middle of an answer",
                    super::transport::seconds(limit)
                ),
            )),
        }
    }
}
