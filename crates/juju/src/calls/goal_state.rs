//! The call that reads the goal state of the unit.

use std::sync::Arc;

use crate::error::Error;
use crate::goal_state::{GoalState, parse_goal_state};
use crate::hook_tools::HookTools;
use crate::tool_runner::ToolCall;

const TOOL: &str = "goal-state";
const ATTEMPT: &str = "read the units and relations that there are to be";

impl HookTools {
    /// Returns the units that the application is to have and what it is to be related to.
    ///
    /// The answer is cached for the hook, as in the agent itself (Juju 3.6 and 4.0).
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a goal state.
    pub fn goal_state(&self) -> Result<Arc<GoalState>, Error> {
        self.goal_state.get_or_try_init(|| {
            let answer = self.query_json(ATTEMPT, ToolCall::new(TOOL).arg("--format=json"))?;
            parse_goal_state(answer)
                .map(Arc::new)
                .map_err(|cause| Error::output(ATTEMPT, TOOL, &cause))
        })
    }
}
