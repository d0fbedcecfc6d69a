//! A workload container of the unit: a handle with all calls, and a handle that can only read.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use crate::dispatch::context::{COLLECT_LIMIT, HookContext, Pass};
use crate::error::Error;
use crate::juju::{ContainerName, Status};
use crate::pebble::{self, Client, Reader, RetryPolicy};
use crate::phase::Phase;
use crate::verdict::waiting_for_pebble;

/// A container is a handle of one workload container. It has a client of the container's Pebble,
/// and each call is retried by the policy that fits the hook.
///
/// It dereferences to [`pebble::Client`] and [`pebble::Reader`] by [`Deref`], so all their calls
/// are here: `web.replan().await?`. A handler need not check first whether Pebble answers. In setup
/// a call gives up after seconds and in operation after minutes (see [`Phase`]); in `stop` and
/// `remove` it makes one attempt. All handles of one container share the connection, the hook's
/// retry [`budget`](pebble::Reader::budget), and the record of the layers that were added, which
/// the client adds again if Pebble restarts.
///
/// The operator `?` converts an error of the client to an error of the charm. It keeps the name of
/// the container and whether the container was in setup, also for an error that comes later from a
/// process, a stream or a watch that a call has returned. To retry another interface of the
/// workload in the same way, use the policy directly: `web.policy().run(what, web.budget(),
/// operation, classify)`.
///
/// A handle is not `Send`: it cannot move to another thread or a spawned task, and so cannot
/// outlive the hook. Any future of a call may be dropped; see [`pebble::Client`] for what that
/// means.
#[derive(Clone)]
pub struct Container {
    view: ContainerView,
}

/// A view is a handle of one workload container that can only read. It dereferences to
/// [`pebble::Reader`] by [`Deref`], so all its calls are here.
///
/// Its retry policy depends on where the view comes from. In collect-status a call makes one
/// attempt of at most 2 s; the view of a handler ([`Container::view`]) has the policy of the
/// handler's own container. So one function that takes a `&ContainerView` serves both.
#[derive(Clone)]
pub struct ContainerView {
    name: ContainerName,
    phase: Phase,
    pass: Pass,
    client: Client,
    /// This field makes the type not `Send`, so that no handle outlives the hook in a spawned task.
    not_send: PhantomData<Rc<()>>,
}

impl ContainerView {
    pub(crate) fn new(context: &HookContext, name: ContainerName, pass: Pass) -> Self {
        let phase = context.phase(&name);
        let client = context.client_for(&name, pass);
        Self { name, phase, pass, client, not_send: PhantomData }
    }

    /// Returns the name of the container.
    #[must_use]
    pub fn name(&self) -> &ContainerName {
        &self.name
    }

    /// Returns the phase: whether the container's Pebble has announced itself since the unit, or
    /// its pod, was created.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns the same view with another retry policy, which overrides all others. In
    /// collect-status it has no effect: a call makes one attempt whatever the policy.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        // collect-status must not delay the end of the hook, so a charm cannot raise its limits.
        if self.pass == Pass::Handler {
            self.client = self.client.with_retry(policy);
        }
        self
    }

    /// Asks Pebble for its version and returns the answer as a status for
    /// [`Statuses::add`](crate::Statuses::add): Active if Pebble answers, Waiting if it cannot be
    /// reached, or Blocked with the cause if waiting cannot help. It makes one attempt of at most 2
    /// s. Dropping the future has no effect on Pebble.
    pub async fn readiness(&self) -> Status {
        let client = self.client.clone().with_retry(RetryPolicy::once(COLLECT_LIMIT));
        match client.system_info().await {
            Ok(_) => Status::active(),
            Err(error) if *error.kind() == pebble::ErrorKind::Unreachable => {
                waiting_for_pebble(&Error::from(error))
            }
            Err(error) => Status::blocked(Error::from(error).chain()),
        }
    }
}

impl Container {
    pub(crate) fn new(context: &HookContext, name: ContainerName) -> Self {
        Self { view: ContainerView::new(context, name, Pass::Handler) }
    }

    /// Returns a handle of the same container that can only read, with the retry policy of this
    /// one.
    #[must_use]
    pub fn view(&self) -> &ContainerView {
        &self.view
    }

    /// Returns the name of the container.
    #[must_use]
    pub fn name(&self) -> &ContainerName {
        self.view.name()
    }

    /// Returns the phase: whether the container's Pebble has announced itself since the unit, or
    /// its pod, was created.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.view.phase()
    }

    /// Returns the same container with another retry policy, which overrides all others:
    /// `container.clone().with_retry(policy).replan()`.
    #[must_use]
    pub fn with_retry(self, policy: RetryPolicy) -> Self {
        Self { view: self.view.with_retry(policy) }
    }

    /// Asks Pebble for its version and returns the answer as a status, as
    /// [`ContainerView::readiness`] does.
    pub async fn readiness(&self) -> Status {
        self.view.readiness().await
    }
}

/// Gives access to all calls of the container's Pebble.
impl Deref for Container {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.view.client
    }
}

/// Gives access to the calls of the container's Pebble that change nothing.
impl Deref for ContainerView {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.client
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view.fmt_as("Container", f)
    }
}

impl fmt::Debug for ContainerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("ContainerView", f)
    }
}

impl ContainerView {
    fn fmt_as(&self, what: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(what)
            .field("name", &self.name)
            .field("phase", &self.phase)
            .field("policy", self.client.policy())
            .finish_non_exhaustive()
    }
}
