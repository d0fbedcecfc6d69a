//! The units and relations that a model is to have.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::names::{ApplicationName, EndpointName, UnitName};
use super::time::parse_time;

/// The goal state has the units that the application is to have, and the applications and units
/// that it is to be related to. They need not be there yet: an operator who deploys three units has
/// them all in it from the start.
///
/// Juju leaves out the peer relation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoalState {
    units: BTreeMap<UnitName, Goal>,
    relations: BTreeMap<EndpointName, RelationGoals>,
}

/// The applications and units that one endpoint is to be related to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelationGoals {
    applications: BTreeMap<ApplicationName, Goal>,
    units: BTreeMap<UnitName, Goal>,
}

/// The goal of one unit or of one relation: its status, and the time of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    status: String,
    since: Option<SystemTime>,
}

impl GoalState {
    /// Returns the units of the own application, this one included.
    #[must_use]
    pub fn units(&self) -> &BTreeMap<UnitName, Goal> {
        &self.units
    }

    /// Returns the number of units that the own application is to have: those that are not being
    /// removed.
    #[must_use]
    pub fn planned_units(&self) -> usize {
        self.units.values().filter(|goal| !goal.is_dying()).count()
    }

    /// Returns what each endpoint is to be related to. An endpoint without a relation is not in it.
    #[must_use]
    pub fn relations(&self) -> &BTreeMap<EndpointName, RelationGoals> {
        &self.relations
    }
}

impl RelationGoals {
    /// Returns the remote applications. The status is that of the relation, such as `joined`.
    #[must_use]
    pub fn applications(&self) -> &BTreeMap<ApplicationName, Goal> {
        &self.applications
    }

    /// Returns the units of the remote applications.
    #[must_use]
    pub fn units(&self) -> &BTreeMap<UnitName, Goal> {
        &self.units
    }
}

impl Goal {
    /// Returns Juju's word for the status. For a unit that is the workload's status, such as
    /// `active`, or `dying` while the unit is being removed.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Returns `true` if the unit is being removed.
    #[must_use]
    pub fn is_dying(&self) -> bool {
        self.status == "dying"
    }

    /// Returns the time of the last change of the status.
    #[must_use]
    pub fn since(&self) -> Option<SystemTime> {
        self.since
    }
}

/// The goal state as `goal-state` prints it.
#[derive(Deserialize)]
struct Printed {
    units: Option<BTreeMap<String, PrintedGoal>>,
    relations: Option<BTreeMap<String, Option<BTreeMap<String, PrintedGoal>>>>,
}

#[derive(Deserialize)]
struct PrintedGoal {
    #[serde(default)]
    status: String,
    #[serde(default)]
    since: String,
}

/// Reads the output of `goal-state`.
pub(super) fn parse_goal_state(answer: Value) -> Result<GoalState, String> {
    // The text of serde's error may quote the output.
    let printed = Printed::deserialize(answer)
        .map_err(|_| "printed what is not the goal state of a unit".to_owned())?;
    let mut state = GoalState::default();
    for (name, goal) in printed.units.unwrap_or_default() {
        let name = name.parse().map_err(|_| misnamed("the name of a unit"))?;
        state.units.insert(name, goal.into());
    }
    for (endpoint, members) in printed.relations.unwrap_or_default() {
        let endpoint = endpoint.parse().map_err(|_| misnamed("the name of an endpoint"))?;
        let goals: &mut RelationGoals = state.relations.entry(endpoint).or_default();
        for (name, goal) in members.unwrap_or_default() {
            // Juju has applications and units in one map, and a unit's name has a slash.
            if let Ok(unit) = name.parse::<UnitName>() {
                goals.units.insert(unit, goal.into());
            } else {
                let due = "the name of an application or a unit";
                let application = name.parse().map_err(|_| misnamed(due))?;
                goals.applications.insert(application, goal.into());
            }
        }
    }
    Ok(state)
}

fn misnamed(due: &str) -> String {
    format!("printed a text that is not {due}")
}

impl From<PrintedGoal> for Goal {
    fn from(printed: PrintedGoal) -> Self {
        // Juju writes a blank where RFC 3339 has a `T` (Juju 2.9 to 4.1).
        let since = parse_time(&printed.since.replacen(' ', "T", 1));
        Self { status: printed.status, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn what_juju_prints_is_read() {
        let state = parse_goal_state(json!({
            "units": {
                "web/0": {"status": "active", "since": "2024-05-06 07:08:09Z"},
                "web/1": {"status": "dying", "since": "2024-05-06 07:08:09Z"},
                "web/10": {"status": "waiting", "since": ""},
            },
            "relations": {
                "db": {
                    "pg": {"status": "joined", "since": "2024-05-06 07:08:09Z"},
                    "pg/0": {"status": "active", "since": "1970-01-01 00:00:00Z"},
                },
                "none": {},
                "nothing": null,
            },
        }))
        .unwrap();
        assert_eq!(state.planned_units(), 2);
        let since: Vec<_> = state.units().values().map(Goal::since).collect();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_979_289);
        assert_eq!(since, [Some(time), Some(time), None]);
        let db = &state.relations()[&"db".parse().unwrap()];
        assert_eq!(db.applications()[&"pg".parse().unwrap()].status(), "joined");
        assert_eq!(db.units()[&"pg/0".parse().unwrap()].since(), Some(SystemTime::UNIX_EPOCH));
        assert_eq!(state.relations().len(), 3);
    }

    #[test]
    fn nothing_is_no_units_and_garbage_is_an_error_that_quotes_nothing() {
        for nothing in [json!({}), json!({"units": null, "relations": null, "newer": 1})] {
            assert_eq!(parse_goal_state(nothing), Ok(GoalState::default()));
        }
        for wrong in [
            json!(null),
            json!("hunter2"),
            json!({"units": ["hunter2"]}),
            json!({"units": {"hunter2": {"status": "active"}}}),
            json!({"units": {"web/0": {"status": 7}}}),
            json!({"relations": {"db": {"HUNTER2 hunter2": {}}}}),
            json!({"relations": {"../hunter2": {}}}),
        ] {
            let cause = parse_goal_state(wrong).unwrap_err();
            assert!(cause.starts_with("printed ") && !cause.contains("hunter2"), "{cause}");
        }
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(parse_goal_state);
        }
    }
}
