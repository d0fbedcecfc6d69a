//! This file writes the reason of an error about a Pebble that gave no answer.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::duration::seconds;

/// The last words of the error, unless the client sets others.
pub(super) const HINT: &str = "is Pebble running?";

/// `Display` prints the reason why a call has no answer.
pub(super) struct NoAnswer<'a> {
    pub(super) socket: &'a Path,
    pub(super) attempts: u32,
    /// The time that the attempts and the waits took.
    pub(super) elapsed: Duration,
    /// The policy allows several attempts. If only one was made, the budget was spent.
    pub(super) budget_is_spent: bool,
    /// The failure of the last attempt.
    pub(super) cause: &'a str,
    pub(super) may_have_acted: bool,
    /// The question that tells the reader where to look.
    pub(super) hint: &'a str,
}

impl fmt::Display for NoAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer from Pebble at {}", self.socket.display())?;
        match self.attempts {
            1 if self.budget_is_spent => {
                f.write_str(" (the retries of the shared budget are used up)")?;
            }
            1 => {}
            attempts => write!(f, " after {attempts} attempts in {}", seconds(self.elapsed))?,
        }
        write!(f, " ({})", self.cause)?;
        if self.may_have_acted {
            f.write_str("; the request may have acted")?;
        }
        write!(f, "; {}", self.hint)
    }
}
