//! Makes one attempt of a request whose body is made while it is sent.

use std::future::Future;

use tokio::time::Instant;

use crate::attempt::{AttemptError, CallAttempt, ExchangeError};
use crate::body::RequestBody;
use crate::call::Call;
use crate::connection::UploadFailure;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transport_error::TransportFailure;

/// Sends the request of `call` with a body of its own. `make` gives the body, and the future that
/// makes what is piped into it.
///
/// The policy's limit counts the time in which nothing is sent, not the whole transfer.
pub(super) async fn upload<P>(
    call: &mut Call<'_>,
    attempt: &mut CallAttempt<'_>,
    make: impl FnOnce() -> (RequestBody, P),
) -> Result<Envelope, AttemptError>
where
    P: Future<Output = Result<(), Error>>,
{
    let client = attempt.client();
    let stall = attempt.limit().saturating_add(call.request().expected_duration());
    let started = Instant::now();
    let (sent, unanswered) = match attempt.connect().await {
        Ok(connection) => {
            let (body, pump) = make();
            let sent = match call.request().message_with(body) {
                Ok(message) => connection.upload(message, pump, stall).await,
                Err(error) => Err(UploadFailure::Connection(error)),
            };
            (sent, connection.unanswered_for())
        }
        Err(error) => (Err(UploadFailure::Connection(error)), started.elapsed()),
    };
    let error = match sent {
        Ok(reply) => match client.decode_reply(call.request(), &reply) {
            Ok(envelope) => {
                call.note_answer(attempt, &envelope);
                return Ok(envelope);
            }
            Err(error) => error,
        },
        // The body was not complete, and Pebble writes nothing of an incomplete file. It may have
        // made the folders on the path, though.
        Err(UploadFailure::Source(error)) => {
            return Err(error.with_acted(call.request().may_have_acted(None)).into());
        }
        Err(UploadFailure::Connection(error)) => {
            if matches!(error.failure, TransportFailure::ReplyLost | TransportFailure::TimedOut) {
                call.note_accepted();
            }
            attempt.exchange_failed(call.request(), error, unanswered)
        }
    };
    if let ExchangeError::Refused(refusal) = &error {
        call.note_refused(refusal);
    }
    Err(client.attempt_error(call.request(), error))
}
