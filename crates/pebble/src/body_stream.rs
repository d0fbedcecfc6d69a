//! An answer may be read as a stream, and a connection may become a websocket. These are the two
//! answers that are no envelope.
//!
//! Both are made in one attempt. The caller decides what a break in the middle means, since it has
//! used a part of the answer by then.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::attempt::{AttemptError, CallAttempt, ExchangeError};
use super::call::{Call, Operation};
use super::connection::{Connection, CountingStream, Upgraded};
use super::duration::seconds;
use super::envelope::Refusal;
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::transport_error::{TransportError, TransportFailure};

/// A websocket to Pebble.
pub(super) type Websocket = WebSocketStream<TokioIo<CountingStream>>;

/// The largest message that is accepted, in bytes. Pebble's frames hold at most 128 KiB (Pebble
/// 1.32.1, `internals/wsutil`).
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// The size of the buffer for reading, in bytes. A large frame takes a few system calls with it;
/// most commands write less.
const READ_BUFFER: usize = 32 * 1024;

/// The body of an answer that is read as it comes. Dropping it closes the connection, unless the
/// body was read to its end.
pub(super) struct BodyStream {
    client: Reader,
    connection: Option<Connection>,
    body: hyper::body::Incoming,
    content_type: String,
}

/// This operation opens the body of an answer, in one attempt.
struct Open {
    limit: Option<Duration>,
}

impl Operation for Open {
    type Output = BodyStream;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<BodyStream, AttemptError> {
        attempt.open(call.request(), self.limit).await
    }
}

impl CallAttempt<'_> {
    /// Sends one request and returns the body of its answer as a stream. An answer with a status
    /// other than 200, or in JSON where [`Request::accept`] asked for another type, is read as a
    /// whole and is a refusal.
    ///
    /// `limit` bounds the wait for the head of the answer, and for the whole of a refusal. Without
    /// it the wait for the head has no end.
    pub(super) async fn open(
        &mut self,
        request: &Request,
        limit: Option<Duration>,
    ) -> Result<BodyStream, AttemptError> {
        let client = self.client();
        let started = Instant::now();
        let opened = async {
            let message = request.message()?;
            self.connect().await?.open(message, limit).await
        };
        let response = match opened.await {
            Ok(response) => response,
            Err(error) => return Err(self.read_failed(request, error, started.elapsed())),
        };
        let content_type = response
            .headers()
            .get(hyper::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        if response.status().as_u16() == 200 && !content_type.starts_with("application/json") {
            return Ok(BodyStream {
                client: client.clone(),
                connection: self.take_connection(),
                body: response.into_body(),
                content_type,
            });
        }
        let left =
            limit.map_or_else(|| self.limit(), |limit| limit.saturating_sub(started.elapsed()));
        let finished = async { self.connect().await?.finish(response, left).await };
        let reply = match finished.await {
            Ok(reply) => reply,
            Err(error) => return Err(self.read_failed(request, error, started.elapsed())),
        };
        Err(match client.decode_reply(request, &reply) {
            Ok(_) => {
                let reason =
                    format!("Pebble's answer is {content_type:?}, which was not asked for");
                Error::protocol(request.operation(), client.daemon(), reason).into()
            }
            Err(error) => client.attempt_error(request, error),
        })
    }
}

impl Reader {
    /// Opens the body of an answer as [`CallAttempt::open`] does, in one attempt.
    pub(super) async fn open(
        &self,
        request: &Request,
        limit: Option<Duration>,
    ) -> Result<BodyStream, AttemptError> {
        request.check(self.daemon())?;
        Call::new(self, request.clone()).attempt(1, &mut Open { limit }).await
    }

    /// Opens a connection and makes a websocket of it, within `limit` (RFC 6455, section 4.1).
    ///
    /// It fails with [`ExchangeError::Refused`] for an answer that is no upgrade. Pebble also
    /// answers 200 without an upgrade, when the task of the websocket is over.
    pub(super) async fn websocket(
        &self,
        request: &Request,
        limit: Duration,
    ) -> Result<Websocket, ExchangeError> {
        let started = Instant::now();
        let connect = async {
            let connection = self.transport().dial().await?;
            let key = generate_key();
            let message = request.websocket_message(&key)?;
            Ok::<_, TransportError>((key, connection.upgrade(message, limit).await?))
        };
        let failed = |error| self.classify(request, error, started.elapsed());
        let (key, answer) = connect.await.map_err(failed)?;
        let (response, Upgraded { io, read }) = match answer {
            Ok(upgraded) => upgraded,
            Err(reply) => {
                return Err(match self.decode_reply(request, &reply) {
                    Err(error) if reply.status != 200 => error,
                    _ => ExchangeError::Refused(Refusal {
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
            return Err(failed(TransportError::new(TransportFailure::NotHttp, cause)));
        }
        // A message is sent at once instead of being kept in a buffer. The buffer for writing has a
        // limit, since the pongs for a daemon that pings and reads nothing would else fill memory.
        // A large buffer for reading would take time to allocate.
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
    /// Returns the `Content-Type` header; it is empty if there is none.
    pub(super) fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Returns the time since the last byte was sent or received.
    pub(super) fn quiet_for(&self) -> Duration {
        self.connection.as_ref().map_or(Duration::ZERO, Connection::quiet_for)
    }

    /// Polls for the next piece; `None` is the end.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(None);
        };
        let poll = connection.poll_chunk(&mut self.body, cx);
        if let Poll::Ready(None) = poll
            && let Some(connection) = self.connection.take()
        {
            self.client.transport().release(connection);
        }
        poll
    }

    /// Waits for the next piece, for at most `limit`; `None` is the end.
    pub(super) async fn chunk(&mut self, limit: Duration) -> Result<Option<Bytes>, TransportError> {
        match tokio::time::timeout(limit, poll_fn(|cx| self.poll_chunk(cx))).await {
            Ok(chunk) => chunk.transpose(),
            Err(_) => Err(TransportError::new(
                TransportFailure::TimedOut,
                format!("silent for {} in the middle of an answer", seconds(limit)),
            )),
        }
    }
}
