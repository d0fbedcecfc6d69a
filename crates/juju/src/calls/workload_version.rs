//! The workload's version.

use crate::error::Error;
use crate::hook_tools::{HookTools, replace_nul};
use crate::tool_runner::ToolCall;

impl HookTools {
    /// Sets the workload's version, as `juju status` shows it beside the application. Any unit may;
    /// it takes effect at once.
    ///
    /// # Errors
    ///
    /// The tool failed, or the text is too long for an argument.
    pub fn set_application_version(&self, version: &str) -> Result<(), Error> {
        self.execute(
            "set the workload's version",
            ToolCall::new("application-version-set").free_text(replace_nul(version)),
        )
    }
}
