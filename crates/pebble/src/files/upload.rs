//! One attempt of a request whose body is made while it is sent.

use std::future::Future;

use crate::body::Outgoing;
use crate::call::{AttemptError, Call, ExchangeError, Halt};
use crate::client::Client;
use crate::connection::UploadFailure;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transport::TransportFailure;

impl Client {
    /// Sends the request of `call` with a body of its own, once. `make` gives the body, and the
    /// future that makes what is piped into it; it is called again only when a kept connection was
    /// found dead before anything was sent.
    ///
    /// The policy's limit counts the time in which nothing is sent, not the transfer.
    pub(super) async fn upload<P>(
        &self,
        call: &Call<'_>,
        attempt: u32,
        mut make: impl FnMut() -> (Outgoing, P),
    ) -> Result<Envelope, AttemptError>
    where
        P: Future<Output = Result<(), Error>>,
    {
        let request = call.request();
        let limit = self.policy().limit(self.budget().unanswered(), attempt == 1);
        let stall = limit.saturating_add(request.expected_duration());
        // Ends: each turn but the last uses up one kept connection, and a new one is never stale.
        loop {
            let mut lane = self.lane(request.operation()).await?;
            let (body, pump) = make();
            let message = match request.message_with(body) {
                Ok(message) => message,
                Err(broken) => {
                    return Err(self.unanswered(
                        request,
                        self.judge(request.operation(), broken, limit, false),
                    ));
                }
            };
            let result = lane.upload(message, pump, stall).await;
            let unanswered = lane.unanswered_for();
            self.transport().keep(lane);
            let snag = match result {
                Ok(reply) => match self.decode_reply(request, &reply) {
                    Ok(envelope) => {
                        if attempt > 1 {
                            call.note_failed_paths(&envelope);
                        }
                        return Ok(envelope);
                    }
                    Err(snag) => snag,
                },
                // The body was not complete, and Pebble takes nothing of an incomplete file; the
                // folders on the way to it, it may have made.
                Err(UploadFailure::Source(error)) => {
                    return Err(AttemptError::Final(
                        error.with_acted(request.may_have_acted(None)),
                    ));
                }
                Err(UploadFailure::Connection(broken)) => {
                    if matches!(
                        broken.class,
                        TransportFailure::ReplyLost | TransportFailure::TimedOut
                    ) {
                        call.note_accepted();
                    }
                    self.judge(request.operation(), broken, unanswered, true)
                }
            };
            match snag {
                ExchangeError::Halt(Halt::Stale) => {}
                snag => {
                    if let ExchangeError::Refused(refusal) = &snag {
                        call.note_refused(refusal);
                    }
                    return Err(self.unanswered(request, snag));
                }
            }
        }
    }
}
