//! The call that sets the workload's version.

use crate::error::Error;
use crate::hook_tools::{HookTools, replace_nul};
use crate::tool_runner::ToolCall;

impl HookTools {
    /// Sets the workload's version, which `juju status` shows beside the application. It takes
    /// effect at once. Every unit may set it, not only the leader.
    ///
    /// # Errors
    ///
    /// The tool failed, or the text is longer than an argument may be (131,071 bytes,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge)).
    pub fn set_application_version(&self, version: &str) -> Result<(), Error> {
        self.execute(
            "set the workload's version",
            ToolCall::new("application-version-set").free_text(replace_nul(version)),
        )
    }
}
