//! The phases of a session: alive, stopping, over.

use std::time::Instant;

/// The phase of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Alive,
    /// stop and remove run, at the latest until the deadline.
    Stopping {
        deadline: Instant,
    },
    Over,
}

impl Phase {
    /// Returns the time at which the session ends in any case, if it is stopping.
    pub fn deadline(self) -> Option<Instant> {
        match self {
            Self::Stopping { deadline } => Some(deadline),
            Self::Alive | Self::Over => None,
        }
    }
}
