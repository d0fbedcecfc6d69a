//! What following the logs gives: lines, and marks where some may be missing.

use super::super::logs::LogEntry;
use super::super::timestamp::Timestamp;

/// What [`LogFollow`](super::LogFollow) gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// A line of a service.
    Entry(LogEntry),
    /// Lines of a service may be missing here.
    Gap(LogGap),
}

/// A place in the log of a service where lines may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGap {
    service: String,
    after: Option<Timestamp>,
    cause: GapCause,
}

/// Why lines may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// Pebble no longer has what came next: it was restarted, or the service has written more than
    /// the 100 KiB that are kept while nobody could read.
    Forgotten,
    /// Pebble says that it has left lines out, since they were not read as fast as they were
    /// written. The line that follows may lack its beginning.
    Truncated,
}

impl LogGap {
    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The time of the last line before it; `None` when it is before the first line of the service.
    #[must_use]
    pub fn after(&self) -> Option<Timestamp> {
        self.after
    }

    /// Why lines may be missing.
    #[must_use]
    pub fn cause(&self) -> GapCause {
        self.cause
    }
}

impl LogEvent {
    pub(super) fn gap(service: &str, after: Option<Timestamp>, cause: GapCause) -> Self {
        Self::Gap(LogGap { service: service.to_owned(), after, cause })
    }
}
