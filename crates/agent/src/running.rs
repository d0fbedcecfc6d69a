//! [`Running`] holds what the agent knows of the running hook or action: the data that it has read,
//! its pending writes, and the results of an action.

use std::collections::BTreeMap;

use charmwright_juju::{ActionId, StorageId, StorageKind};
use serde_json::{Map, Value};

use super::config_inputs::ConfigInputs;
use super::hook::HookKind;
use super::hook_run::HookRun;
use super::ports::PortChanges;
use super::relations::{RelationHook, RelationWrites};
use super::secrets::{PendingSecrets, SecretMetadata};
use super::status::StatusValue;

/// The hook or the action that runs now.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) run: HookRun,
    /// The config at the start of the hook. A config-changed that succeeds has handled this one,
    /// and not a change made while it ran.
    pub(super) config_at_start: ConfigInputs,
    pub(super) snapshot: Snapshot,
    pub(super) writes: PendingWrites,
    /// The parameters and results of the running action; `None` while a hook runs.
    pub(super) action: Option<ActionOutput>,
    /// The number of calls of each tool.
    pub(super) tool_counts: BTreeMap<String, u32>,
    /// `true` once a line of the output was logged while the hook ran.
    pub(super) has_streamed_output: bool,
}

/// The data that the hook has read from the controller. Juju reads each of them once in a hook, so
/// the hook does not see a later change (Juju 3.6).
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// The running hook if it is that of a relation, which is the default of some tools.
    pub(super) relation_hook: Option<RelationHook>,
    pub(super) config: Option<Map<String, Value>>,
    pub(super) status: Option<StatusValue>,
    /// `true` once the hook was told that the unit is not the leader. A "yes" is asked for again at
    /// each call, since a unit can lose the leadership.
    pub(super) is_not_leader: bool,
    /// The leader's settings. Juju reads them once in a hook, and again after the hook has written
    /// them (Juju 3.6).
    pub(super) leader_settings: Option<BTreeMap<String, String>>,
    /// The ids of the unit's storage when the hook asked for the first time.
    pub(super) storage_ids: Option<Vec<StorageId>>,
    /// The kind and the location of each instance for which the hook has asked.
    pub(super) storage: BTreeMap<StorageId, (StorageKind, String)>,
    /// The instance of the running hook if it is that of a storage, which is the default of
    /// storage-get.
    pub(super) hook_storage: Option<StorageId>,
    /// The secrets that the unit owned when the hook asked for the first time. Its own changes are
    /// in [`PendingWrites::secrets`].
    pub(super) owned_secrets: Option<BTreeMap<String, SecretMetadata>>,
}

/// The pending writes of a hook. They are committed when the hook exits with 0, and dropped when it
/// ends in any other way.
#[derive(Debug, Default)]
pub(super) struct PendingWrites {
    /// The keys of the charm's state with their new values; `None` deletes the key.
    pub(super) state: BTreeMap<String, Option<String>>,
    pub(super) ports: PortChanges,
    pub(super) secrets: PendingSecrets,
    /// The names and the numbers of the instances of each call of `storage-add`, in their order.
    pub(super) storage: Vec<(String, u64)>,
    pub(super) relations: RelationWrites,
    /// Set for config-changed: its commit brings the unit's addresses in its databags up to date.
    pub(super) refreshes_network: bool,
    /// Set by `juju-reboot` without `--now`.
    pub(super) is_reboot_requested: bool,
}

/// The parameters of the running action, and the results that it has set so far. The results are
/// kept however the action ends.
#[derive(Debug)]
pub(super) struct ActionOutput {
    pub(super) id: ActionId,
    pub(super) params: Map<String, Value>,
    pub(super) results: Map<String, Value>,
    /// The message of the last `action-fail`.
    pub(super) failed: Option<String>,
}

impl Running {
    pub(super) fn new(run: HookRun, config: ConfigInputs) -> Self {
        // Juju's agent asks for the storage of a storage hook at its start (Juju 3.6). For one that
        // is not provisioned it has nothing, and the tool no default.
        let hook = run.kind.storage();
        let storage = hook.and_then(|hook| {
            Some((hook.id().clone(), (hook.kind().clone(), hook.location()?.to_owned())))
        });
        let snapshot = Snapshot {
            relation_hook: run.kind.relation().cloned(),
            hook_storage: storage.as_ref().map(|(id, _)| id.clone()),
            storage: storage.into_iter().collect(),
            ..Snapshot::default()
        };
        let refreshes_network = run.kind == HookKind::ConfigChanged;
        let writes = PendingWrites { refreshes_network, ..PendingWrites::default() };
        Self {
            run,
            config_at_start: config,
            snapshot,
            writes,
            action: None,
            tool_counts: BTreeMap::new(),
            has_streamed_output: false,
        }
    }
}

impl ActionOutput {
    pub(super) fn new(id: ActionId, params: Map<String, Value>) -> Self {
        Self { id, params, results: Map::new(), failed: None }
    }
}
