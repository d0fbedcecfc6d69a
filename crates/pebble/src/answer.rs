//! An answer decodes the result of a request, and makes the error of a result that cannot be.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::attempt::{AttemptError, CallAttempt};
use super::call::{Call, Exchange, Operation};
use super::daemon::Daemon;
use super::envelope::{Document, Envelope};
use super::error::Error;
use super::reader::Reader;
use super::request::Request;

impl Reader {
    /// Sends one request, retries it as its rule and the policy allow, and returns its sync or
    /// async answer.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Error> {
        // The call is kept after its end: what it knows of lost answers explains the result.
        let mut call = Call::new(self, request);
        let answered = call.run(&mut Exchange).await?;
        Ok(Answer::to(self, &call, answered.envelope))
    }

    /// Reads a list in one attempt, for a stream that retries by itself.
    pub(super) async fn read_list<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<Vec<T>, AttemptError> {
        request.check(self.daemon())?;
        Call::new(self, request.clone()).attempt(1, &mut ReadList(PhantomData)).await
    }
}

/// This operation reads a list.
struct ReadList<T>(PhantomData<fn() -> T>);

impl<T: DeserializeOwned> Operation for ReadList<T> {
    type Output = Vec<T>;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Vec<T>, AttemptError> {
        attempt.read_list(call.request()).await
    }
}

/// The sync or async answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    operation: String,
    daemon: Daemon,
    result: Document,
    /// An answer to the same request was lost before this one.
    resent: bool,
    /// The request changes something, and was sent.
    acted: bool,
    /// An earlier attempt may have acted, whatever this answer says.
    acted_before: bool,
}

impl Answer {
    /// Makes the answer of a call.
    pub(super) fn to(client: &Reader, call: &Call<'_>, envelope: Envelope) -> Self {
        Self {
            operation: call.request().operation().to_owned(),
            daemon: client.daemon().clone(),
            result: envelope.result,
            resent: call.was_resent(),
            acted: call.request().may_have_acted(None),
            acted_before: call.may_have_acted(),
        }
    }

    /// Returns `true` if an answer to the same request was lost before this one, so that this one
    /// may show what the first request did.
    pub(crate) fn was_resent(&self) -> bool {
        self.resent
    }

    /// Returns `true` if an earlier attempt may have acted, so that a failure in this answer does
    /// not prove that nothing was done.
    pub(crate) fn may_have_acted_before(&self) -> bool {
        self.acted_before
    }

    /// Decodes the result as a `T`. A result of another shape is
    /// [`ErrorKind::Protocol`](super::ErrorKind::Protocol).
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.result.decode().map_err(|error| {
            let reason = "the result in Pebble's answer has another shape than expected";
            self.malformed(reason).with_cause(&error)
        })
    }

    /// Makes the error of an answer that is well formed but contradicts itself or the request.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::protocol(&self.operation, &self.daemon, reason).with_acted(self.acted)
    }
}
