//! The reader: what its clones share, and what each may set for itself.

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

/// How long a change that Pebble reports as running is waited for, unless the client was told
/// otherwise.
const CHANGE_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// The calls of a [`Client`] that change nothing: neither at the daemon nor in what it runs.
///
/// It is for code that may look and must not touch; a `&Client` is given where a `&Reader` is asked
/// for. What holds for the calls of a [`Client`] holds for these: retries, the shared budget, and
/// dropping a future. Right and patience are apart: a `Reader` is as patient as the client that it
/// was taken from, until [`with_retry`](Self::with_retry) says otherwise.
///
/// Some calls may seem to belong here, and are the [`Client`]'s: a run of
/// [`refresh_check`](Client::refresh_check) counts for the check, a command of
/// [`exec`](Client::exec) may do anything, and [`wait_service_active`](Client::wait_service_active)
/// and [`wait_check_up`](Client::wait_check_up) put the client's layers back into a Pebble that is
/// restarted meanwhile. Pulling files writes on this side only.
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

struct Shared {
    transport: Transport,
    known_layers: KnownLayers,
}

impl Reader {
    /// A reader of the daemon behind `socket`. It never touches the disk; a bad path fails at the
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
    /// [`Reader::new`] unless set.
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

    /// Shows a client of this name.
    pub(super) fn debug_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("socket", &self.socket())
            .field("target", &self.target())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }

    /// The error of a call that is refused before anything is sent.
    pub(crate) fn refuse(&self, operation: &str, reason: impl Into<String>) -> Error {
        Error::invalid(operation, &self.daemon, reason)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug_as("Reader", f)
    }
}
