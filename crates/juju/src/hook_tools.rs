//! The hook tools of one hook as typed calls, and the cache of their answers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::env::{DispatchPath, HookEnv};
use super::error::Error;
use super::event_vars::{RelationVars, StorageVars};
use super::goal_state::GoalState;
use super::hook_cache::{Cached, Leadership, Options, Params, Ports, StoredState};
use super::names::{ApplicationName, EndpointName, HookName, StorageId, StorageName};
use super::network::Network;
use super::relation_cache::{Keyed, RelationCache};
use super::secret::HookRecord;
use super::status::Status;
use super::storage_info::StorageInfo;
use super::tool_output::parse_json;
use super::tool_runner::{MAX_ARGUMENT, ToolCall, ToolError, ToolRunner};
use super::version::JujuVersion;

/// The hook tools of one hook, as typed calls.
///
/// Every method blocks until its tool has ended.
///
/// # Caching
///
/// A read (config, leadership, statuses, state, action parameters, ports, storage, networks, the goal
/// state, secrets, relations and their databags) starts a tool once, and later reads return the cached answer. The
/// hook's own writes keep the cache up to date. A read that failed is not cached. Two threads that
/// read the same value at once start one tool.
///
/// Make one `HookTools` for each hook, because the cache is valid for one hook only.
///
/// # Commit
///
/// Statuses, the workload's version and log lines take effect at once, and so do the revision that
/// a unit tracks of a secret and the label that it gives to another's. Ports, state, databags, added
/// storage, a reboot and what is written to secrets take effect when the hook exits with code 0, all of them or none
/// (Juju 2.9 to 4.1).
pub struct HookTools {
    runner: Box<dyn ToolRunner>,
    // Each answer has a lock of its own, so that a thread that waits for one tool does not hold up
    // the reads of the others.
    pub(super) config: Cached<Arc<Options>>,
    pub(super) leadership: Mutex<Leadership>,
    pub(super) status: Cached<Status>,
    pub(super) application_status: Cached<Status>,
    pub(super) state: Cached<StoredState>,
    pub(super) params: Cached<Arc<Params>>,
    pub(super) ports: Mutex<Ports>,
    pub(super) storages: Mutex<BTreeMap<StorageName, Vec<StorageId>>>,
    pub(super) storage_infos: Keyed<StorageId, Arc<StorageInfo>>,
    pub(super) goal_state: Cached<Arc<GoalState>>,
    pub(super) relations: RelationCache,
    /// By the binding, and by the number of the relation if one was asked for.
    pub(super) networks: Keyed<(EndpointName, Option<u32>), Arc<Network>>,
    pub(super) secrets: Mutex<HookRecord>,
    /// The folder for the file of a secret's content; `None` is the system's temporary folder.
    pub(super) secret_folder: Option<PathBuf>,
    pub(super) hook: Option<KnownHook>,
}

/// What the calls know about the hook that they belong to.
pub(super) struct KnownHook {
    pub(super) application: ApplicationName,
    pub(super) version: Option<JujuVersion>,
    /// The number of the relation that ends with this hook.
    pub(super) breaking: Option<u32>,
}

impl HookTools {
    /// Makes the hook tools of one hook, which `runner` runs. No tool is started yet.
    #[must_use]
    pub fn new(runner: Box<dyn ToolRunner>) -> Self {
        Self {
            runner,
            config: Cached::default(),
            leadership: Mutex::default(),
            status: Cached::default(),
            application_status: Cached::default(),
            state: Cached::default(),
            params: Cached::default(),
            ports: Mutex::default(),
            storages: Mutex::default(),
            storage_infos: Keyed::default(),
            goal_state: Cached::default(),
            relations: RelationCache::default(),
            networks: Keyed::default(),
            secrets: Mutex::default(),
            secret_folder: None,
            hook: None,
        }
    }

    /// Tells the calls which hook they belong to. They then know the remote application of the
    /// hook's relation and the location of the hook's storage without a tool, and refuse a grant for
    /// which Juju would fail the hook: one in the peer relation, or in a relation that breaks
    /// ([`grant_secret`](Self::grant_secret)).
    ///
    /// A variable that is missing or malformed is as one that the hook does not have.
    #[must_use]
    pub fn in_hook(mut self, env: &HookEnv) -> Self {
        let version = env.juju_version().ok().flatten();
        let mut hook =
            KnownHook { application: env.unit().application().clone(), version, breaking: None };
        if let Ok(RelationVars { id: Some(id), remote_app, .. }) = env.relation() {
            let is_end = |name: &HookName| name.as_str().ends_with("-relation-broken");
            let name = match env.dispatch_path() {
                Some(DispatchPath::Hook(name)) => Some(name),
                Some(DispatchPath::Action(_)) => None,
                None => env.hook_name(),
            };
            hook.breaking = name.is_some_and(is_end).then_some(id.number());
            if let Some(remote) = remote_app {
                self.relations.apps.set(id.number(), Some(remote));
            }
        }
        if let Ok(StorageVars { id: Some(id), kind: Some(kind), location: Some(location) }) =
            env.storage()
        {
            self.storage_infos.set(id, Arc::new(StorageInfo::new(kind, location)));
        }
        self.hook = Some(hook);
        self
    }

    /// Sets the folder below which the content of a secret is written for the time of one call
    /// ([`add_secret`](Self::add_secret)). It is the system's temporary folder unless this sets
    /// another. Juju's agent reads the file, so the agent must see the same folder.
    #[must_use]
    pub fn secret_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.secret_folder = Some(folder.into());
        self
    }

    /// Returns `true` if the hook tool of this name can be started. A charm asks before it uses a
    /// tool that an older Juju does not have.
    #[must_use]
    pub fn has_tool(&self, tool: &str) -> bool {
        self.runner.has_tool(tool)
    }

    /// Looks for a tool, as [`ToolRunner::find_tool`] does.
    pub(super) fn find_tool(&self, tool: &str) -> Result<(), ToolError> {
        self.runner.find_tool(tool)
    }

    /// Runs a tool and drops its output.
    pub(super) fn execute(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: ToolCall<'_>,
    ) -> Result<(), Error> {
        self.run(attempt.into(), &call).map(drop)
    }

    /// Runs a tool and parses its output as JSON. An empty output counts as `null`.
    pub(super) fn query_json(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: ToolCall<'_>,
    ) -> Result<Value, Error> {
        let attempt = attempt.into();
        let output = self.run(attempt.clone(), &call)?;
        parse_json(&output).map_err(|cause| Error::output(attempt, call.tool, &cause))
    }

    /// Runs a tool and returns its output, which is plain text.
    pub(super) fn query_text(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: &ToolCall<'_>,
    ) -> Result<Vec<u8>, Error> {
        self.run(attempt.into(), call)
    }

    fn run(&self, attempt: Cow<'static, str>, call: &ToolCall<'_>) -> Result<Vec<u8>, Error> {
        // The runner refuses it too, but its error has no sizes for a program to read.
        if let Some(size) = call.args.iter().map(String::len).find(|size| *size > MAX_ARGUMENT) {
            let what = "an argument";
            return Err(Error::too_large(attempt, call.tool, what, size, MAX_ARGUMENT));
        }
        self.runner.run(call).map_err(|error| Error::from_tool_error(attempt, call.tool, error))
    }
}

impl fmt::Debug for HookTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookTools").finish_non_exhaustive()
    }
}

/// Replaces each NUL in a text for people by U+FFFD.
///
/// No argument of a process can hold a NUL, and a message may quote the output of a workload, which
/// may hold any byte.
pub(super) fn replace_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
