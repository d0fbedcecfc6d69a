//! The client: what its clones share, and how one request becomes one answer.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::change::ChangeId;
use super::envelope::{self, Decoded};
use super::error::Error;
use super::request::Request;
use super::transport::{FailureClass, Transport};

/// A client of one Pebble daemon.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    target: Option<Arc<str>>,
}

struct Shared {
    transport: Transport,
}

impl Client {
    /// A client of the daemon behind `socket`. It never touches the disk; a bad path fails at the first call.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { shared: Arc::new(Shared { transport: Transport::new(socket.into()) }), target: None }
    }

    /// How messages name the daemon, such as `container "web"`.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into().into());
        self
    }

    /// The path of the socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.shared.transport.socket()
    }

    pub(crate) fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Sends one request, with retries as its rule and the policy allow, and returns its sync or async answer.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let limit = Duration::from_secs(120) + request.expected_duration();
        let operation = request.operation().to_owned();
        let target = self.target();
        let unreachable = |cause: &str| Error::unreachable(&operation, target, format!("no answer from Pebble at {} ({cause})", self.socket().display()));
        let mut lane = self.shared.transport.lane().await.map_err(|broken| unreachable(&broken.cause))?;
        match lane.exchange(&request, limit).await {
            Ok(reply) => {
                self.shared.transport.keep(lane);
                match envelope::decode(reply.status, &reply.body) {
                    Ok(Decoded::Answer(envelope)) => Ok(Answer { operation, target: self.target.clone(), status: envelope.status, change: envelope.change, result: envelope.result }),
                    Ok(Decoded::Refusal(refusal)) => Err(Error::refused(&operation, target, refusal)),
                    Err(garbage) => Err(Error::protocol(&operation, target, format!("what answered is not Pebble ({garbage})"))),
                }
            }
            Err(broken) if broken.class == FailureClass::Garbage => Err(Error::protocol(&operation, target, broken.cause)),
            Err(broken) => Err(unreachable(&broken.cause)),
        }
    }

    /// The error of a call that is refused before anything is sent.
    pub(crate) fn refuse(&self, operation: &str, reason: impl Into<String>) -> Error {
        Error::invalid(operation, self.target(), reason)
    }

    /// The error of a call that this Pebble is too old for.
    pub(crate) fn unsupported(&self, operation: &str, since: &'static str) -> Error {
        Error::unsupported(operation, self.target(), since)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("socket", &self.socket()).field("target", &self.target).finish_non_exhaustive()
    }
}

/// The sync or async answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    operation: String,
    target: Option<Arc<str>>,
    status: u16,
    change: Option<ChangeId>,
    result: Value,
}

impl Answer {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The change that an async answer names.
    pub(crate) fn change(&self) -> Option<&ChangeId> {
        self.change.as_ref()
    }

    /// The result as it came; null when absent.
    pub(crate) fn result(&self) -> &Value {
        &self.result
    }

    /// The result as a `T`; a result of another shape is [`ErrorKind::Protocol`](super::ErrorKind::Protocol).
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_path_to_error::deserialize(self.result).map_err(|error| {
            Error::protocol(&self.operation, self.target.as_deref(), "the result in Pebble's answer has another shape than expected").with_source(error)
        })
    }

    /// The error of an answer that is well formed but says what cannot be.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::protocol(&self.operation, self.target.as_deref(), reason)
    }
}
