//! An attempt of a call has a connection, a number and the client that makes the call.
//!
//! A request that is not answered as hoped gives an [`ExchangeError`]: it is about one request on
//! one connection. An [`AttemptError`] then says what that means for the whole attempt, and so for
//! the retry.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::connection::{Connection, Reply};
use super::envelope::{self, Decoded, Envelope, Refusal};
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::resend::{LostLayer, Resend};
use super::transport_error::{TransportError, TransportFailure};

/// One attempt of a call. It takes its connection when it first needs one, and sends all of its
/// requests on it.
pub(super) struct CallAttempt<'c> {
    client: &'c Reader,
    /// The number of the attempt in its call, from 1.
    number: u32,
    connection: Option<Connection>,
    /// The connection had been idle and was found closed before anything was sent on it.
    is_stale: bool,
}

/// An attempt fails for one of these reasons.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// Nothing was done, or the request may be sent again: another attempt may be made.
    Temporary {
        cause: String,
        /// The time that passed without an answer.
        unanswered: Duration,
        /// The wait before the next attempt; `None` leaves it to the policy.
        delay: Option<Duration>,
    },
    /// The limit passed while the connection was open and the request was sent. No other attempt
    /// may be made, since Pebble may still work on the request.
    /// `acted` is true if the request changes something, so that it may have acted.
    TimedOut { unanswered: Duration, acted: bool },
    /// Another attempt would fail in the same way.
    Final(Error),
}

/// A request on one connection has no answer that can be used, for one of these reasons.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// The connection broke after the request was, or may have been, sent, and before its answer
    /// was complete.
    ReplyLost { cause: String, unanswered: Duration },
    /// Pebble's complete answer refuses the request.
    Refused(Refusal),
    /// The attempt fails in this way, whatever the rule of the request for a lost answer is.
    Failed(AttemptError),
}

impl AttemptError {
    /// Makes a temporary failure that came with or after an answer, so that no time went by without
    /// one.
    pub(super) fn temporary(cause: impl Into<String>) -> Self {
        Self::after(Duration::ZERO, cause)
    }

    /// Makes the failure of a request that was refused because something was busy.
    pub(super) fn busy(refusal: &Refusal) -> Self {
        Self::temporary(format!("answered {}: {}", refusal.status, refusal.message))
    }

    /// Makes a temporary failure after this much time without an answer.
    pub(super) fn after(unanswered: Duration, cause: impl Into<String>) -> Self {
        Self::Temporary { cause: cause.into(), unanswered, delay: None }
    }
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<AttemptError> for ExchangeError {
    fn from(error: AttemptError) -> Self {
        Self::Failed(error)
    }
}

impl<'c> CallAttempt<'c> {
    pub(super) fn new(client: &'c Reader, number: u32) -> Self {
        Self { client, number, connection: None, is_stale: false }
    }

    pub(super) fn client(&self) -> &'c Reader {
        self.client
    }

    /// Returns `true` if an earlier attempt of the call may have done what this attempt is about to
    /// do.
    pub(super) fn is_resend(&self) -> bool {
        self.number > 1
    }

    /// Returns how long the attempt may go without an answer: the time that the policy and the
    /// budget leave.
    pub(super) fn limit(&self) -> Duration {
        self.client.policy().limit(self.client.budget().unanswered(), self.number == 1)
    }

    /// Returns the number of the attempt's connection, and opens the connection if there is none
    /// yet. What was learnt about the daemon behind a connection holds as long as that connection
    /// is open.
    pub(super) async fn connection_number(
        &mut self,
        request: &Request,
    ) -> Result<u64, AttemptError> {
        let started = Instant::now();
        let number = self.connect().await.map(|connection| connection.number());
        number.map_err(|error| self.read_failed(request, error, started.elapsed()))
    }

    /// Gives the connection back to the transport, so that the next request checks anew whether it
    /// is still open. It is called before a pause between two requests, in which the daemon may
    /// end.
    pub(super) fn release(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.client.transport().release(connection);
        }
    }

    /// Ends the attempt and gives its connection back. Returns `true` if the connection was stale:
    /// nothing has failed then, and the attempt is made again on another connection.
    ///
    /// The repetition ends, since each round uses up one idle connection, and a new connection is
    /// never stale.
    pub(super) fn end(mut self) -> bool {
        self.release();
        self.is_stale
    }

    /// Returns the attempt's connection; takes an idle one or opens a new one if there is none yet.
    pub(super) async fn connect(&mut self) -> Result<&mut Connection, TransportError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.is_stale = false;
                self.client.transport().connection().await?
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Makes sure that the daemon behind the connection has the layers that this client has added.
    /// A daemon does not outlive its connections, so one that had them on this connection has them
    /// still, and is not asked.
    ///
    /// `request` is that of the call, and `lost_layer` its layer, if the answer to it was lost.
    pub(super) async fn restore_layers(
        &mut self,
        request: &Request,
        lost_layer: Option<&LostLayer>,
    ) -> Result<(), AttemptError> {
        let connection = self.connection_number(request).await?;
        if self.client.known_layers().are_verified(connection) {
            return Ok(());
        }
        self.put_back_forgotten(connection, lost_layer).await
    }

    /// Sends one request on the attempt's connection and reads its whole answer.
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Envelope, ExchangeError> {
        // A request that asks Pebble to wait adds that wait to its limit: Pebble is not silent
        // while it does what it was asked to.
        let expected = request.expected_duration();
        let limit = self.limit().saturating_add(expected);
        let started = Instant::now();
        let exchange = async {
            let message = request.message()?;
            self.connect().await?.exchange(message, limit).await
        };
        let exchanged = exchange.await;
        match exchanged {
            Ok(reply) => self.client.decode_reply(request, &reply),
            Err(error) => {
                let unanswered = started.elapsed().saturating_sub(expected);
                Err(self.exchange_failed(request, error, unanswered))
            }
        }
    }

    /// Sends a request beside the one that the call is about, and reads its answer. Such a request
    /// only reads, or may be repeated, so a lost answer is an ordinary failed attempt.
    pub(super) async fn read(&mut self, request: &Request) -> Result<Envelope, AttemptError> {
        self.ask(request).await.map_err(|error| self.client.attempt_error(request, error))
    }

    /// Sends a request as [`Self::read`] does, and decodes its answer as a list. Go writes an empty
    /// list as null, so null is an empty list here.
    pub(super) async fn read_list<T: DeserializeOwned>(
        &mut self,
        request: &Request,
    ) -> Result<Vec<T>, AttemptError> {
        let envelope = self.read(request).await?;
        let list: Option<Vec<T>> = self.client.decode_as(request, envelope)?;
        Ok(list.unwrap_or_default())
    }

    /// Takes the connection out of the attempt, for an answer that is read as a stream after the
    /// attempt.
    pub(super) fn take_connection(&mut self) -> Option<Connection> {
        self.connection.take()
    }

    /// Turns a failure of the connection into the failure of the attempt, for a request whose lost
    /// answer has no consequences.
    pub(super) fn read_failed(
        &mut self,
        request: &Request,
        error: TransportError,
        unanswered: Duration,
    ) -> AttemptError {
        let error = self.exchange_failed(request, error, unanswered);
        self.client.attempt_error(request, error)
    }

    /// Turns a failure of the connection into the failure of this request, and notes whether the
    /// connection was stale.
    pub(super) fn exchange_failed(
        &mut self,
        request: &Request,
        error: TransportError,
        unanswered: Duration,
    ) -> ExchangeError {
        if error.failure == TransportFailure::Stale {
            // A stale connection is closed, so it is dropped and not given back.
            self.is_stale = true;
            self.connection = None;
        }
        self.client.classify(request, error, unanswered)
    }
}

/// These methods turn the end of an exchange into a result or an error. They need only the client,
/// so that a websocket, which is no attempt, uses them too.
impl Reader {
    /// Says what a failure of the transport means for this request.
    pub(super) fn classify(
        &self,
        request: &Request,
        error: TransportError,
        unanswered: Duration,
    ) -> ExchangeError {
        let TransportError { failure, cause } = error;
        let (operation, acts) = (request.operation(), !request.is_read());
        let error = match failure {
            TransportFailure::ReplyLost => return ExchangeError::ReplyLost { cause, unanswered },
            TransportFailure::NotSent | TransportFailure::Stale => {
                return AttemptError::after(unanswered, cause).into();
            }
            TransportFailure::TimedOut => {
                return AttemptError::TimedOut { unanswered, acted: acts }.into();
            }
            TransportFailure::Denied => {
                Error::denied(operation, self.daemon(), self.socket(), &cause)
            }
            TransportFailure::BadPath => {
                let reason = format!("{cause}: {}", self.socket().display());
                Error::invalid(operation, self.daemon(), reason)
            }
            TransportFailure::Unwritable => {
                let reason =
                    format!("the request cannot be written ({cause}); ask for less at a time");
                Error::invalid(operation, self.daemon(), reason)
            }
            TransportFailure::NotHttp => {
                let reason =
                    format!("what answered at {} is not Pebble: {cause}", self.socket().display());
                Error::protocol(operation, self.daemon(), reason).with_acted(acts)
            }
        };
        ExchangeError::Failed(error.into())
    }

    /// Decodes a complete answer into the result or the refusal in it.
    pub(super) fn decode_reply(
        &self,
        request: &Request,
        reply: &Reply,
    ) -> Result<Envelope, ExchangeError> {
        match envelope::decode_answer(reply.status, reply.is_text(), &reply.body, request.form()) {
            Ok(Decoded::Answer(envelope)) => Ok(envelope),
            Ok(Decoded::Refusal(refusal)) => Err(ExchangeError::Refused(refusal)),
            Err(invalid) => {
                let reason = format!(
                    "what answered at {} with status {} is not Pebble: {invalid}",
                    self.socket().display(),
                    reply.status
                );
                let error = request.unexpected_answer(self.daemon(), reason);
                Err(ExchangeError::Failed(error.into()))
            }
        }
    }

    /// Decodes the result of an answer as a `T`.
    pub(super) fn decode_as<T: DeserializeOwned>(
        &self,
        request: &Request,
        envelope: Envelope,
    ) -> Result<T, AttemptError> {
        envelope.result.decode().map_err(|error| {
            let reason = "the result in Pebble's answer has another shape than expected";
            request.unexpected_answer(self.daemon(), reason).with_cause(&error).into()
        })
    }

    /// Turns the failure of a request into the failure of the attempt, for a request whose lost
    /// answer has no consequences.
    pub(super) fn attempt_error(&self, request: &Request, error: ExchangeError) -> AttemptError {
        match error {
            ExchangeError::ReplyLost { cause, unanswered } => {
                AttemptError::after(unanswered, cause)
            }
            ExchangeError::Refused(refusal) => self.refusal_error(request, refusal),
            ExchangeError::Failed(error) => error,
        }
    }

    /// Turns a refusal into the failure of the attempt. A daemon that is busy is asked again, if
    /// the request may be sent again.
    pub(super) fn refusal_error(&self, request: &Request, refusal: Refusal) -> AttemptError {
        if refusal.is_busy() && matches!(request.resend(), Resend::Safe) {
            return AttemptError::busy(&refusal);
        }
        request.refused(self.daemon(), refusal).into()
    }
}
