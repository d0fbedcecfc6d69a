//! [`next_rotation`] says when a secret is due to be rotated.
//!
//! Source: Juju 3.6, `core/secrets` (the rotate policy); Go's `time.AddDate`.

use std::time::Duration;

use charmwright_juju::SecretRotation;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// The time after which secret-rotate and secret-expired run again, if the charm has not acted.
pub(super) const RETRY_DELAY: Duration = Duration::from_secs(300);

/// Returns the next time after a rotation, or `None` if there is none.
pub(super) fn next_rotation(policy: SecretRotation, last: Timestamp) -> Option<Timestamp> {
    let hours = |count: u64| later(last, Duration::from_secs(count * 3600));
    match policy {
        SecretRotation::Hourly => Some(hours(1)),
        SecretRotation::Daily => Some(hours(24)),
        SecretRotation::Weekly => Some(hours(7 * 24)),
        SecretRotation::Monthly => months_later(last, 1),
        SecretRotation::Quarterly => months_later(last, 3),
        SecretRotation::Yearly => months_later(last, 12),
        // `never`.
        _ => None,
    }
}

/// Returns a later time, or the last time that there is.
pub(super) fn later(time: Timestamp, delay: Duration) -> Timestamp {
    time.saturating_add(delay).unwrap_or(Timestamp::MAX)
}

/// Rounds a time to the nearest second, as Juju's controller does before it stores one.
pub(super) fn to_the_second(time: Timestamp) -> Timestamp {
    let half = later(time, Duration::from_millis(500));
    let seconds = i64::try_from(half.as_nanosecond().div_euclid(1_000_000_000));
    seconds.ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(time)
}

/// Adds months as Go does: 31 January and one month is 3 March, or 2 March in a leap year.
fn months_later(time: Timestamp, count: i16) -> Option<Timestamp> {
    let start = Offset::UTC.to_datetime(time);
    let months = i16::from(start.month()) - 1 + count;
    let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
    let first = Date::new(start.year().checked_add(months.div_euclid(12))?, month, 1).ok()?;
    let days = i64::from(start.day()) - 1;
    let date = first.checked_add(jiff::Span::new().days(days)).ok()?;
    Offset::UTC.to_timestamp(DateTime::from_parts(date, start.time())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_has_its_next_time() {
        for (policy, last, next) in [
            ("hourly", "2031-01-31T12:00:00Z", "2031-01-31T13:00:00Z"),
            ("daily", "2031-01-31T12:00:00Z", "2031-02-01T12:00:00Z"),
            ("weekly", "2031-01-31T12:00:00Z", "2031-02-07T12:00:00Z"),
            // Go counts the days of the month on into the next one.
            ("monthly", "2031-01-31T12:00:00Z", "2031-03-03T12:00:00Z"),
            ("monthly", "2031-12-15T12:00:00Z", "2032-01-15T12:00:00Z"),
            ("quarterly", "2031-11-30T12:00:00.5Z", "2032-03-01T12:00:00.5Z"),
            ("yearly", "2032-02-29T12:00:00Z", "2033-03-01T12:00:00Z"),
        ] {
            let policy: SecretRotation = policy.parse().unwrap();
            let next: Timestamp = next.parse().unwrap();
            assert_eq!(next_rotation(policy, last.parse().unwrap()), Some(next), "{policy} {last}");
        }
        assert_eq!(next_rotation(SecretRotation::Never, Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn stored_times_are_whole_seconds() {
        for (time, stored) in [
            ("2031-01-02T03:04:05.499Z", "2031-01-02T03:04:05Z"),
            ("2031-01-02T03:04:05.5Z", "2031-01-02T03:04:06Z"),
            ("1969-12-31T23:59:58.2Z", "1969-12-31T23:59:58Z"),
        ] {
            let stored: Timestamp = stored.parse().unwrap();
            assert_eq!(to_the_second(time.parse().unwrap()), stored, "{time}");
        }
    }
}
