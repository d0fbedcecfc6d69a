//! The statuses and outcomes that a script may wait for, and their names.

use std::fmt;

use super::spelling::nearest;

/// The status that `wait-for` and `expect` wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedStatus {
    /// Any status: the unit only has to have nothing left to do.
    Idle,
    Active,
    Blocked,
    Waiting,
    Maintenance,
    Unknown,
    Error,
}

/// The outcome that `expect-action` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedOutcome {
    Completed,
    /// The action failed, or was killed.
    Failed,
}

const OUTCOMES: [(&str, WantedOutcome); 2] =
    [("completed", WantedOutcome::Completed), ("failed", WantedOutcome::Failed)];

impl fmt::Display for WantedOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
        })
    }
}

const STATUSES: [(&str, WantedStatus); 7] = [
    ("active", WantedStatus::Active),
    ("blocked", WantedStatus::Blocked),
    ("waiting", WantedStatus::Waiting),
    ("maintenance", WantedStatus::Maintenance),
    ("unknown", WantedStatus::Unknown),
    ("error", WantedStatus::Error),
    ("idle", WantedStatus::Idle),
];

impl fmt::Display for WantedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STATUSES.iter().find(|(_, status)| status == self).map_or("", |(name, _)| name))
    }
}

/// Returns the status of that name.
///
/// # Errors
/// Names the status that was probably meant, or all of them.
pub fn wanted_status(word: &str) -> Result<WantedStatus, String> {
    STATUSES.iter().find(|(name, _)| *name == word).map(|(_, status)| *status).ok_or_else(|| {
        let names: Vec<&str> = STATUSES.iter().map(|(name, _)| *name).collect();
        match nearest(word, names.iter().copied()) {
            Some(meant) => format!("there is no status `{word}`; did you mean `{meant}`?"),
            None => format!("there is no status `{word}`; one of {}", names.join(", ")),
        }
    })
}

/// Returns the outcome of that name.
///
/// # Errors
/// Names the outcome that was probably meant, or both.
pub fn wanted_outcome(word: &str) -> Result<WantedOutcome, String> {
    let known = OUTCOMES.iter().find(|(name, _)| *name == word);
    known.map(|(_, outcome)| *outcome).ok_or_else(|| {
        match nearest(word, OUTCOMES.map(|(name, _)| name)) {
            Some(meant) => format!("there is no outcome `{word}`; did you mean `{meant}`?"),
            None => format!("there is no outcome `{word}`; one of completed, failed"),
        }
    })
}
