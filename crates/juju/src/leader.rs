//! Who leads the application.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::Error;
use super::hook_tools::{HookTools, lock, shape};
use super::tool_runner::ToolCall;

/// For how long Juju promises leadership once it said yes.
const LEASE: Duration = Duration::from_secs(30);

const ATTEMPT: &str = "learn whether this unit is the leader";

/// What was said about leadership so far in this hook.
#[derive(Default)]
pub(super) enum Leadership {
    #[default]
    NotAsked,
    No,
    /// Counted from before the question, so that the promise never looks longer than it is.
    Since(Instant),
}

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

impl Leadership {
    /// What holds at this time; asks only where what was said before does not tell.
    fn at<E>(&mut self, now: Instant, ask: impl FnOnce() -> Result<bool, E>) -> Result<bool, E> {
        match *self {
            Self::No => return Ok(false),
            Self::Since(asked) if now.saturating_duration_since(asked) < LEASE => return Ok(true),
            Self::Since(_) | Self::NotAsked => {}
        }
        let leads = ask()?;
        *self = if leads { Self::Since(now) } else { Self::No };
        Ok(leads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_holds_for_thirty_seconds() {
        let mut leadership = Leadership::default();
        let mut answers = [true, true, false].into_iter();
        let start = Instant::now();
        for (after, leads, left) in [
            (0, true, 2),
            (29, true, 2),
            (30, true, 1),
            (59, true, 1),
            (61, false, 0),
            (500, false, 0),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(leadership.at(now, || answers.next().ok_or(())), Ok(leads), "{after}");
            assert_eq!(answers.len(), left, "{after}");
        }
    }
}
