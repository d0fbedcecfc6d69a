//! A call has a request, makes attempts until one succeeds, and turns the end into a result or an
//! error.
//!
//! Every attempt goes through [`Call::attempt`] and every request through [`Call::answer`], so that
//! the order of steps is written once: the daemon gets back the layers that it has forgotten, an
//! answer that was lost before is dealt with, the request is sent, and its end is classified.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::attempt::{AttemptError, CallAttempt, ExchangeError};
use super::duration::seconds;
use super::envelope::{Document, Envelope, Refusal};
use super::error::Error;
use super::no_answer::NoAnswer;
use super::reader::Reader;
use super::recovery::{LostReply, Recovery, explain_refusal, recover};
use super::request::Request;
use super::resend::Resend;
use super::retry::{Classification, GaveUp, Reporter, RetryDecision, Retryable, retry_loop};
use super::timestamp::Timestamp;

/// A call in progress. It holds what has to be known from one attempt to the next.
pub(super) struct Call<'c> {
    client: &'c Reader,
    request: Request,
    /// What is known of the first request whose answer was lost, if one was.
    pub(super) lost: Option<LostReply>,
    /// Pebble has accepted the request, so it may have acted whatever happens now.
    is_accepted: bool,
    /// The request was answered, but what the caller wants has not come about, so that the log must
    /// not tell of a success.
    is_unfinished: bool,
}

/// An operation says what a call does in one attempt. Its value lives as long as the call, and
/// keeps what has to be known from one attempt to the next.
pub(super) trait Operation {
    type Output;

    /// Makes one attempt.
    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Self::Output, AttemptError>;
}

/// This operation sends the request of the call and reads its whole answer.
pub(super) struct Exchange;

/// The answer to a call, and the connection over which it came.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) envelope: Envelope,
    /// The number of the connection over which the answer came.
    pub(super) connection: u64,
    /// A time before the request was sent. A change that the request made is not older.
    pub(super) since: Timestamp,
    /// The answer to the request was lost, and this was found in place of it.
    pub(super) is_recovered: bool,
}

impl<'c> Call<'c> {
    pub(super) fn new(client: &'c Reader, request: Request) -> Self {
        Self { client, request, lost: None, is_accepted: false, is_unfinished: false }
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Returns `true` if the answer to an earlier request of this call was lost.
    pub(super) fn was_resent(&self) -> bool {
        self.lost.is_some()
    }

    /// Returns `true` if an attempt up to now may have acted.
    pub(super) fn may_have_acted(&self) -> bool {
        self.is_accepted || (self.was_resent() && !self.request.is_read())
    }

    /// Notes that Pebble has accepted the request, so that it may have acted whatever happens now.
    pub(super) fn note_accepted(&mut self) {
        self.is_accepted = true;
    }

    /// Notes that the request was refused. A refusal that does not prove that nothing was done
    /// makes every later error say that the request may have acted.
    pub(super) fn note_refused(&mut self, refusal: &Refusal) {
        if self.request.may_have_acted(Some(refusal)) {
            self.note_accepted();
        }
    }

    /// Notes that what the caller wants has not come about by this answer, so that the log does not
    /// tell of a success.
    pub(super) fn note_unfinished(&mut self) {
        self.is_unfinished = true;
    }

    /// Notes the answer to a resend. A list of paths of which one failed is an answer, but the log
    /// does not tell of a success.
    pub(super) fn note_answer(&mut self, attempt: &CallAttempt<'_>, envelope: &Envelope) {
        #[derive(Deserialize)]
        struct OfPath {
            error: Option<IgnoredAny>,
        }
        if attempt.is_resend() {
            // A result of another shape is no list of paths, and so no failure.
            let paths = envelope.result.decode::<Vec<OfPath>>().unwrap_or_default();
            if paths.iter().any(|path| path.error.is_some()) {
                self.note_unfinished();
            }
        }
    }

    /// Makes attempts under the client's policy and budget, and turns the end into a result or an
    /// error.
    pub(super) async fn run<O: Operation>(
        &mut self,
        operation: &mut O,
    ) -> Result<O::Output, Error> {
        let client = self.client;
        self.request.check(client.daemon())?;
        let reporter = Reporter {
            operation: self.request.step().to_owned(),
            target: client.target().map(str::to_owned),
            observer: client.observer().cloned(),
        };
        let mut attempts = CallAttempts { call: self, operation };
        retry_loop(client.policy(), client.budget(), &reporter, &mut attempts)
            .await
            .map_err(|gave_up| self.error(gave_up))
    }

    /// Makes one attempt. One whose idle connection turns out to be closed is made again at once,
    /// on another connection, and counts as one.
    pub(super) async fn attempt<O: Operation>(
        &mut self,
        number: u32,
        operation: &mut O,
    ) -> Result<O::Output, AttemptError> {
        loop {
            let mut attempt = CallAttempt::new(self.client, number);
            let result = operation.attempt(self, &mut attempt).await;
            let was_stale = attempt.end();
            if !(was_stale && result.is_err()) {
                return result;
            }
        }
    }

    /// Sends the request of the call on the connection of this attempt, once the daemon has the
    /// layers of this client, and a request whose answer was lost is known not to have acted.
    pub(super) async fn send_request(
        &mut self,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Answered, AttemptError> {
        let known_layers = self.client.known_layers();
        if self.request.needs_layers() {
            let lost_layer = match self.request.resend() {
                Resend::Layer(layer) if self.was_resent() => Some(layer),
                _ => None,
            };
            attempt.restore_layers(&self.request, lost_layer).await?;
        }
        let restarts = known_layers.restarts();
        // The effect is wanted on the daemon that runs now. If that one was started after the lost
        // request, the request is simply sent again.
        if self.lost.is_some_and(|lost| lost.restarts != restarts)
            && !self.request.resend().outlives_the_daemon()
        {
            // The effect of a write that may be sent again may outlive the daemon: a file does, and
            // a notice.
            if matches!(self.request.resend(), Resend::Safe) && !self.request.is_read() {
                self.note_accepted();
            }
            self.lost = None;
        }
        if let Some(lost) = &mut self.lost {
            let since = lost.since;
            match recover(&self.request, lost, attempt).await? {
                Recovery::Send => {}
                Recovery::Done(envelope) => return self.answered(attempt, envelope).await,
                Recovery::Found(id) => {
                    let envelope = Envelope { change: Some(id), result: Document::NULL };
                    let found = self.answered(attempt, envelope).await?;
                    return Ok(Answered { since, is_recovered: true, ..found });
                }
                Recovery::Later(cause) => return Err(AttemptError::temporary(cause)),
            }
        }
        let since = Timestamp::now();
        match attempt.ask(&self.request).await {
            Ok(envelope) => {
                self.note_answer(attempt, &envelope);
                Ok(Answered { since, ..self.answered(attempt, envelope).await? })
            }
            Err(ExchangeError::Failed(error)) => Err(error),
            Err(ExchangeError::ReplyLost { cause, unanswered }) => {
                // The first lost request counts, since its change may be older than those of later
                // ones.
                self.lost.get_or_insert(LostReply { since, searches: 0, restarts });
                if matches!(self.request.resend(), Resend::Never) {
                    let reason = format!(
                        "the answer of Pebble was lost ({cause}), and this request is not sent \
                         twice; it may have acted"
                    );
                    let (operation, daemon) = (self.request.operation(), self.client.daemon());
                    let error = Error::unreachable(operation, daemon, reason);
                    return Err(error.with_acted(true).into());
                }
                Err(AttemptError::after(unanswered, cause))
            }
            Err(ExchangeError::Refused(refusal)) => {
                self.note_refused(&refusal);
                if self.was_resent()
                    && let Some(envelope) =
                        explain_refusal(&self.request, attempt, &refusal).await?
                {
                    return self.answered(attempt, envelope).await;
                }
                Err(self.client.refusal_error(&self.request, refusal))
            }
        }
    }

    async fn answered(
        &self,
        attempt: &mut CallAttempt<'_>,
        envelope: Envelope,
    ) -> Result<Answered, AttemptError> {
        let connection = attempt.connection_number(&self.request).await?;
        Ok(Answered { envelope, connection, since: Timestamp::now(), is_recovered: false })
    }

    fn error(&self, gave_up: GaveUp<AttemptError>) -> Error {
        let GaveUp { attempts, elapsed, error, .. } = gave_up;
        let (operation, daemon) = (self.request.operation(), self.client.daemon());
        let socket = self.client.socket();
        let acted_before = self.may_have_acted();
        let error = match error {
            AttemptError::Final(error) => {
                let acted = error.may_have_acted() || acted_before;
                return error.with_attempts(attempts).with_acted(acted);
            }
            AttemptError::TimedOut { unanswered, acted } => {
                let acted = acted || acted_before;
                let warning = if acted { "; the request may have acted" } else { "" };
                let reason = format!(
                    "Pebble at {} took the request and has been silent for {}{warning}",
                    socket.display(),
                    seconds(unanswered)
                );
                Error::unreachable(operation, daemon, reason).with_acted(acted)
            }
            AttemptError::Temporary { cause, .. } => {
                let reason = NoAnswer {
                    socket,
                    attempts,
                    elapsed,
                    budget_is_spent: self.client.policy().max_attempts() > 1,
                    cause: &cause,
                    may_have_acted: acted_before,
                    hint: self.client.hint(),
                };
                Error::unreachable(operation, daemon, reason.to_string()).with_acted(acted_before)
            }
        };
        error.with_attempts(attempts)
    }
}

/// The retry loop makes the attempts of a call through this value.
struct CallAttempts<'a, 'c, O> {
    call: &'a mut Call<'c>,
    operation: &'a mut O,
}

impl<O: Operation> Retryable for CallAttempts<'_, '_, O> {
    type Output = O::Output;
    type Error = AttemptError;

    async fn attempt(&mut self, number: u32) -> Result<O::Output, AttemptError> {
        // The future of an attempt is some kilobytes large, since it holds the states of all that
        // an attempt can do. In a box it is not copied on its way to the executor.
        Box::pin(self.call.attempt(number, self.operation)).await
    }

    fn classify(&mut self, error: &AttemptError) -> Classification {
        match error {
            AttemptError::Temporary { cause, unanswered, delay } => Classification {
                decision: delay.map_or(RetryDecision::Retry, RetryDecision::RetryAfter),
                unanswered: *unanswered,
                cause: cause.clone(),
            },
            AttemptError::TimedOut { unanswered, .. } => Classification {
                decision: RetryDecision::Final,
                unanswered: *unanswered,
                cause: "no answer".to_owned(),
            },
            AttemptError::Final(error) => Classification {
                decision: RetryDecision::Final,
                unanswered: Duration::ZERO,
                cause: error.reason().to_owned(),
            },
        }
    }

    fn is_unfinished(&self) -> bool {
        self.call.is_unfinished
    }
}

impl Operation for Exchange {
    type Output = Answered;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Answered, AttemptError> {
        call.send_request(attempt).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::ChangeId;
    use crate::retry::RetryPolicy;

    #[tokio::test]
    async fn a_write_whose_effect_may_outlive_its_daemon_may_have_acted() {
        let client =
            Reader::new("/no/such/socket").with_retry(RetryPolicy::once(Duration::from_secs(1)));
        let id: ChangeId = "7".parse().unwrap();
        let post = |resend| Request::post("/v1/x", "do x", &json!({}), resend);
        for (request, may_have_acted) in [
            (post(Resend::Safe), true),
            (post(Resend::Abort(id)), false),
            (Request::get("/v1/x", "read x"), false),
        ] {
            let mut call = Call::new(&client, request);
            // Another call has found since that the daemon was restarted.
            let restarts = client.known_layers().restarts() + 1;
            call.lost = Some(LostReply { since: Timestamp::now(), searches: 0, restarts });
            let error = call.run(&mut Exchange).await.unwrap_err();
            assert_eq!(error.may_have_acted(), may_have_acted, "{error}");
        }
    }
}
