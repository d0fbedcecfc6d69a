//! Who leads the application.

use std::time::Instant;

use serde_json::Value;

use crate::error::Error;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::tool_output::type_name;
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
        lock(&self.leadership).get_or_ask(Instant::now(), || {
            match self.query_json(ATTEMPT, ToolCall::new("is-leader").arg("--format=json"))? {
                Value::Bool(is_leader) => Ok(is_leader),
                other => {
                    let cause =
                        format!("printed {} where true or false was due", type_name(&other));
                    Err(Error::output(ATTEMPT, "is-leader", &cause))
                }
            }
        })
    }
}
