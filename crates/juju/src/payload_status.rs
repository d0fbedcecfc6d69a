//! The status of a payload, of which only Juju before 4.0 knows.

use std::fmt;

/// The status of a payload (Juju 3.6, `core/payloads`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadStatus {
    /// The payload starts.
    Starting,
    /// The payload runs.
    Running,
    /// The payload stops.
    Stopping,
    /// The payload has stopped.
    Stopped,
}

impl PayloadStatus {
    /// Returns Juju's word for the status, such as `running`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for PayloadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
