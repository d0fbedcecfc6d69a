//! The hook or the action that runs: what it has read, what it has asked for, what it has said.

use std::collections::BTreeMap;

use charmwright_juju::ActionId;
use serde_json::{Map, Value};

use super::hook_run::HookRun;
use super::ports::PortChanges;
use super::status::StatusValue;

/// The agent's notes on the running hook.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) run: HookRun,
    /// The config when the hook began: what config-changed has then seen.
    pub(super) config_at_start: Map<String, Value>,
    pub(super) snapshot: Snapshot,
    pub(super) writes: PendingWrites,
    /// `None` where a hook runs.
    pub(super) action: Option<ActionOutput>,
    /// How often each tool was called.
    pub(super) tools: BTreeMap<String, u32>,
    /// Whether what it prints goes to the log line by line, as it comes.
    pub(super) printed: bool,
}

/// What a hook has read of the controller: it reads each once, and later changes are not seen.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) config: Option<Map<String, Value>>,
    pub(super) status: Option<StatusValue>,
    /// A "no" of is-leader is remembered, a "yes" is not.
    pub(super) not_leader: bool,
}

/// What a hook has asked for that is kept until it exits with 0, and is dropped at any other end.
#[derive(Debug, Default)]
pub(super) struct PendingWrites {
    /// `None` = deleted.
    pub(super) state: BTreeMap<String, Option<String>>,
    pub(super) ports: PortChanges,
    pub(super) reboot: bool,
}

/// What an action was given, and what it has said: its result, however it ends.
#[derive(Debug)]
pub(super) struct ActionOutput {
    pub(super) id: ActionId,
    pub(super) params: Map<String, Value>,
    pub(super) results: Map<String, Value>,
    /// What `action-fail` said.
    pub(super) failed: Option<String>,
}

impl Running {
    pub(super) fn new(run: HookRun, config: Map<String, Value>) -> Self {
        Self {
            run,
            config_at_start: config,
            snapshot: Snapshot::default(),
            writes: PendingWrites::default(),
            action: None,
            tools: BTreeMap::new(),
            printed: false,
        }
    }
}

impl ActionOutput {
    pub(super) fn new(id: ActionId, params: Map<String, Value>) -> Self {
        Self { id, params, results: Map::new(), failed: None }
    }
}
