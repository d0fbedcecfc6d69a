//! A retry summary is printed at the end of a log line, and is parsed from it again.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::duration::GoDuration;
use charmwright_yaml::text;

/// The longest name of the thing that was retried, in bytes.
const LONGEST: usize = 256;

/// A length that no summary exceeds, in bytes: each byte of the name may need an escape of several
/// bytes.
const LONGEST_SUMMARY: usize = 1024;

/// The longest time that [`GoDuration`] holds, in milliseconds.
const LONGEST_TIME: u128 = i64::MAX as u128 / 1_000_000;

const OPENING: &str = "[retries=";

/// A summary counts the retries under one [`Budget`](super::Budget).
///
/// `Display` prints it as `[retries=3 unanswered=6.1s on="container \"web\""]`, and a count that
/// may still grow as `retries=3+`. The client ends each log line about a retry with a summary, and
/// [`Self::at_end_of`] gets the value back from such a line.
///
/// ```
/// use charmwright_pebble::RetrySummary;
///
/// let line = "could replan at attempt 4 of 15, after 6 s [retries=3 unanswered=6s on=\"web\"]";
/// let (text, summary) = RetrySummary::at_end_of(line).unwrap();
/// assert_eq!(text, "could replan at attempt 4 of 15, after 6 s");
/// assert_eq!((summary.retries(), summary.on()), (3, "web"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySummary {
    retries: u32,
    unanswered: Duration,
    on: String,
    is_ongoing: bool,
}

impl RetrySummary {
    /// Makes a summary with the time rounded down to the millisecond, and the name cut to one line
    /// of at most 256 bytes.
    pub(super) fn new(retries: u32, unanswered: Duration, on: &str) -> Self {
        let millis = unanswered.as_millis().min(LONGEST_TIME);
        Self {
            retries,
            unanswered: Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)),
            on: text::clean(on, LONGEST).into_owned(),
            is_ongoing: false,
        }
    }

    /// Marks the summary as that of a call which is still being retried.
    pub(super) fn ongoing(self) -> Self {
        Self { is_ongoing: true, ..self }
    }

    /// Returns the number of retries, over all calls that share the budget.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Returns the time without an answer, to the millisecond: failed attempts, and the waits after
    /// them.
    #[must_use]
    pub fn unanswered(&self) -> Duration {
        self.unanswered
    }

    /// Returns the name of the thing that was retried: that of the budget, or the target or
    /// operation of the call if the budget has no name.
    #[must_use]
    pub fn on(&self) -> &str {
        &self.on
    }

    /// Returns `true` if the call was still being retried when the line was logged. The count may
    /// have grown since.
    #[must_use]
    pub fn is_ongoing(&self) -> bool {
        self.is_ongoing
    }

    /// Parses the summary at the end of a log line, and returns the text before it too.
    #[must_use]
    pub fn at_end_of(line: &str) -> Option<(&str, Self)> {
        let earliest = line.len().saturating_sub(LONGEST_SUMMARY);
        let places = line.match_indices(OPENING).map(|(place, _)| place);
        // The name in a summary may hold the opening text itself, so the first place from which the
        // rest of the line parses is the right one.
        places.skip_while(|place| *place < earliest).find_map(|place| {
            let (text, summary) = line.split_at_checked(place)?;
            Some((text.trim_end(), summary.parse().ok()?))
        })
    }
}

impl fmt::Display for RetrySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retries, unanswered, on, is_ongoing } = self;
        let more = if *is_ongoing { "+" } else { "" };
        let unanswered = GoDuration::from(*unanswered);
        let on = Value::from(on.as_str());
        write!(f, "{OPENING}{retries}{more} unanswered={unanswered} on={on}]")
    }
}

/// A text that is no [`RetrySummary`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read it as a summary of retries, such as [retries=3 unanswered=6.1s on=\"container\"]"
)]
pub struct InvalidRetrySummary;

impl FromStr for RetrySummary {
    type Err = InvalidRetrySummary;

    /// Parses exactly what `Display` prints.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The parsed value is printed again for comparison, so that only one spelling is accepted.
        read(text).filter(|summary| summary.to_string() == text).ok_or(InvalidRetrySummary)
    }
}

fn read(text: &str) -> Option<RetrySummary> {
    let fields = text.strip_prefix(OPENING)?.strip_suffix(']')?;
    let (retries, fields) = fields.split_once(" unanswered=")?;
    let (unanswered, on) = fields.split_once(" on=")?;
    let unanswered = unanswered.parse::<GoDuration>().ok()?.to_std()?;
    let on: String = serde_json::from_str(on).ok()?;
    let number = retries.trim_end_matches('+');
    let summary = RetrySummary::new(number.parse().ok()?, unanswered, &on);
    Some(if number == retries { summary } else { summary.ongoing() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn summary() -> impl Strategy<Value = RetrySummary> {
        let on = prop_oneof!["\\PC{0,20}", ".{0,300}", "(\\[retries=|on=\"|\"\\]|\\\\| ){0,9}"];
        (any::<u32>(), any::<Duration>(), on, any::<bool>()).prop_map(
            |(retries, unanswered, on, is_ongoing)| RetrySummary {
                is_ongoing,
                ..RetrySummary::new(retries, unanswered, &on)
            },
        )
    }

    #[test]
    fn it_prints_as_documented() {
        let summary = RetrySummary::new(3, Duration::from_micros(6_100_900), "container \"web\"");
        let printed = summary.to_string();
        assert_eq!(printed, "[retries=3 unanswered=6.1s on=\"container \\\"web\\\"\"]");
        assert_eq!(summary.ongoing().to_string(), printed.replace("=3 ", "=3+ "));
    }

    #[test]
    fn what_it_does_not_print_it_does_not_read() {
        let read = |text: &str| text.parse::<RetrySummary>();
        read("[retries=3 unanswered=6s on=\"a\"]").unwrap();
        for text in [
            "",
            "retries=3 unanswered=6s on=\"a\"",
            "[retries=3 unanswered=6s on=\"a\"",
            "[retries=3 unanswered=6s on=a]",
            "[retries=03 unanswered=6s on=\"a\"]",
            "[retries=3++ unanswered=6s on=\"a\"]",
            "[retries=-3 unanswered=6s on=\"a\"]",
            "[retries=3 unanswered=-6s on=\"a\"]",
            "[retries=3 unanswered=6.0001s on=\"a\"]",
            "[retries=3 unanswered=60s on=\"a\"]",
            "[retries=3 unanswered=6s on=\"\\u0061\"]",
            "[retries=3 unanswered=6s on=\"a\" ]",
        ] {
            assert_eq!(read(text), Err(InvalidRetrySummary), "{text}");
        }
    }

    #[test]
    fn a_line_without_one_has_none() {
        let summary = RetrySummary::new(3, Duration::ZERO, "a");
        for line in ["", "attempt 1 of 15, next in 1 s", &format!("{summary}."), "[retries="] {
            assert_eq!(RetrySummary::at_end_of(line), None, "{line}");
        }
        assert_eq!(RetrySummary::at_end_of(&summary.to_string()), Some(("", summary)));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(summary in summary()) {
            prop_assert_eq!(summary.to_string().parse(), Ok(summary));
        }

        #[test]
        fn it_is_found_at_the_end_of_any_line(
            text in prop_oneof!["\\PC{0,40}", "\\PC{1000,1100}"],
            summary in summary(),
        ) {
            let line = format!("{text} {summary}");
            prop_assert_eq!(RetrySummary::at_end_of(&line), Some((text.trim_end(), summary)));
        }

        #[test]
        fn any_line_has_an_answer(line in ".{0,40}(\\[retries=.{0,40}){0,3}\\]?") {
            let _ = RetrySummary::at_end_of(&line);
        }
    }
}
