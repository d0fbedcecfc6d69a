//! Who leads the application.

use std::time::Instant;

use serde_json::Value;

use crate::answer::shape;
use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::memory::lock;
use crate::tool_runner::ToolCall;

const ATTEMPT: &str = "learn whether this unit is the leader";

impl HookTools {
    /// Whether this unit leads its application.
    ///
    /// A yes is good for 30 seconds and then asked again; a no holds for the rest of the hook, as
    /// it does in Juju itself. While the answer is yes, nobody else leads; leadership may be lost
    /// before the hook's writes are committed, which then fail.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because the controller does not answer, or did not print a
    /// boolean.
    pub fn is_leader(&self) -> Result<bool, Error> {
        lock(&self.leadership).at(Instant::now(), || {
            match self.ask(ATTEMPT, ToolCall::new("is-leader").arg("--format=json"))? {
                Value::Bool(leads) => Ok(leads),
                other => {
                    let cause = format!("printed {} where true or false was due", shape(&other));
                    Err(Error::output(ATTEMPT, "is-leader", &cause))
                }
            }
        })
    }
}
