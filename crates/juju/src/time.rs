//! Times as Juju prints them.

use std::time::SystemTime;

/// Reads a time of RFC 3339. `None` if the text is no such time.
pub(super) fn parse_time(text: &str) -> Option<SystemTime> {
    text.parse::<jiff::Timestamp>().ok()?.try_into().ok()
}
