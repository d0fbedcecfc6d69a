//! The hook tools of one hook as typed calls, each question asked at most once.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::answer::decode;
use super::error::Error;
use super::memory::{Leadership, Once, Options, Params, Ports, Stored};
use super::status::Status;
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
    pub(super) config: Once<Arc<Options>>,
    pub(super) leadership: Mutex<Leadership>,
    pub(super) status: Once<Status>,
    pub(super) application_status: Once<Status>,
    pub(super) state: Once<Stored>,
    pub(super) params: Once<Arc<Params>>,
    pub(super) ports: Mutex<Ports>,
}

impl HookTools {
    /// Calls that `runner` runs. Nothing is asked yet.
    #[must_use]
    pub fn new(runner: Box<dyn ToolRunner>) -> Self {
        Self {
            runner,
            config: Once::default(),
            leadership: Mutex::default(),
            status: Once::default(),
            application_status: Once::default(),
            state: Once::default(),
            params: Once::default(),
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
    pub(super) fn tell(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: ToolCall<'_>,
    ) -> Result<(), Error> {
        self.run(attempt.into(), &call).map(drop)
    }

    /// Runs a tool for its answer, which is JSON. Printing nothing counts as `null`: that is how a
    /// tool that does not know `--format` says "none".
    pub(super) fn ask(&self, attempt: &'static str, call: ToolCall<'_>) -> Result<Value, Error> {
        let output = self.run(attempt.into(), &call)?;
        decode(&output).map_err(|cause| Error::output(attempt, call.tool, &cause))
    }

    /// Runs a tool for its answer, which is plain text.
    pub(super) fn read(
        &self,
        attempt: impl Into<Cow<'static, str>>,
        call: &ToolCall<'_>,
    ) -> Result<Vec<u8>, Error> {
        self.run(attempt.into(), call)
    }

    fn run(&self, attempt: Cow<'static, str>, call: &ToolCall<'_>) -> Result<Vec<u8>, Error> {
        self.runner.run(call).map_err(|failure| Error::from_failure(attempt, call.tool, failure))
    }
}

impl fmt::Debug for HookTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookTools").finish_non_exhaustive()
    }
}

/// Text for people as one argument: a NUL cannot be in one, and a message that carries a workload's
/// output may hold any byte.
pub(super) fn free_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
