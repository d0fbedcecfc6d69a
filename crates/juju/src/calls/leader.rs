//! The call that asks for leadership.

use std::time::Instant;

use serde_json::Value;

use crate::error::Error;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::tool_output::type_name;
use crate::tool_runner::ToolCall;

const ATTEMPT: &str = "learn whether this unit is the leader";

impl HookTools {
    /// Returns `true` if this unit is the leader of its application.
    ///
    /// Juju guarantees the answer "yes" for 30 seconds from the question; after that, the next call
    /// asks again. The answer "no" holds for the rest of the hook, as in the agent itself (Juju 2.9
    /// to 4.1).
    ///
    /// The unit may lose leadership before the hook ends. Juju then cannot commit what only the
    /// leader may write, and the hook fails although it exited with code 0.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because the controller does not answer, or its output is not a
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
