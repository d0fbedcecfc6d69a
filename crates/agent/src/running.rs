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
    pub(super) tool_counts: BTreeMap<String, u32>,
    /// Whether what it prints goes to the log line by line, as it comes.
    pub(super) has_streamed_output: bool,
}

/// The part of the controller that a hook has read: it reads each thing once, and does not see
/// later changes.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) config: Option<Map<String, Value>>,
    pub(super) status: Option<StatusValue>,
    /// A "no" of is-leader is remembered, a "yes" is not.
    pub(super) is_not_leader: bool,
}

/// The writes of a hook, which are kept until it exits with 0 and dropped at any other end.
#[derive(Debug, Default)]
pub(super) struct PendingWrites {
    /// `None` = deleted.
    pub(super) state: BTreeMap<String, Option<String>>,
    pub(super) ports: PortChanges,
    pub(super) is_reboot_requested: bool,
}

/// The parameters of an action, and all that it has said: its result, however it ends.
#[derive(Debug)]
pub(super) struct ActionOutput {
    pub(super) id: ActionId,
    pub(super) params: Map<String, Value>,
    pub(super) results: Map<String, Value>,
    /// The message of `action-fail`.
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
