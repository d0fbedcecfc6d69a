//! One workload container of the unit, as its handlers use it, and as a pass that only reads does.

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

/// A workload container: the client of its Pebble, whose calls are retried as the hook's situation
/// asks for.
///
/// All calls of [`pebble::Client`] and its [`pebble::Reader`] are here by [`Deref`]:
/// `web.replan().await?`. A handler just calls: there is no need to ask first whether Pebble is
/// there. In setup a call gives up after seconds and in operation after minutes (see [`Phase`]); in
/// `stop` and `remove` it makes one attempt. All handles of one container share a connection, the
/// hook's [`budget`](pebble::Reader::budget) of retries, and the memory of the layers added, which
/// are put back if Pebble restarts.
///
/// `?` makes the charm's error of the client's: it knows the container, and whether that was in
/// setup. So it does for an error that comes late, from a process, a stream or a watch that a call
/// has given. The policy gives a workload's own interface the same care:
/// `web.policy().run(what, web.budget(), operation, classify)`.
///
/// A handle cannot be sent to another thread or a spawned task: nothing outlives the hook.
#[derive(Clone)]
pub struct Container {
    view: ContainerView,
}

/// A workload container of which one can only read: all calls of [`pebble::Reader`], by [`Deref`].
///
/// How patient it is depends on where it is from: one that collect-status was given makes one
/// attempt of at most 2 s a call, and one of a handler ([`Container::view`]) is as patient as the
/// handler's own. So one function that takes a `&ContainerView` serves both.
#[derive(Clone)]
pub struct ContainerView {
    name: ContainerName,
    phase: Phase,
    pass: Pass,
    client: Client,
    /// Not `Send`, so that no handle outlives the hook in a task.
    not_send: PhantomData<Rc<()>>,
}

impl ContainerView {
    pub(crate) fn new(context: &HookContext, name: ContainerName, pass: Pass) -> Self {
        let phase = context.phase(&name);
        let client = context.client_for(&name, pass);
        Self { name, phase, pass, client, not_send: PhantomData }
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &ContainerName {
        &self.name
    }

    /// Whether its Pebble has announced itself since the unit, or its pod, was made.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The same view with calls retried by this policy instead. It beats all others, but in
    /// collect-status a call makes one attempt all the same.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        if self.pass == Pass::Handler {
            self.client = self.client.with_retry(policy);
        }
        self
    }

    /// Whether Pebble answers, as a status for [`Statuses::add`](crate::Statuses::add): Active, or
    /// Waiting while it is away, or Blocked with the cause where waiting cannot help. One attempt
    /// of at most 2 s.
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

    /// The container without the right to change anything, and as patient as this handle.
    #[must_use]
    pub fn view(&self) -> &ContainerView {
        &self.view
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &ContainerName {
        self.view.name()
    }

    /// Whether its Pebble has announced itself since the unit, or its pod, was made.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.view.phase()
    }

    /// The same container with calls retried by this policy instead, which beats all others:
    /// `container.clone().with_retry(policy).replan()`.
    #[must_use]
    pub fn with_retry(self, policy: RetryPolicy) -> Self {
        Self { view: self.view.with_retry(policy) }
    }

    /// Whether Pebble answers, as [`ContainerView::readiness`] tells it.
    pub async fn readiness(&self) -> Status {
        self.view.readiness().await
    }
}

/// All calls of the container's Pebble.
impl Deref for Container {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.view.client
    }
}

/// The calls of the container's Pebble that change nothing.
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
