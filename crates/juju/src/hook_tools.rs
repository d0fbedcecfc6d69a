//! The hook tools of one hook as typed calls, each question asked at most once.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::error::Error;
use super::hook_cache::{Cached, Leadership, Options, Params, Ports, StoredState};
use super::status::Status;
use super::tool_output::parse_json;
use super::tool_runner::{ToolCall, ToolError, ToolRunner};

/// The hook tools of one hook, as typed calls.
///
/// Every method blocks until its tool has ended. Reads (config, leadership, statuses, state,
/// parameters, ports) start a tool once and answer from memory afterwards, corrected by this hook's
/// own writes; a read that failed is asked again. Two threads that ask the same at once start one
/// tool. Make one `HookTools` for each hook: what it remembers is true no longer than that.
///
/// What takes effect when is Juju's rule: statuses, the workload's version and log lines at once;
/// ports and state when the hook exits with code 0, all or nothing.
pub struct HookTools {
    runner: Box<dyn ToolRunner>,
    pub(super) config: Cached<Arc<Options>>,
    pub(super) leadership: Mutex<Leadership>,
    pub(super) status: Cached<Status>,
    pub(super) application_status: Cached<Status>,
    pub(super) state: Cached<StoredState>,
    pub(super) params: Cached<Arc<Params>>,
    pub(super) ports: Mutex<Ports>,
}

impl HookTools {
    /// Calls that `runner` runs. Nothing is asked yet.
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
        }
    }

    /// Whether the hook tool of this name can be started, so that a charm may do without one that
    /// its Juju does not have.
    #[must_use]
    pub fn has_tool(&self, tool: &str) -> bool {
        self.runner.has_tool(tool)
    }

    pub(super) fn find_tool(&self, tool: &str) -> Result<(), ToolError> {
        self.runner.find_tool(tool)
    }

    /// Runs a tool for its effect.
    pub(super) fn execute(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: ToolCall<'_>,
    ) -> Result<(), Error> {
        self.run(attempt.into(), &call).map(drop)
    }

    /// Runs a tool for its answer, which is JSON. Printing nothing counts as `null`: that is how a
    /// tool that does not know `--format` says "none".
    pub(super) fn query_json(
        &self,
        attempt: &'static str,
        call: ToolCall<'_>,
    ) -> Result<Value, Error> {
        let output = self.run(attempt.into(), &call)?;
        parse_json(&output).map_err(|cause| Error::output(attempt, call.tool, &cause))
    }

    /// Runs a tool for its answer, which is plain text.
    pub(super) fn query_text(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: &ToolCall<'_>,
    ) -> Result<Vec<u8>, Error> {
        self.run(attempt.into(), call)
    }

    fn run(&self, attempt: Cow<'static, str>, call: &ToolCall<'_>) -> Result<Vec<u8>, Error> {
        self.runner.run(call).map_err(|error| Error::from_tool_error(attempt, call.tool, error))
    }
}

impl fmt::Debug for HookTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookTools").finish_non_exhaustive()
    }
}

/// Text for people as one argument: a NUL cannot be in one, and a message that carries a workload's
/// output may hold any byte.
pub(super) fn replace_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
