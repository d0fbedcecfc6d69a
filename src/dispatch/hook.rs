//! What a handler is given: the hook it runs in.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::charm::{Charm, Metadata};
use super::config::{self, OperatorRetry};
use super::container::Container;
use super::error::{Error, Result};
use super::observer::Observer;
use super::phase::Phase;
use super::retry::Retry;
use super::state::{CharmState, Framework};
use crate::juju::{ContainerName, HookEnv, HookTools};
use crate::pebble::{Budget, Client, RetryPolicy};

/// One hook run, as its handlers see it: the environment, the config, the containers, the charm's
/// state and the hook tools.
pub struct Hook<C: Charm> {
    shared: Arc<Shared>,
    config: OnceLock<Arc<C::Config>>,
    charm: PhantomData<fn() -> C>,
}

/// What kind of run this is, which decides about patience, logs and early statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An ordinary hook.
    Hook,
    /// A `<container>-pebble-*` hook: Juju hides its failure, so it fails only where nothing could
    /// be committed.
    Workload,
    /// `stop` or `remove`.
    Ending,
    /// A user waits for the result, and standard output and error are part of it.
    Action,
}

/// What the hook and its containers have in common.
pub(crate) struct Shared {
    pub(crate) env: HookEnv,
    pub(crate) juju: Arc<HookTools>,
    pub(crate) metadata: Metadata,
    pub(crate) mode: Mode,
    /// The folder that holds `NAME/pebble.socket`.
    pub(crate) containers: PathBuf,
    /// The charm's answer for each declared container, asked before its handlers run.
    pub(crate) retries: BTreeMap<&'static str, Retry>,
    /// Set while statuses are collected: then nobody waits for Pebble.
    pub(crate) collecting: AtomicBool,
    /// Read when it is first needed.
    pub(crate) operator: OnceLock<OperatorRetry>,
    /// One for each container, made when it is first needed.
    pub(crate) clients: Mutex<BTreeMap<ContainerName, Client>>,
    pub(crate) memory: Mutex<Memory>,
}

/// The two documents while the hook runs.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) framework: Framework,
    pub(crate) charm: CharmState,
}

/// How long one call may take while statuses are collected.
pub(crate) const COLLECT_LIMIT: Duration = Duration::from_secs(2);
/// How long the one attempt of a call may take in `stop` and `remove`: Kubernetes kills the pod
/// after 30 s.
const ENDING_LIMIT: Duration = Duration::from_secs(10);

impl<C: Charm> Hook<C> {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, config: OnceLock::new(), charm: PhantomData }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What the unit agent said in the environment. For a deferred event it is that of the hook in
    /// which it runs again, not its own: what the event needs is in the [`Event`](super::Event).
    #[must_use]
    pub fn env(&self) -> &HookEnv {
        &self.shared.env
    }

    /// The hook tools: leadership, ports, the workload's version, action parameters and results.
    ///
    /// Statuses belong to `collect_status`, which overwrites what is set here; the state keys
    /// `charmwright` and `charm` belong to the framework, see [`Hook::state`].
    #[must_use]
    pub fn juju(&self) -> &HookTools {
        &self.shared.juju
    }

    /// The charm's config, read at most once a hook.
    ///
    /// # Errors
    ///
    /// A config error that names the option whose value does not fit; returning it blocks the unit
    /// until the user changes it. A hook tool's error if the config cannot be read.
    pub fn config(&self) -> Result<Arc<C::Config>> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(config::parse(&*self.shared.juju.config()?)?);
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }

    /// A container by name. Asks nothing of its Pebble, which may be away.
    ///
    /// # Errors
    ///
    /// If the charm's [`Metadata`] does not declare it, or if the config, which may hold the
    /// operator's retry options, cannot be read.
    pub fn container(&self, name: &str) -> Result<Container> {
        if !self.shared.metadata.declares_container(name) {
            return Err(Error::undeclared(format!(
                "cannot use container \"{name}\": the charm \"{}\" declares {:?} in \
                 Charm::METADATA",
                self.shared.metadata.name(),
                self.shared.metadata.container_names()
            )));
        }
        let name: ContainerName = name.parse().map_err(|error: crate::juju::InvalidName| {
            Error::undeclared(format!(
                "cannot use container \"{name}\", which Charm::METADATA declares: {error}"
            ))
        })?;
        self.shared.learn_operator_retry(&name)?;
        Ok(Container::new(Arc::clone(&self.shared), name))
    }

    /// The charm's state as the last [`set_state`](Hook::set_state) left it, in this hook or an
    /// earlier one; the default if there is none.
    ///
    /// # Errors
    ///
    /// A state error if what is stored is not a `T` or is from a newer version. It is left as it
    /// is: writing is refused for the rest of the hook.
    pub fn state<T: DeserializeOwned + Default>(&self) -> Result<T> {
        self.shared.memory().charm.read()
    }

    /// Replaces the charm's state. It is sent to Juju at the end of the hook, if it changed, and
    /// Juju keeps it if the hook succeeds.
    ///
    /// # Errors
    ///
    /// A state error if it is larger than 60 KiB of JSON, or if what is stored could not be read.
    pub fn set_state<T: Serialize + ?Sized>(&self, state: &T) -> Result<()> {
        self.shared.memory().charm.write(state)
    }
}

impl<C: Charm> std::fmt::Debug for Hook<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("env", &self.shared.env).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn phase(&self, container: &ContainerName) -> Phase {
        self.memory().framework.phase(container)
    }

    /// The operator's options count in operation only, so a unit in setup does not read its config
    /// for them.
    fn learn_operator_retry(&self, container: &ContainerName) -> Result<()> {
        if self.phase(container) == Phase::Operation
            && !self.retry(container).is_fixed()
            && self.operator.get().is_none()
            && !self.collecting()
        {
            // What is wrong with them is shown when statuses are collected.
            let (operator, _) = OperatorRetry::read(&*self.juju.config()?);
            self.operator.get_or_init(|| operator);
        }
        Ok(())
    }

    pub(crate) fn collecting(&self) -> bool {
        self.collecting.load(Ordering::Relaxed)
    }

    /// Gives the policy for the calls of a handle that is made now. While statuses are collected it
    /// is one attempt; else it is the charm's policy, in which the operator's values count if they
    /// may.
    pub(crate) fn policy(&self, container: &ContainerName) -> RetryPolicy {
        if self.collecting() {
            return RetryPolicy::once(COLLECT_LIMIT);
        }
        if self.mode == Mode::Ending {
            return RetryPolicy::once(ENDING_LIMIT);
        }
        if self.phase(container) == Phase::Setup {
            return Phase::Setup.policy();
        }
        let retry = self.retry(container);
        let policy = retry.policy().clone();
        if retry.is_fixed() {
            return policy;
        }
        self.operator.get().copied().unwrap_or_default().apply(policy)
    }

    fn retry(&self, container: &ContainerName) -> Retry {
        self.retries.get(container.as_str()).cloned().unwrap_or_default()
    }

    /// Tells what the retries on each container came to, where there were any: `charmwright dev`
    /// counts by it.
    pub(crate) fn tell_retries(&self) {
        for client in self.clients.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let summary = client.budget().summary();
            if summary.retries() > 0 {
                tracing::info!("{summary}");
            }
        }
    }

    /// The one client of a container in this hook: all handles share its connection, its budget and
    /// its memory of layers.
    pub(crate) fn client(&self, container: &ContainerName) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(container) {
            return client.clone();
        }
        let observer = Observer::new(container.clone(), self.mode, Arc::clone(&self.juju));
        let client = Client::new(self.containers.join(container.as_str()).join("pebble.socket"))
            .with_target(target_of(container.as_str()))
            .with_hint("is the container running?")
            .with_budget(Budget::on(target_of(container.as_str())))
            .with_observer(Arc::new(observer));
        clients.insert(container.clone(), client.clone());
        client
    }
}

/// How messages name a container's Pebble.
fn target_of(container: &str) -> String {
    format!("container \"{container}\"")
}
