//! The conditions that a script waits for: a time, a status, the end of an action, an answer.

use std::time::{Duration, Instant};

use charmwright_agent::{ActionId, ActionRecord, ActionStatus};

use super::duration_text::human_duration;
use super::table::Snapshot;
use super::wanted_status::{WantedOutcome, WantedStatus};
use crate::sanitize::one_line;

/// The condition that the next line of the script waits for.
#[derive(Debug)]
pub enum Wait {
    Until(Instant),
    ForStatus {
        status: WantedStatus,
        limit: Duration,
        deadline: Instant,
    },
    Expect {
        status: WantedStatus,
        message_part: Option<String>,
        limit: Duration,
        deadline: Instant,
    },
    ExpectAction {
        action: ActionId,
        outcome: WantedOutcome,
        message_part: Option<String>,
        limit: Duration,
        deadline: Instant,
    },
    /// The answer of Pebble or of a server to a request.
    Answer,
    /// The end of the build that `upgrade` started.
    Build,
}

/// The state of the unit at one moment.
#[derive(Debug)]
pub struct UnitView<'a> {
    /// `true` if the unit has nothing left to do.
    pub is_settled: bool,
    /// `true` while the charm is being built or copied again.
    pub is_building: bool,
    pub unit: Snapshot,
    /// The text about an error that no retry will end, if there is one.
    pub lasting_error: Option<String>,
    /// The action that the script waits for.
    pub action: Option<&'a ActionRecord>,
}

/// The result of a check: go on waiting, go on with the script, or fail.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    NotYet,
    Met,
    Failed(String),
}

impl Wait {
    /// Returns the time at which the condition must be checked again, even if no event comes.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Until(deadline)
            | Self::ForStatus { deadline, .. }
            | Self::Expect { deadline, .. }
            | Self::ExpectAction { deadline, .. } => Some(*deadline),
            Self::Answer | Self::Build => None,
        }
    }

    /// Returns the id of the action that the script waits for.
    pub fn action(&self) -> Option<&ActionId> {
        match self {
            Self::ExpectAction { action, .. } => Some(action),
            Self::Until(_)
            | Self::ForStatus { .. }
            | Self::Expect { .. }
            | Self::Answer
            | Self::Build => None,
        }
    }

    /// Checks the condition against the state of the unit. Only a settled unit has a status to
    /// compare with, except for an error: a unit in error does not settle.
    pub fn check(&self, now: Instant, view: &UnitView<'_>) -> Verdict {
        match self {
            Self::Until(deadline) if now >= *deadline => Verdict::Met,
            Self::Until(_) | Self::Answer => Verdict::NotYet,
            Self::Build if view.is_building => Verdict::NotYet,
            Self::Build => Verdict::Met,
            Self::ForStatus { status, limit, deadline } => {
                if has_status(*status, view) {
                    Verdict::Met
                } else if let Some(lasting) = &view.lasting_error {
                    Verdict::Failed(format!(
                        "cannot wait any longer for {status}: {}",
                        describe_lasting(lasting, view)
                    ))
                } else if now < *deadline {
                    Verdict::NotYet
                } else {
                    Verdict::Failed(format!(
                        "cannot wait any longer for {status}: after {} {}",
                        human_duration(*limit),
                        describe_unit(view)
                    ))
                }
            }
            Self::Expect { status, message_part, limit, deadline } => {
                expect(*status, message_part.as_deref(), *limit, now < *deadline, view)
            }
            Self::ExpectAction { outcome, message_part, limit, deadline, .. } => expect_action(
                *outcome,
                message_part.as_deref(),
                *limit,
                now < *deadline,
                view.action,
            ),
        }
    }
}

/// Checks the status and the message of a settled unit.
fn expect(
    status: WantedStatus,
    message_part: Option<&str>,
    limit: Duration,
    has_time: bool,
    view: &UnitView<'_>,
) -> Verdict {
    let in_error = status == WantedStatus::Error && has_status(status, view);
    if !view.is_settled && !in_error {
        return match &view.lasting_error {
            Some(lasting) => Verdict::Failed(format!(
                "cannot confirm {status}: {}",
                describe_lasting(lasting, view)
            )),
            None if has_time => Verdict::NotYet,
            None => Verdict::Failed(format!(
                "cannot say whether the unit is {status}: after {} {}",
                human_duration(limit),
                describe_unit(view)
            )),
        };
    }
    let message = one_line(&view.unit.message);
    if has_status(status, view)
        && message_part.is_none_or(|message_part| message.contains(message_part))
    {
        return Verdict::Met;
    }
    let wanted = message_part.map_or_else(
        || status.to_string(),
        |message_part| format!("{status} with {message_part:?} in its message"),
    );
    Verdict::Failed(format!("cannot confirm {wanted}: {}", describe_unit(view)))
}

/// Checks the end of an action and its message.
fn expect_action(
    outcome: WantedOutcome,
    message_part: Option<&str>,
    limit: Duration,
    has_time: bool,
    action: Option<&ActionRecord>,
) -> Verdict {
    let Some(action) = action else {
        return Verdict::Failed(format!(
            "cannot confirm {outcome}: the action is not known any more"
        ));
    };
    let name = format!("action {} ({})", action.id(), action.name());
    if !action.has_ended() {
        return match has_time {
            true => Verdict::NotYet,
            false => Verdict::Failed(format!(
                "cannot say whether {name} is {outcome}: it has not ended after {}",
                human_duration(limit)
            )),
        };
    }
    let message = one_line(action.message());
    let is_wanted = match outcome {
        WantedOutcome::Completed => action.status() == ActionStatus::Completed,
        WantedOutcome::Failed => action.status() != ActionStatus::Completed,
    };
    if is_wanted && message_part.is_none_or(|message_part| message.contains(message_part)) {
        return Verdict::Met;
    }
    let wanted = message_part.map_or_else(
        || outcome.to_string(),
        |message_part| format!("{outcome} with {message_part:?} in its message"),
    );
    let colon = if message.is_empty() { "" } else { ": " };
    Verdict::Failed(format!(
        "cannot confirm {wanted}: {name} has {}{colon}{message}",
        action_end(action.status())
    ))
}

/// Returns the end of an action as a word.
pub fn action_end(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Completed => "completed",
        ActionStatus::Failed => "failed",
        ActionStatus::Cancelled => "been cancelled",
        ActionStatus::Aborted => "been aborted",
        _ => "not ended",
    }
}

/// Describes the unit, and says why its state will not change.
fn describe_lasting(lasting: &str, view: &UnitView<'_>) -> String {
    format!("{}; {lasting}", describe_unit(view))
}

/// Returns `true` if the unit has the wanted status.
fn has_status(wanted: WantedStatus, view: &UnitView<'_>) -> bool {
    match wanted {
        WantedStatus::Error => view.unit.workload == "error",
        WantedStatus::Idle => view.is_settled,
        other => view.is_settled && view.unit.workload == other.to_string(),
    }
}

/// Describes the unit for a script that expected another state.
pub fn describe_unit(view: &UnitView<'_>) -> String {
    let unit = &view.unit;
    let message = one_line(&unit.message);
    let colon = if message.is_empty() { "" } else { ": " };
    let agent = if view.is_settled { "settled" } else { "not settled yet" };
    format!("{} is {}{colon}{message} (agent {}, {agent})", unit.unit, unit.workload, unit.agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(is_settled: bool, workload: &str, message: &str) -> UnitView<'static> {
        UnitView {
            is_settled,
            is_building: false,
            unit: Snapshot {
                application: "web".to_owned(),
                application_status: workload.to_owned(),
                application_message: message.to_owned(),
                unit: "web/0".to_owned(),
                is_leader: true,
                version: String::new(),
                workload: workload.to_owned(),
                message: message.to_owned(),
                agent: "idle".to_owned(),
                ports: Vec::new(),
                containers: Vec::new(),
                storage: Vec::new(),
                resources: Vec::new(),
                relations: Vec::new(),
                secrets: Vec::new(),
                deferred: Vec::new(),
            },
            lasting_error: None,
            action: None,
        }
    }

    fn wait_for(status: WantedStatus, deadline: Instant) -> Wait {
        Wait::ForStatus { status, limit: Duration::from_secs(90), deadline }
    }

    #[test]
    fn only_a_settled_unit_has_the_status() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let wait = wait_for(WantedStatus::Active, later);
        assert_eq!(wait.check(now, &view(false, "active", "")), Verdict::NotYet);
        assert_eq!(wait.check(now, &view(true, "waiting", "")), Verdict::NotYet);
        assert_eq!(wait.check(now, &view(true, "active", "")), Verdict::Met);
        assert_eq!(
            wait_for(WantedStatus::Error, later).check(now, &view(false, "error", "hook failed")),
            Verdict::Met
        );
        assert_eq!(
            wait_for(WantedStatus::Idle, later).check(now, &view(true, "blocked", "")),
            Verdict::Met
        );
        let Verdict::Failed(message) = wait.check(later, &view(true, "blocked", "port: too big"))
        else {
            panic!()
        };
        assert_eq!(
            message,
            "cannot wait any longer for active: after 1m30s web/0 is blocked: port: too big \
             (agent idle, settled)"
        );
    }

    #[test]
    fn expect_answers_as_soon_as_the_unit_is_settled() {
        let now = Instant::now();
        let expect = |status, message_part: &str| Wait::Expect {
            status,
            message_part: Some(message_part.to_owned())
                .filter(|message_part| !message_part.is_empty()),
            limit: Duration::from_secs(180),
            deadline: now + Duration::from_secs(180),
        };
        assert_eq!(
            expect(WantedStatus::Blocked, "").check(now, &view(false, "blocked", "")),
            Verdict::NotYet
        );
        assert_eq!(
            expect(WantedStatus::Blocked, "port")
                .check(now, &view(true, "blocked", "the port\nis bad")),
            Verdict::Met
        );
        assert_eq!(
            expect(WantedStatus::Error, "hook").check(now, &view(false, "error", "hook failed")),
            Verdict::Met
        );
        let Verdict::Failed(message) =
            expect(WantedStatus::Blocked, "user").check(now, &view(true, "blocked", "port"))
        else {
            panic!()
        };
        assert!(message.contains("web/0 is blocked: port"), "{message}");
    }

    #[test]
    fn nothing_is_waited_for_in_an_error_for_good() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let stuck = UnitView {
            lasting_error: Some("in error for good: start has failed 3 times in a row".to_owned()),
            ..view(false, "error", "hook failed: \"start\"")
        };
        assert_eq!(wait_for(WantedStatus::Error, later).check(now, &stuck), Verdict::Met);
        for status in [WantedStatus::Active, WantedStatus::Idle] {
            let message = wait_for(status, later).check(now, &stuck);
            assert!(
                matches!(&message, Verdict::Failed(why) if why.contains("for good: start")),
                "{message:?}"
            );
        }
        let expect = Wait::Expect {
            status: WantedStatus::Active,
            message_part: None,
            limit: Duration::from_secs(1),
            deadline: later,
        };
        assert!(
            matches!(expect.check(now, &stuck), Verdict::Failed(why) if why.contains("for good"))
        );
    }
}
