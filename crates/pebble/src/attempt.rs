//! One attempt of a call: a connection, the number of the attempt, and the client whose it is.
//!
//! What a request comes to on the connection is an [`ExchangeError`], if it is not answered as
//! hoped; what that means for the attempt is an [`AttemptError`].

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::connection::{Connection, Reply};
use super::envelope::{self, Decoded, Envelope, Refusal};
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::resend::Resend;
use super::transport_error::{TransportError, TransportFailure};

/// An attempt has one connection, which it takes when it first needs it.
pub(super) struct CallAttempt<'c> {
    client: &'c Reader,
    number: u32,
    connection: Option<Connection>,
    is_stale: bool,
}

/// Why an attempt has failed.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// Another attempt may be made.
    Temporary {
        cause: String,
        /// The time that passed without an answer.
        unanswered: Duration,
        /// The wait before the next attempt, where it is not the policy's.
        delay: Option<Duration>,
    },
    /// A request is out and the connection is open: no other attempt may be made.
    TimedOut { unanswered: Duration, acted: bool },
    /// No other attempt would change it.
    Final(Error),
}

/// Why one request on one connection was not answered as hoped.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// It was sent, or perhaps sent, and the connection broke before its answer.
    ReplyLost { cause: String, unanswered: Duration },
    /// A complete answer refuses it.
    Refused(Refusal),
    /// The attempt fails whatever the request is.
    Failed(AttemptError),
}

impl AttemptError {
    /// A failure that came as an answer, or after one, so that it costs no time.
    pub(super) fn temporary(cause: impl Into<String>) -> Self {
        Self::after(Duration::ZERO, cause)
    }

    /// A failure that cost this much time without an answer.
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

    /// Returns `true` if an earlier attempt of the call may have done what this one is about to.
    pub(super) fn is_resend(&self) -> bool {
        self.number > 1
    }

    /// How long it may go without an answer: what is left of the policy's time.
    pub(super) fn limit(&self) -> Duration {
        self.client.policy().limit(self.client.budget().unanswered(), self.number == 1)
    }

    /// Returns the number of the connection, which is opened if it has to be: what was true of the
    /// daemon behind it is true as long as it is open.
    pub(super) async fn connection_number(
        &mut self,
        request: &Request,
    ) -> Result<u64, AttemptError> {
        let started = Instant::now();
        let number = self.connect().await.map(|connection| connection.number());
        number.map_err(|error| self.failed_read(request, error, started.elapsed()))
    }

    /// Gives the connection back, so that the next request looks anew whether one is open. A pause
    /// between two requests is long enough for a daemon to be gone.
    pub(super) fn release(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.client.transport().release(connection);
        }
    }

    /// Ends the attempt. Returns `true` if its connection had been idle and was found closed before
    /// anything was sent: then nothing has failed yet, and the attempt begins again on another.
    ///
    /// That ends: each time uses up one idle connection, and a new one is never stale.
    pub(super) fn end(mut self) -> bool {
        self.release();
        self.is_stale
    }

    /// The connection: one that is idle, or a new one.
    pub(super) async fn connect(&mut self) -> Result<&mut Connection, TransportError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.client.transport().connection().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Sends one request and reads its whole answer.
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Envelope, ExchangeError> {
        // What a daemon takes its rightful time for is no time without an answer.
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
                Err(self.failed(request, error, unanswered))
            }
        }
    }

    /// Sends one request beside the one that the call is about. It only reads, or may be repeated,
    /// so a lost answer is just a failed attempt.
    pub(super) async fn read(&mut self, request: &Request) -> Result<Envelope, AttemptError> {
        self.ask(request).await.map_err(|error| self.client.failed_read(request, error))
    }

    /// Reads a list as [`Self::read`] does; Go writes an empty one as null.
    pub(super) async fn read_list<T: DeserializeOwned>(
        &mut self,
        request: &Request,
    ) -> Result<Vec<T>, AttemptError> {
        let envelope = self.read(request).await?;
        let list: Option<Vec<T>> = self.client.decode_as(request, envelope)?;
        Ok(list.unwrap_or_default())
    }

    /// Takes the connection away, for an answer that is read as it comes.
    pub(super) fn take_connection(&mut self) -> Option<Connection> {
        self.connection.take()
    }

    /// Says what it means that the connection failed under a request which leaves nothing behind
    /// that had to be looked for.
    pub(super) fn failed_read(
        &mut self,
        request: &Request,
        error: TransportError,
        unanswered: Duration,
    ) -> AttemptError {
        let error = self.failed(request, error, unanswered);
        self.client.failed_read(request, error)
    }

    /// Says what it means that the connection failed under this request.
    pub(super) fn failed(
        &mut self,
        request: &Request,
        error: TransportError,
        unanswered: Duration,
    ) -> ExchangeError {
        if error.failure == TransportFailure::Stale {
            self.is_stale = true;
            self.connection = None;
        }
        self.client.classify(request, error, unanswered)
    }
}

/// What the end of an exchange means.
impl Reader {
    /// Says what a failure of the transport means for a request.
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

    /// Reads what a complete answer says.
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

    /// Decodes the result of an answer.
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

    /// Says what it means that a request was not answered as hoped which leaves nothing behind that
    /// had to be looked for.
    pub(super) fn failed_read(&self, request: &Request, error: ExchangeError) -> AttemptError {
        match error {
            ExchangeError::ReplyLost { cause, unanswered } => {
                AttemptError::after(unanswered, cause)
            }
            ExchangeError::Refused(refusal) => self.refused(request, refusal),
            ExchangeError::Failed(error) => error,
        }
    }

    /// Says what a refusal means for the attempt. Pebble itself never says that it is busy; a proxy
    /// may, and then a safe request is made again.
    pub(super) fn refused(&self, request: &Request, refusal: Refusal) -> AttemptError {
        if matches!(refusal.status, 429 | 503) && matches!(request.resend(), Resend::Safe) {
            let cause = format!("answered {}: {}", refusal.status, refusal.message);
            return AttemptError::temporary(cause);
        }
        request.refused(self.daemon(), refusal).into()
    }
}
