//! The calls that reboot the unit's machine.

use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::tool_runner::ToolCall;

const TOOL: &str = "juju-reboot";

impl HookTools {
    /// Reboots the machine after this hook, if the hook exits with code 0. Juju runs `start` after
    /// the reboot.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::WrongContext`](crate::ErrorKind::WrongContext) in an
    /// action.
    pub fn reboot(&self) -> Result<(), Error> {
        self.execute("reboot the machine after this hook", ToolCall::new(TOOL))
    }

    /// Kills this process, reboots the machine and runs the hook again. Juju drops what the hook
    /// has written so far.
    ///
    /// In a unit agent the call does not return, because the agent kills the process before it
    /// answers (its source, Juju 3.6).
    ///
    /// # Errors
    ///
    /// Fails as [`reboot`](Self::reboot) does.
    pub fn reboot_now(&self) -> Result<(), Error> {
        self.execute("reboot the machine at once", ToolCall::new(TOOL).arg("--now"))
    }
}
