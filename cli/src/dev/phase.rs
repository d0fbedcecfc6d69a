//! The phases of a session: running, stopping, ended.

use std::time::Instant;

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Alive,
    /// stop and remove are to run, until the deadline.
    Stopping {
        deadline: Instant,
    },
    Over,
}

impl Phase {
    pub fn deadline(self) -> Option<Instant> {
        match self {
            Self::Stopping { deadline } => Some(deadline),
            Self::Alive | Self::Over => None,
        }
    }
}
