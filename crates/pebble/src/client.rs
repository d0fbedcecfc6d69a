//! The client: what its clones share, what each may set for itself, and how a request becomes an
//! answer.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::call::Call;
use super::daemon::Daemon;
use super::envelope::{Document, Envelope};
use super::error::Error;
use super::known_layers::KnownLayers;
use super::no_answer::HINT;
use super::request::Request;
use super::retry::{Budget, RetryObserver, RetryPolicy};
use super::transport::Transport;

/// How long a change that Pebble reports as running is waited for, unless the client was told
/// otherwise.
const CHANGE_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// A client of one Pebble daemon.
///
/// Cheap to clone. Clones share the connections, the retry budget and the memory of the layers that
/// were added; policy, target, tag, hint, observer and deadline belong to each clone, so one call is
/// given a policy of its own by `client.clone().with_retry(policy).replan()`.
///
/// # What every call does
/// It sends one request and gives its one answer. While there is no answer it tries again as its
/// [`RetryPolicy`] says, bounded by the shared [`Budget`]; an answer is never asked for twice.
/// Repeating never doubles an effect: after a reply that was lost on its way, the client first
/// finds out what the request has done. And a Pebble that was restarted gets back the layers that
/// this client had added before it is told to start, restart or replan anything or to run a check,
/// since it has forgotten them.
///
/// Every future may be dropped at any time; that closes the connection in use, and nothing goes on
/// in the background. What was sent may still take effect in the daemon.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    daemon: Daemon,
    hint: Arc<str>,
    policy: RetryPolicy,
    budget: Budget,
    observer: Option<Arc<dyn RetryObserver>>,
    change_deadline: Duration,
}

struct Shared {
    transport: Transport,
    known_layers: KnownLayers,
}

impl Client {
    /// A client of the daemon behind `socket`. It never touches the disk; a bad path fails at the
    /// first call.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                transport: Transport::new(socket.into()),
                known_layers: KnownLayers::default(),
            }),
            daemon: Daemon::default(),
            hint: HINT.into(),
            policy: RetryPolicy::default(),
            budget: Budget::new(),
            observer: None,
            change_deadline: CHANGE_DEADLINE,
        }
    }

    /// How messages name the daemon, such as `container "web"`.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.daemon.name = Some(target.into().into());
        self
    }

    /// Gives a tag to every error of this clone's calls, and of the processes, streams and watches
    /// that they give, however late it comes: [`Error::tag`] finds it by its type. So a caller
    /// with several daemons knows from the error alone which one it was, and what it was asked
    /// for. The tag is never shown.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use charmwright_pebble::Client;
    ///
    /// struct Instance(u32);
    ///
    /// # async fn example() {
    /// let client = Client::new("/run/web/pebble.socket").with_tag(Arc::new(Instance(3)));
    /// if let Err(error) = client.replan().await {
    ///     assert!(matches!(error.tag(), Some(Instance(3))));
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn with_tag(mut self, tag: Arc<dyn Any + Send + Sync>) -> Self {
        self.daemon.tag = Some(tag);
        self
    }

    /// Replaces the end of the error of a Pebble that is away, which tells the reader where to
    /// look: `is Pebble running?` unless set.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into().into();
        self
    }

    /// How the calls of this clone are retried; [`RetryPolicy::new`] unless set.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The budget that the calls of this clone are charged to; one of its own for each
    /// [`Client::new`] unless set.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Who is told of the failed attempts of this clone's calls.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn RetryObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// How long a change that Pebble reports as running is waited for: 5 minutes unless set. It
    /// counts time in which Pebble answers, and is apart from the deadline of the [`RetryPolicy`],
    /// which counts time in which it does not.
    #[must_use]
    pub fn with_change_deadline(mut self, deadline: Duration) -> Self {
        self.change_deadline = deadline;
        self
    }

    /// The path of the socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.shared.transport.socket()
    }

    /// How messages name the daemon.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.daemon.name()
    }

    /// How the calls of this clone are retried.
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The budget that the calls of this clone are charged to.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The daemon, as errors tell of it.
    pub(crate) fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    pub(super) fn hint(&self) -> &str {
        &self.hint
    }

    pub(super) fn observer(&self) -> Option<&Arc<dyn RetryObserver>> {
        self.observer.as_ref()
    }

    pub(super) fn change_deadline(&self) -> Duration {
        self.change_deadline
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.shared.transport
    }

    pub(super) fn known_layers(&self) -> &KnownLayers {
        &self.shared.known_layers
    }

    /// Sends one request, with retries as its rule and the policy allow, and gives its sync or
    /// async answer.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let call = Call::new(self, request);
        let call = &call;
        let answered = call
            .run(async |attempt| {
                let answered = call.attempt(attempt).await?;
                if attempt > 1 {
                    call.note_failed_paths(&answered.envelope);
                }
                Ok(answered)
            })
            .await?;
        Ok(Answer::to(self, call, answered.envelope))
    }

    /// The error of a call that is refused before anything is sent.
    pub(crate) fn refuse(&self, operation: &str, reason: impl Into<String>) -> Error {
        Error::invalid(operation, &self.daemon, reason)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("socket", &self.socket())
            .field("target", &self.target())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The sync or async answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    operation: String,
    daemon: Daemon,
    result: Document,
    resent: bool,
    /// The request is more than a read, and was sent.
    acted: bool,
    /// An earlier attempt may have acted, whatever this answer says.
    acted_before: bool,
}

impl Answer {
    /// What came of a call.
    pub(super) fn to(client: &Client, call: &Call<'_>, envelope: Envelope) -> Self {
        Self {
            operation: call.request().operation().to_owned(),
            daemon: client.daemon.clone(),
            result: envelope.result,
            resent: call.was_resent(),
            acted: call.request().may_have_acted(None),
            acted_before: call.may_have_acted(),
        }
    }

    /// Whether an answer to the same request was lost before this one: what the first request did
    /// may show in it.
    pub(crate) fn was_resent(&self) -> bool {
        self.resent
    }

    /// Whether an earlier attempt may have acted, so that a failure which this answer tells of does
    /// not prove that nothing was done.
    pub(crate) fn may_have_acted_before(&self) -> bool {
        self.acted_before
    }

    /// The result as a `T`; a result of another shape is
    /// [`ErrorKind::Protocol`](super::ErrorKind::Protocol).
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.result.decode().map_err(|error| {
            let reason = "the result in Pebble's answer has another shape than expected";
            self.malformed(reason).with_cause(&error)
        })
    }

    /// The error of an answer that is well formed but says what cannot be.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::protocol(&self.operation, &self.daemon, reason).with_acted(self.acted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_their_calls_cross_threads() {
        fn crosses<T: Send>(_: T) {}
        let client = Client::new("/nowhere");
        crosses(client.clone());
        crosses(client.replan());
        crosses(client.plan());
        crosses(client.start(["a"]));
        let id = "1".parse().unwrap();
        crosses(client.wait_change(&id, Duration::ZERO));
        let layer = super::super::Layer::new();
        crosses(client.add_layer("a", &layer, super::super::LayerMode::New));
        let push = super::super::PushOptions::new();
        crosses(client.push("/a", "a", &push));
        crosses(client.push_file("/a", "/a", &push));
        crosses(client.push_from("/a", tokio::io::empty(), &push));
        crosses(client.pull("/a"));
        crosses(client.pull_to("/a", tokio::io::sink()));
        crosses(client.pull_file("/a", "/a"));
        crosses(client.pull_all(["/a"]));
        let tree = super::super::TreeOptions::new();
        crosses(client.push_tree("/a", "/a", &tree));
        crosses(client.pull_tree("/a", "/a", &tree));
    }
}
