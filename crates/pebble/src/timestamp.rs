//! Pebble writes times in RFC 3339 with up to nine fraction digits, in the daemon's own zone or in
//! UTC.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in time, exact to the nanosecond. Two are equal if they are the same moment, whatever
/// zone they were written in.
///
/// It prints as RFC 3339 in UTC without zeros at the end of the fraction
/// (`2026-11-22T20:00:09.3Z`), which Pebble can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Returns the current time by this machine's clock, which a Pebble in a container shares.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    /// Returns the nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
    #[must_use]
    pub fn as_unix_nanos(self) -> i128 {
        self.0.as_nanosecond()
    }

    /// Returns this moment rounded down to the millisecond.
    pub(super) fn floor_to_millis(self) -> Self {
        jiff::Timestamp::from_millisecond(self.0.as_millisecond()).map_or(self, Self)
    }

    /// Returns the time from `earlier` to this moment; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or_default()
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = InvalidTimestamp;

    /// # Errors
    /// It fails when the year has more than four digits.
    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        jiff::Timestamp::try_from(time)
            .map(Self)
            .map_err(|_| InvalidTimestamp { text: format!("{time:?}") })
    }
}

/// A text that is no RFC 3339 time. The message names the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {text:?} as a time: it is not RFC 3339, such as 2026-11-22T20:00:09.3Z")]
pub struct InvalidTimestamp {
    text: String,
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimestamp { text: text.chars().take(64).collect() };
        if !has_rfc3339_shape(text) {
            return Err(invalid());
        }
        text.parse().map(Self).map_err(|_| invalid())
    }
}

/// Returns `true` if a text has the form that RFC 3339 demands. jiff parses the values, but accepts
/// more forms (blanks, names of zones).
fn has_rfc3339_shape(text: &str) -> bool {
    const DATE_AND_TIME: &str = "0000-00-00T00:00:00";
    const OFFSET: &str = "+00:00";
    let matches = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'+' => matches!(byte, b'+' | b'-'),
                _ => byte == shape,
            })
    };
    let Some((head, tail)) = text.split_at_checked(DATE_AND_TIME.len()) else {
        return false;
    };
    let zone = match tail.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if !(1..=9).contains(&(fraction.len() - zone.len())) {
                return false;
            }
            zone
        }
        None => tail,
    };
    matches(head, DATE_AND_TIME) && (zone == "Z" || matches(zone, OFFSET))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_pebble_writes() {
        let utc = moment("2026-11-22T20:00:09.3Z");
        assert_eq!(moment("2026-11-22T22:30:09.300+02:30"), utc);
        assert_eq!(utc.to_string(), "2026-11-22T20:00:09.3Z");
        assert_eq!(moment("2026-11-22T20:00:09Z").to_string(), "2026-11-22T20:00:09Z");
        assert_eq!(
            moment("2026-11-22T20:00:09.123456789-05:00").as_unix_nanos() % 1_000_000_000,
            123_456_789
        );
        // The zero value of Go's time type.
        assert_eq!(moment("0001-01-01T00:00:00Z").to_string(), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn refuses_what_rfc_3339_does_not_allow() {
        for text in [
            "",
            "now",
            "2026-11-22",
            "2026-11-22T20:00Z",
            "2026-11-22 20:00:09Z",
            "2026-11-22T20:00:09",
            "2026-11-22T20:00:09.Z",
            "2026-11-22T20:00:09.1234567890Z",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-22T25:00:00Z",
            "2026-11-22T20:00:09+0200",
            "2026-11-22T20:00:09Z[UTC]",
            "+002026-11-22T20:00:09Z",
            "\u{662}026-11-22T20:00:09Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn compares_by_moment() {
        let earlier = moment("2026-11-22T20:00:09+01:00");
        let later = moment("2026-11-22T20:00:09Z");
        assert!(earlier < later);
        assert_eq!(later.since(earlier), Duration::from_secs(3_600));
        assert_eq!(earlier.since(later), Duration::ZERO);
    }

    #[test]
    fn takes_the_system_clock() {
        let epoch = Timestamp::try_from(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(epoch.to_string(), "1970-01-01T00:00:00Z");
        assert!(Timestamp::now() > epoch);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(
            seconds in -62_000_000_000_i64..=250_000_000_000,
            nanos in 0_i32..1_000_000_000,
        ) {
            let moment = Timestamp(jiff::Timestamp::new(seconds, nanos).unwrap());
            prop_assert_eq!(moment.to_string().parse::<Timestamp>(), Ok(moment));
            let json = serde_json::to_string(&moment).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
        }

        #[test]
        fn any_text_has_an_answer(text in ".{0,40}") {
            let _ = text.parse::<Timestamp>();
        }

        #[test]
        fn any_likely_text_has_an_answer(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,11})?\
                     (Z|[-+][0-9]{2}:[0-9]{2})"
        ) {
            if let Ok(moment) = text.parse::<Timestamp>() {
                // A negative year (only by an offset from the year 0) has no RFC 3339 form.
                let four_digits = -62_167_219_200_000_000_000..253_402_300_800_000_000_000;
                if four_digits.contains(&moment.as_unix_nanos()) {
                    prop_assert_eq!(moment.to_string().parse::<Timestamp>(), Ok(moment));
                }
            }
        }
    }
}
