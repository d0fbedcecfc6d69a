//! One workload container of the unit, as its handlers use it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::error::{Error, Scene};
use super::hook::{COLLECT_LIMIT, Shared};
use super::outcome::waiting_for_pebble;
use super::phase::Phase;
use crate::juju::{ContainerName, Status};
use crate::pebble::{self, Client, RetryPolicy};

/// A workload container: the client of its Pebble, whose calls are retried as the hook's situation
/// asks for.
///
/// All calls of [`pebble::Client`] and its [`pebble::Reader`] are here by [`Deref`]:
/// `web.replan().await?`. A handler just calls: there is no need to ask first whether Pebble is
/// there. In setup a call gives up after seconds and in operation after minutes (see [`Phase`]); in
/// `stop` and `remove` and while statuses are collected it makes one attempt. All handles of one
/// container share a connection, the hook's [`budget`](pebble::Reader::budget) of retries, and the
/// memory of the layers added, which are put back if Pebble restarts.
///
/// `?` makes the charm's error of the client's: it knows the container, and whether that was in
/// setup. So it does for an error that comes late, from a process, a stream or a watch that a call
/// has given. The policy gives a workload's own interface the same care:
/// `web.policy().run(what, web.budget(), operation, classify)`.
///
/// A handle belongs to the pass that it was made in: it keeps that patience and that phase. So ask
/// the hook for one in each handler instead of keeping it.
#[derive(Clone)]
pub struct Container {
    shared: Arc<Shared>,
    name: ContainerName,
    phase: Phase,
    client: Client,
}

impl Container {
    pub(crate) fn new(shared: Arc<Shared>, name: ContainerName) -> Self {
        let phase = shared.phase(&name);
        let client = shared
            .client(&name)
            .with_retry(shared.policy(&name))
            .with_tag(Scene::tag(name.clone(), phase));
        Self { shared, name, phase, client }
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

    /// The same container with calls retried by this policy instead:
    /// `container.clone().with_retry(policy).replan()`. It beats all others, but while statuses are
    /// collected a call makes one attempt all the same.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        if !self.shared.collecting() {
            self.client = self.client.with_retry(policy);
        }
        self
    }

    /// Whether Pebble answers, as a status for [`Statuses::add`](super::Statuses::add): Active, or
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

/// All calls of the container's Pebble.
impl Deref for Container {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("name", &self.name)
            .field("phase", &self.phase)
            .field("policy", self.client.policy())
            .finish_non_exhaustive()
    }
}
