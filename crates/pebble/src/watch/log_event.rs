//! Defines the events of a followed log: its lines, and the gaps where lines may be missing.

use super::super::logs::LogEntry;
use super::super::timestamp::Timestamp;

/// An event tells what [`LogFollow`](super::LogFollow) has read: a line, or a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// A service has written a line.
    Entry(LogEntry),
    /// Lines of a service may be missing between the event before and the next one.
    Gap(LogGap),
}

/// A gap marks a position in the log of a service where lines may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGap {
    service: String,
    after: Option<Timestamp>,
    cause: GapCause,
}

/// Says why lines may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// Pebble no longer keeps the lines that came next: it was restarted, or the service has
    /// written more than the 100 KiB that Pebble keeps while they could not be read.
    Forgotten,
    /// Pebble reports that it has left lines out, because they were not read as fast as they were
    /// written. The next line may lack its beginning.
    Truncated,
}

impl LogGap {
    /// Returns the name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the time of the last line before the gap, or `None` if the gap is before the first
    /// line of the service.
    #[must_use]
    pub fn after(&self) -> Option<Timestamp> {
        self.after
    }

    /// Returns the reason why lines may be missing.
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
