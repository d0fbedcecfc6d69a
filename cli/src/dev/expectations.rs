//! What a script waits for: a time, a status, an answer.

use std::time::{Duration, Instant};

use charmwright_agent::{ActionId, ActionRecord, ActionStatus};

use super::events::human;
use super::table::Snapshot;
use super::wanted::{WantedOutcome, WantedStatus};
use crate::shown::one_line;

/// What holds the script up.
#[derive(Debug)]
pub enum Wait {
    Until(Instant),
    For {
        status: WantedStatus,
        limit: Duration,
        deadline: Instant,
    },
    Expect {
        status: WantedStatus,
        part: Option<String>,
        limit: Duration,
        deadline: Instant,
    },
    ExpectAction {
        action: ActionId,
        outcome: WantedOutcome,
        part: Option<String>,
        limit: Duration,
        deadline: Instant,
    },
    /// Pebble or a server was asked something.
    Answer,
    /// The charm is being made for `upgrade`.
    Build,
}

/// What is seen of the unit at one moment.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Whether it has nothing left to do.
    pub settled: bool,
    /// Whether the charm is being made anew.
    pub building: bool,
    pub unit: Snapshot,
    /// What there is to say of an error for good.
    pub lasting_error: Option<String>,
    /// The action that is waited for.
    pub action: Option<&'a ActionRecord>,
}

/// Whether the script may go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    NotYet,
    Met,
    Failed(String),
}

impl Wait {
    /// When it has to be looked at again, even if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Until(deadline)
            | Self::For { deadline, .. }
            | Self::Expect { deadline, .. }
            | Self::ExpectAction { deadline, .. } => Some(*deadline),
            Self::Answer | Self::Build => None,
        }
    }

    /// The action that is waited for.
    pub fn action(&self) -> Option<&ActionId> {
        match self {
            Self::ExpectAction { action, .. } => Some(action),
            Self::Until(_)
            | Self::For { .. }
            | Self::Expect { .. }
            | Self::Answer
            | Self::Build => None,
        }
    }

    /// Looks at the unit. Only a settled unit has a status to speak of; an error is one that does
    /// not settle.
    pub fn check(&self, now: Instant, seen: &Seen<'_>) -> Verdict {
        match self {
            Self::Until(deadline) if now >= *deadline => Verdict::Met,
            Self::Until(_) | Self::Answer => Verdict::NotYet,
            Self::Build if seen.building => Verdict::NotYet,
            Self::Build => Verdict::Met,
            Self::For { status, limit, deadline } => {
                if is(*status, seen) {
                    Verdict::Met
                } else if let Some(lasting) = &seen.lasting_error {
                    Verdict::Failed(format!(
                        "cannot wait any longer for {status}: {}",
                        lasts(lasting, seen)
                    ))
                } else if now < *deadline {
                    Verdict::NotYet
                } else {
                    Verdict::Failed(format!(
                        "cannot wait any longer for {status}: after {} {}",
                        human(*limit),
                        what_is(seen)
                    ))
                }
            }
            Self::Expect { status, part, limit, deadline } => {
                expect(*status, part.as_deref(), *limit, now < *deadline, seen)
            }
            Self::ExpectAction { outcome, part, limit, deadline, .. } => {
                expect_action(*outcome, part.as_deref(), *limit, now < *deadline, seen.action)
            }
        }
    }
}

fn expect(
    status: WantedStatus,
    part: Option<&str>,
    limit: Duration,
    has_time: bool,
    seen: &Seen<'_>,
) -> Verdict {
    let in_error = status == WantedStatus::Error && is(status, seen);
    if !seen.settled && !in_error {
        return match &seen.lasting_error {
            Some(lasting) => {
                Verdict::Failed(format!("cannot confirm {status}: {}", lasts(lasting, seen)))
            }
            None if has_time => Verdict::NotYet,
            None => Verdict::Failed(format!(
                "cannot say whether the unit is {status}: after {} {}",
                human(limit),
                what_is(seen)
            )),
        };
    }
    let message = one_line(&seen.unit.message);
    if is(status, seen) && part.is_none_or(|part| message.contains(part)) {
        return Verdict::Met;
    }
    let wanted = part.map_or_else(
        || status.to_string(),
        |part| format!("{status} with {part:?} in its message"),
    );
    Verdict::Failed(format!("cannot confirm {wanted}: {}", what_is(seen)))
}

fn expect_action(
    outcome: WantedOutcome,
    part: Option<&str>,
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
                human(limit)
            )),
        };
    }
    let message = one_line(action.message());
    let is_wanted = match outcome {
        WantedOutcome::Completed => action.status() == ActionStatus::Completed,
        WantedOutcome::Failed => action.status() != ActionStatus::Completed,
    };
    if is_wanted && part.is_none_or(|part| message.contains(part)) {
        return Verdict::Met;
    }
    let wanted = part.map_or_else(
        || outcome.to_string(),
        |part| format!("{outcome} with {part:?} in its message"),
    );
    let colon = if message.is_empty() { "" } else { ": " };
    Verdict::Failed(format!(
        "cannot confirm {wanted}: {name} has {}{colon}{message}",
        ended_as(action.status())
    ))
}

/// An action's end as a word.
pub fn ended_as(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Completed => "completed",
        ActionStatus::Failed => "failed",
        ActionStatus::Cancelled => "been cancelled",
        ActionStatus::Aborted => "been aborted",
        _ => "not ended",
    }
}

/// The unit as it is, and why it will stay so.
fn lasts(lasting: &str, seen: &Seen<'_>) -> String {
    format!("{}; {lasting}", what_is(seen))
}

fn is(wanted: WantedStatus, seen: &Seen<'_>) -> bool {
    match wanted {
        WantedStatus::Error => seen.unit.workload == "error",
        WantedStatus::Idle => seen.settled,
        other => seen.settled && seen.unit.workload == other.to_string(),
    }
}

/// The unit as it is, for the one who expected something else.
pub fn what_is(seen: &Seen<'_>) -> String {
    let unit = &seen.unit;
    let message = one_line(&unit.message);
    let colon = if message.is_empty() { "" } else { ": " };
    let agent = if seen.settled { "settled" } else { "not settled yet" };
    format!("{} is {}{colon}{message} (agent {}, {agent})", unit.unit, unit.workload, unit.agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(settled: bool, workload: &str, message: &str) -> Seen<'static> {
        Seen {
            settled,
            building: false,
            unit: Snapshot {
                application: "web".to_owned(),
                application_status: workload.to_owned(),
                application_message: message.to_owned(),
                unit: "web/0".to_owned(),
                leader: true,
                version: String::new(),
                workload: workload.to_owned(),
                message: message.to_owned(),
                agent: "idle".to_owned(),
                ports: Vec::new(),
                containers: Vec::new(),
                deferred: Vec::new(),
            },
            lasting_error: None,
            action: None,
        }
    }

    fn wait_for(status: WantedStatus, deadline: Instant) -> Wait {
        Wait::For { status, limit: Duration::from_secs(90), deadline }
    }

    #[test]
    fn only_a_settled_unit_has_the_status() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let wait = wait_for(WantedStatus::Active, later);
        assert_eq!(wait.check(now, &seen(false, "active", "")), Verdict::NotYet);
        assert_eq!(wait.check(now, &seen(true, "waiting", "")), Verdict::NotYet);
        assert_eq!(wait.check(now, &seen(true, "active", "")), Verdict::Met);
        assert_eq!(
            wait_for(WantedStatus::Error, later).check(now, &seen(false, "error", "hook failed")),
            Verdict::Met
        );
        assert_eq!(
            wait_for(WantedStatus::Idle, later).check(now, &seen(true, "blocked", "")),
            Verdict::Met
        );
        let Verdict::Failed(told) = wait.check(later, &seen(true, "blocked", "port: too big"))
        else {
            panic!()
        };
        assert_eq!(
            told,
            "cannot wait any longer for active: after 1m30s web/0 is blocked: port: too big \
             (agent idle, settled)"
        );
    }

    #[test]
    fn expect_answers_as_soon_as_the_unit_is_settled() {
        let now = Instant::now();
        let expect = |status, part: &str| Wait::Expect {
            status,
            part: Some(part.to_owned()).filter(|part| !part.is_empty()),
            limit: Duration::from_secs(180),
            deadline: now + Duration::from_secs(180),
        };
        assert_eq!(
            expect(WantedStatus::Blocked, "").check(now, &seen(false, "blocked", "")),
            Verdict::NotYet
        );
        assert_eq!(
            expect(WantedStatus::Blocked, "port")
                .check(now, &seen(true, "blocked", "the port\nis bad")),
            Verdict::Met
        );
        assert_eq!(
            expect(WantedStatus::Error, "hook").check(now, &seen(false, "error", "hook failed")),
            Verdict::Met
        );
        let Verdict::Failed(told) =
            expect(WantedStatus::Blocked, "user").check(now, &seen(true, "blocked", "port"))
        else {
            panic!()
        };
        assert!(told.contains("web/0 is blocked: port"), "{told}");
    }

    #[test]
    fn nothing_is_waited_for_in_an_error_for_good() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let stuck = Seen {
            lasting_error: Some("in error for good: start has failed 3 times in a row".to_owned()),
            ..seen(false, "error", "hook failed: \"start\"")
        };
        assert_eq!(wait_for(WantedStatus::Error, later).check(now, &stuck), Verdict::Met);
        for status in [WantedStatus::Active, WantedStatus::Idle] {
            let told = wait_for(status, later).check(now, &stuck);
            assert!(
                matches!(&told, Verdict::Failed(why) if why.contains("for good: start")),
                "{told:?}"
            );
        }
        let expect = Wait::Expect {
            status: WantedStatus::Active,
            part: None,
            limit: Duration::from_secs(1),
            deadline: later,
        };
        assert!(
            matches!(expect.check(now, &stuck), Verdict::Failed(why) if why.contains("for good"))
        );
    }
}
