//! One workload container of the unit, as its handlers use it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Error, Result};
use super::hook::{COLLECT_LIMIT, Shared};
use super::outcome::waiting_for_pebble;
use super::phase::Phase;
use crate::juju::{ContainerName, Status};
use crate::pebble::{
    self, Change, ChangeFilter, ChangeId, CheckInfo, CheckQuery, CheckRefresh, Client, HealthQuery,
    Layer, LayerMode, LogEntry, LogQuery, Plan, RetryPolicy, ServiceInfo, Signal, SystemInfo,
};

/// A workload container: the calls of its Pebble, retried as the hook's situation asks for.
///
/// A handler just calls: there is no need to ask first whether Pebble is there. In setup a call
/// gives up after seconds and in operation after minutes (see [`Phase`]); in `stop` and `remove`
/// and while statuses are collected it makes one attempt. All handles of one container share a
/// connection, the hook's budget of retries, and the memory of the layers added, which are put back
/// if Pebble restarts.
///
/// Each call returns what the method of the same name of [`pebble::Client`] returns, with the error
/// in terms of the charm: it knows the container, and whether that was in setup. The futures may be
/// dropped; a request that was sent may then have acted.
#[derive(Clone)]
pub struct Container {
    shared: Arc<Shared>,
    name: ContainerName,
    policy: Option<RetryPolicy>,
}

impl Container {
    pub(crate) fn new(shared: Arc<Shared>, name: ContainerName) -> Self {
        Self { shared, name, policy: None }
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &ContainerName {
        &self.name
    }

    /// Whether its Pebble has announced itself since the unit, or its pod, was made.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.shared.phase(&self.name)
    }

    /// The same container with calls retried by this policy instead:
    /// `container.clone().with_retry(policy).replan()`. It beats all others, but while statuses are
    /// collected a call makes one attempt all the same.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The client behind this handle, with the policy that counts right now and the hook's
    /// [`budget`](Client::budget): for what has no method here, and to give a workload's own
    /// interface the same care (`client.policy().run(what, client.budget(), operation, classify)`).
    #[must_use]
    pub fn client(&self) -> Client {
        self.shared
            .client(&self.name)
            .with_retry(self.shared.policy(&self.name, self.policy.as_ref()))
    }

    /// The error of this container's [`client`](Container::client) in terms of the charm.
    #[must_use]
    pub fn error(&self, error: pebble::Error) -> Error {
        Error::from(error).at(self.name.clone(), self.phase())
    }

    /// Whether Pebble answers, as a status for [`Statuses::add`](super::Statuses::add): Active, or
    /// Waiting while it is away, or Blocked with the cause where waiting cannot help. One attempt
    /// of at most 2 s.
    pub async fn readiness(&self) -> Status {
        let client = self.shared.client(&self.name).with_retry(RetryPolicy::once(COLLECT_LIMIT));
        match client.system_info().await {
            Ok(_) => Status::active(),
            Err(error) if *error.kind() == pebble::ErrorKind::Unreachable => {
                waiting_for_pebble(&self.error(error))
            }
            Err(error) => Status::blocked(self.error(error).chain()),
        }
    }

    /// Pebble's version and boot id.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or refuses.
    pub async fn system_info(&self) -> Result<SystemInfo> {
        self.client().system_info().await.map_err(|error| self.error(error))
    }

    /// Whether all checks, or those of the query, pass.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or refuses. A failing check is no error.
    pub async fn health(&self, query: &HealthQuery) -> Result<bool> {
        self.client().health(query).await.map_err(|error| self.error(error))
    }

    /// Adds a layer to the plan, or combines it with the one of that label.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or refuses the layer.
    pub async fn add_layer(&self, label: &str, layer: &Layer, mode: LayerMode) -> Result<()> {
        self.client().add_layer(label, layer, mode).await.map_err(|error| self.error(error))
    }

    /// The plan: all layers combined.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or its plan cannot be read.
    pub async fn plan(&self) -> Result<Plan> {
        self.client().plan().await.map_err(|error| self.error(error))
    }

    /// The services of these names, or all of them.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer.
    pub async fn services(&self, names: &[&str]) -> Result<Vec<ServiceInfo>> {
        self.client().services(names).await.map_err(|error| self.error(error))
    }

    /// Starts services and waits until they have stayed up.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or refuses, or if a service does not start or stay up.
    pub async fn start(&self, names: &[&str]) -> Result<Change> {
        self.client().start(names).await.map_err(|error| self.error(error))
    }

    /// Stops services and waits until they are down.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or refuses, or if a service does not stop.
    pub async fn stop(&self, names: &[&str]) -> Result<Change> {
        self.client().stop(names).await.map_err(|error| self.error(error))
    }

    /// Restarts services and waits until they have stayed up.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or refuses, or if a service does not stop, start or stay up.
    pub async fn restart(&self, names: &[&str]) -> Result<Change> {
        self.client().restart(names).await.map_err(|error| self.error(error))
    }

    /// Starts the services with `startup: enabled` and restarts those whose config changed; waits
    /// until they have stayed up.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or if a service does not start or stay up.
    pub async fn replan(&self) -> Result<Change> {
        self.client().replan().await.map_err(|error| self.error(error))
    }

    /// Starts the services with `startup: enabled`; waits until they have stayed up.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or if a service does not start or stay up.
    pub async fn autostart(&self) -> Result<Change> {
        self.client().autostart().await.map_err(|error| self.error(error))
    }

    /// The changes that match the filter.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer.
    pub async fn changes(&self, filter: &ChangeFilter) -> Result<Vec<Change>> {
        self.client().changes(filter).await.map_err(|error| self.error(error))
    }

    /// One change.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or does not know it.
    pub async fn change(&self, id: &ChangeId) -> Result<Change> {
        self.client().change(id).await.map_err(|error| self.error(error))
    }

    /// Waits until a change is over, whether it succeeded or failed.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or does not know it, or if it is still running at the deadline.
    pub async fn wait_change(&self, id: &ChangeId, deadline: Duration) -> Result<Change> {
        self.client().wait_change(id, deadline).await.map_err(|error| self.error(error))
    }

    /// Asks Pebble to give up a change.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or if the change cannot be aborted.
    pub async fn abort_change(&self, id: &ChangeId) -> Result<Change> {
        self.client().abort_change(id).await.map_err(|error| self.error(error))
    }

    /// The health checks that match the query.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer.
    pub async fn checks(&self, query: &CheckQuery) -> Result<Vec<CheckInfo>> {
        self.client().checks(query).await.map_err(|error| self.error(error))
    }

    /// Starts checks that do not run; gives the names of those that it started.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or does not know a check, or is older than 1.19.
    pub async fn start_checks(&self, names: &[&str]) -> Result<Vec<String>> {
        self.client().start_checks(names).await.map_err(|error| self.error(error))
    }

    /// Stops checks; gives the names of those that it stopped.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or does not know a check, or is older than 1.19.
    pub async fn stop_checks(&self, names: &[&str]) -> Result<Vec<String>> {
        self.client().stop_checks(names).await.map_err(|error| self.error(error))
    }

    /// Sends a signal to the main process of each of these services.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or a service does not run. It is never sent twice: see
    /// [`Client::signal`].
    pub async fn signal(&self, signal: &Signal, services: &[&str]) -> Result<()> {
        self.client().signal(signal, services).await.map_err(|error| self.error(error))
    }

    /// The metrics of services and checks, in the text format that Prometheus reads.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or is older than 1.19.
    pub async fn metrics(&self) -> Result<String> {
        self.client().metrics().await.map_err(|error| self.error(error))
    }

    /// The newest lines of services' output, oldest first.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer.
    pub async fn logs(&self, query: &LogQuery) -> Result<Vec<LogEntry>> {
        self.client().logs(query).await.map_err(|error| self.error(error))
    }

    /// Runs a check now and says how it went.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer or does not know the check, or is older than 1.20.
    pub async fn refresh_check(&self, name: &str) -> Result<CheckRefresh> {
        self.client().refresh_check(name).await.map_err(|error| self.error(error))
    }

    /// Runs a check now, for a check with a timeout of more than 10 s.
    ///
    /// # Errors
    ///
    /// As [`Container::refresh_check`].
    pub async fn refresh_check_within(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<CheckRefresh> {
        self.client().refresh_check_within(name, timeout).await.map_err(|error| self.error(error))
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
