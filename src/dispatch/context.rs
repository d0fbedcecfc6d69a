//! The context of one hook: what its handles share, and the clients of its containers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::framework::Framework;
use super::mode::Mode;
use super::operator_retry::OperatorRetry;
use super::retry_status::RetryStatus;
use super::unit_state::UnitState;
use crate::declaration::Metadata;
use crate::error::{ContainerTag, Error};
use crate::event::Event;
use crate::juju::{ContainerName, HookEnv, HookTools, StorageId};
use crate::pebble::{Budget, Client, RetryPolicy, RetrySummary};
use crate::phase::Phase;
use crate::relation::current_event::CurrentEvent;
use crate::relation::databags::Databags;
use crate::retry::Retry;

/// The time limit of a call while statuses are collected.
pub(crate) const COLLECT_LIMIT: Duration = Duration::from_secs(2);

/// The time limit of the one attempt of a call in `stop` and `remove`. Kubernetes kills the pod
/// after 30 s, so that two such calls still leave time to finish the hook.
const ENDING_LIMIT: Duration = Duration::from_secs(10);

/// The context of a hook, which all its handles share.
pub(crate) struct HookContext {
    pub(crate) env: HookEnv,
    pub(crate) tools: Arc<HookTools>,
    pub(crate) metadata: Metadata,
    mode: Mode,
    /// The folder that contains `NAME/pebble.socket` for each container.
    containers_folder: PathBuf,
    /// The retry policy of each declared container; collect-status has its own.
    policies: BTreeMap<ContainerName, RetryPolicy>,
    /// The client of each container, made when it is first needed.
    clients: RefCell<BTreeMap<ContainerName, Client>>,
    /// The unit's state. No borrow of it may last over a call of the charm, which borrows it too.
    pub(crate) state: RefCell<UnitState>,
    /// The changes of the unit's own databags that are not sent yet.
    pub(crate) databags: Databags,
    /// The relations of the hook's event and of the event that runs now.
    pub(crate) current_event: CurrentEvent,
    /// The storage instance that is detached when this hook has ended.
    pub(crate) detaching_storage: Option<StorageId>,
}

/// The pass in which a handle is used, which decides about its retry policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// A handler runs, with the policies of the hook.
    Handler,
    /// collect-status runs, with one short attempt for each call.
    CollectStatus,
}

impl HookContext {
    /// Makes the context of a hook. `retry` is the charm's choice for each container.
    pub(crate) fn new(
        env: HookEnv,
        tools: Arc<HookTools>,
        metadata: Metadata,
        mode: Mode,
        containers_folder: PathBuf,
        state: UnitState,
        retry: impl Fn(&str) -> Retry,
    ) -> Self {
        let policies = policies(&tools, &metadata, mode, &state.framework, retry);
        Self {
            env,
            tools,
            metadata,
            mode,
            containers_folder,
            policies,
            clients: RefCell::default(),
            state: RefCell::new(state),
            databags: Databags::default(),
            current_event: CurrentEvent::default(),
            detaching_storage: None,
        }
    }

    /// Returns the context of a hook that Juju runs for this event; an action has none.
    pub(crate) fn for_event(self, event: Option<&Event>) -> Self {
        let detaching_storage = match event {
            Some(Event::StorageDetaching(storage)) => storage.id().cloned(),
            _ => None,
        };
        Self { current_event: CurrentEvent::of_hook(event), detaching_storage, ..self }
    }

    pub(crate) fn phase(&self, container: &ContainerName) -> Phase {
        self.state.borrow().framework.phase(container)
    }

    /// Returns the client of a container for a handle of this pass. Its errors carry a tag of the
    /// container.
    pub(crate) fn client_for(&self, container: &ContainerName, pass: Pass) -> Client {
        let policy = match pass {
            Pass::CollectStatus => RetryPolicy::once(COLLECT_LIMIT),
            Pass::Handler => self.policies.get(container).cloned().unwrap_or_default(),
        };
        let tag = ContainerTag::new(container.clone(), self.phase(container));
        self.client(container).with_retry(policy).with_tag(Arc::new(tag))
    }

    /// Returns the client of a container. There is one in a hook: all handles share its connection,
    /// its retry budget and its record of layers.
    pub(crate) fn client(&self, container: &ContainerName) -> Client {
        let mut clients = self.clients.borrow_mut();
        // A clone shares the connection and the budget, so all handles count against one limit.
        if let Some(client) = clients.get(container) {
            return client.clone();
        }
        let target = format!("container \"{container}\"");
        let observer = RetryStatus::new(container.clone(), self.mode, Arc::clone(&self.tools));
        let client =
            Client::new(self.containers_folder.join(container.as_str()).join("pebble.socket"))
                .with_target(&*target)
                .with_hint("is the container running?")
                .with_budget(Budget::on(target))
                .with_observer(Arc::new(observer));
        clients.insert(container.clone(), client.clone());
        client
    }

    /// Returns a summary of the retries for each container that had any.
    pub(crate) fn retries(&self) -> Vec<RetrySummary> {
        let clients = self.clients.borrow();
        let summaries = clients.values().map(|client| client.budget().summary());
        summaries.filter(|summary| summary.retries() > 0).collect()
    }
}

/// Returns the retry policy of each container: one attempt in `stop` and `remove`, a few short
/// attempts in setup, else the charm's policy, with the operator's values if the charm allows them.
fn policies(
    tools: &HookTools,
    metadata: &Metadata,
    mode: Mode,
    framework: &Framework,
    retry: impl Fn(&str) -> Retry,
) -> BTreeMap<ContainerName, RetryPolicy> {
    let mut operator = None;
    let mut policy = |name: &ContainerName| {
        // The charm is asked in every mode, as the documentation of `Charm::retry` promises.
        let retry = retry(name.as_str());
        if mode == Mode::Ending {
            return RetryPolicy::once(ENDING_LIMIT);
        }
        if framework.phase(name) == Phase::Setup {
            return Phase::Setup.policy();
        }
        let policy = retry.policy().clone();
        if retry.is_fixed() {
            return policy;
        }
        operator.get_or_insert_with(|| operator_retry(tools)).apply(policy)
    };
    metadata.declared_containers().map(|name| (name.clone(), policy(&name))).collect()
}

/// Reads the operator's options, when the first container needs them. If they cannot be read, the
/// framework's own values stay: a handler need not fail for that, and collect-status, which reads
/// the config too, reports the cause.
fn operator_retry(tools: &HookTools) -> OperatorRetry {
    let (operator, mistakes) = match tools.config() {
        Ok(options) => OperatorRetry::read(&options),
        Err(error) => (OperatorRetry::default(), vec![Error::from(error)]),
    };
    for mistake in mistakes {
        tracing::warn!("the operator's retry options do not count: {}", mistake.chain());
    }
    operator
}
