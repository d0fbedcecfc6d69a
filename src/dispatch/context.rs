//! What one hook and its containers have in common.

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
use crate::juju::{ContainerName, HookEnv, HookTools};
use crate::pebble::{Budget, Client, RetryPolicy, RetrySummary};
use crate::phase::Phase;
use crate::retry::Retry;

/// How long one call may take while statuses are collected.
pub(crate) const COLLECT_LIMIT: Duration = Duration::from_secs(2);

/// How long the one attempt of a call may take in `stop` and `remove`: Kubernetes kills the pod
/// after 30 s.
const ENDING_LIMIT: Duration = Duration::from_secs(10);

/// The hook that runs, as all its handles share it.
pub(crate) struct HookContext {
    pub(crate) env: HookEnv,
    pub(crate) tools: Arc<HookTools>,
    pub(crate) metadata: Metadata,
    mode: Mode,
    /// The folder that holds `NAME/pebble.socket`.
    containers_folder: PathBuf,
    /// The policy for each declared container, but while statuses are collected.
    policies: BTreeMap<ContainerName, RetryPolicy>,
    /// One for each container, made when it is first needed.
    clients: RefCell<BTreeMap<ContainerName, Client>>,
    /// No borrow of it lasts over a call of the charm.
    pub(crate) state: RefCell<UnitState>,
}

/// The pass that a handle belongs to, which decides how patient it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// A handler: the hook's own patience.
    Handler,
    /// collect-status: one short attempt.
    CollectStatus,
}

impl HookContext {
    /// Puts together what the hook has. `retry` is the charm's answer for each container.
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
        }
    }

    pub(crate) fn phase(&self, container: &ContainerName) -> Phase {
        self.state.borrow().framework.phase(container)
    }

    /// The client of a container for a handle of this pass: its errors tell of the container.
    pub(crate) fn client_for(&self, container: &ContainerName, pass: Pass) -> Client {
        let policy = match pass {
            Pass::CollectStatus => RetryPolicy::once(COLLECT_LIMIT),
            Pass::Handler => self.policies.get(container).cloned().unwrap_or_default(),
        };
        let tag = ContainerTag::new(container.clone(), self.phase(container));
        self.client(container).with_retry(policy).with_tag(Arc::new(tag))
    }

    /// The one client of a container in this hook: all handles share its connection, its budget and
    /// its memory of layers.
    pub(crate) fn client(&self, container: &ContainerName) -> Client {
        let mut clients = self.clients.borrow_mut();
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

    /// What the retries on each container came to, where there were any.
    pub(crate) fn retries(&self) -> Vec<RetrySummary> {
        let clients = self.clients.borrow();
        let summaries = clients.values().map(|client| client.budget().summary());
        summaries.filter(|summary| summary.retries() > 0).collect()
    }
}

/// The policy for each container: in `stop` and `remove` one attempt, in setup an impatient one,
/// else the charm's, in which the operator's values count if they may.
fn policies(
    tools: &HookTools,
    metadata: &Metadata,
    mode: Mode,
    framework: &Framework,
    retry: impl Fn(&str) -> Retry,
) -> BTreeMap<ContainerName, RetryPolicy> {
    let mut operator = None;
    let mut policy = |name: &ContainerName| {
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

/// The operator's options, read for the first container of which they count. Where they cannot be
/// read the library's values stand: a handler need not fail for them, and collect-status reads the
/// config too and says what is wrong.
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
