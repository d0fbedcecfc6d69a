//! A reader has the calls that change nothing. Its clones share the connections and the remembered
//! layers, and each clone has its own settings.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::daemon::Daemon;
use super::error::Error;
use super::known_layers::KnownLayers;
use super::no_answer::HINT;
use super::retry::{Budget, RetryObserver, RetryPolicy};
use super::transport::Transport;
#[cfg(doc)]
use crate::Client;

/// The longest wait for a change that Pebble reports as running, unless the client sets another
/// one.
const CHANGE_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// A reader has the calls of a [`Client`] that change nothing, neither in the daemon nor in the
/// services that it runs.
///
/// It is for code that may read and must not change anything; a `&Client` is accepted where a
/// `&Reader` is wanted. Retries, the shared budget and dropping a future are as for the calls of a
/// [`Client`]. A `Reader` is retried by the same policy as the client that it was taken from, until
/// [`with_retry`](Self::with_retry) sets another one.
///
/// Some calls that seem to belong here are the [`Client`]'s: a run of
/// [`refresh_check`](Client::refresh_check) counts for the check, a command of
/// [`exec`](Client::exec) may do anything, and [`wait_service_active`](Client::wait_service_active)
/// and [`wait_check_up`](Client::wait_check_up) put the client's layers back into a Pebble that is
/// restarted in the meantime. Pulling a file changes only this side.
///
/// ```
/// use charmwright_pebble::{Client, Error, Reader};
///
/// async fn names(pebble: &Reader) -> Result<Vec<String>, Error> {
///     let services = pebble.all_services().await?;
///     Ok(services.iter().map(|service| service.name().to_owned()).collect())
/// }
///
/// # async fn example() -> Result<(), Error> {
/// let client = Client::new("/run/web/pebble.socket");
/// println!("{:?}", names(&client).await?);
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail,E0599
/// # async fn example(pebble: &charmwright_pebble::Reader) {
/// let _ = pebble.replan().await;
/// # }
/// ```
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
    daemon: Daemon,
    hint: Arc<str>,
    policy: RetryPolicy,
    budget: Budget,
    observer: Option<Arc<dyn RetryObserver>>,
    change_deadline: Duration,
}

/// The part of a reader that its clones share.
struct Shared {
    transport: Transport,
    known_layers: KnownLayers,
}

impl Reader {
    /// Makes a reader of the daemon behind `socket`. It does not touch the disk; a wrong path fails
    /// at the first call.
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

    /// Sets the name of the daemon in messages, such as `container "web"`.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.daemon.name = Some(target.into().into());
        self
    }

    /// Adds a tag to every error of this clone's calls, and of the processes, streams and watches
    /// that those calls return. [`Error::tag`] finds it by its type. A caller with several daemons
    /// learns from it which daemon the error is about. The tag is never shown.
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

    /// Sets the last words of the error about a Pebble that gives no answer, which tell the reader
    /// where to look. They are `is Pebble running?` unless set.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into().into();
        self
    }

    /// Sets the policy by which the calls of this clone are retried; it is [`RetryPolicy::new`]
    /// unless set.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the budget to which the calls of this clone are charged. Each [`Reader::new`] has its
    /// own unless set.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the observer that is called after the failed attempts of this clone's calls.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn RetryObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Sets the longest wait for a change that Pebble reports as running; it is 5 minutes unless
    /// set. The deadline counts time in which Pebble answers. The deadline of the [`RetryPolicy`],
    /// which counts time without an answer, is another one.
    #[must_use]
    pub fn with_change_deadline(mut self, deadline: Duration) -> Self {
        self.change_deadline = deadline;
        self
    }

    /// Returns the path of the socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.shared.transport.socket()
    }

    /// Returns the name of the daemon in messages.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.daemon.name()
    }

    /// Returns the policy by which the calls of this clone are retried.
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Returns the budget to which the calls of this clone are charged.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Returns the name and the tag that every error carries.
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

    /// Writes the `Debug` output of a client or reader.
    pub(super) fn debug_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("socket", &self.socket())
            .field("target", &self.target())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }

    /// Makes the error of a call that is refused before anything is sent.
    pub(crate) fn refuse(&self, operation: &str, reason: impl Into<String>) -> Error {
        Error::invalid(operation, &self.daemon, reason)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug_as("Reader", f)
    }
}
