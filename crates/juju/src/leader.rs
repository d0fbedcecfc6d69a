//! Who leads the application.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::calls::{Juju, lock, shape};
use super::error::Error;
use super::tools::ToolCall;

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

impl Juju {
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
        self.is_leader_at(Instant::now())
    }

    fn is_leader_at(&self, now: Instant) -> Result<bool, Error> {
        let mut known = lock(&self.leadership);
        match *known {
            Leadership::No => return Ok(false),
            Leadership::Since(asked) if now.saturating_duration_since(asked) < LEASE => {
                return Ok(true);
            }
            Leadership::Since(_) | Leadership::NotAsked => {}
        }
        let leads = match self.ask(ATTEMPT, ToolCall::new("is-leader").arg("--format=json"))? {
            Value::Bool(leads) => leads,
            other => {
                let cause = format!("printed {} where true or false was due", shape(&other));
                return Err(Error::output(ATTEMPT, "is-leader", &cause));
            }
        };
        *known = if leads { Leadership::Since(now) } else { Leadership::No };
        Ok(leads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeTools;
    use crate::{ErrorKind, ToolFailure};

    #[test]
    fn a_yes_holds_for_thirty_seconds() {
        let (tools, juju) = FakeTools::juju();
        tools.answer("is-leader", "true\n");
        tools.answer("is-leader", "true\n");
        tools.answer("is-leader", "false\n");
        let start = Instant::now();
        for (after, leads, asked) in [
            (0, true, 1),
            (29, true, 1),
            (30, true, 2),
            (59, true, 2),
            (61, false, 3),
            (500, false, 3),
        ] {
            assert_eq!(
                juju.is_leader_at(start + Duration::from_secs(after)).unwrap(),
                leads,
                "{after}"
            );
            assert_eq!(tools.calls().len(), asked, "{after}");
        }
        assert_eq!(tools.calls()[0], ["is-leader", "--format=json"]);
    }

    #[test]
    fn no_answer_is_an_error_and_not_a_no() {
        let (tools, juju) = FakeTools::juju();
        tools.fail(
            "is-leader",
            ToolFailure::Exited {
                code: 1,
                stderr: "ERROR leadership status unknown: lease".into(),
            },
        );
        tools.answer("is-leader", "\"yes\"\n");
        tools.answer("is-leader", "");
        tools.answer("is-leader", "true\n");
        assert_eq!(juju.is_leader().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
        assert_eq!(juju.is_leader().unwrap_err().kind(), &ErrorKind::Output);
        assert_eq!(juju.is_leader().unwrap_err().kind(), &ErrorKind::Output);
        assert!(juju.is_leader().unwrap());
    }
}
