//! These functions parse times and durations as Go does. Source: Go's `time.Parse` and
//! `time.ParseDuration`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Parses a time of RFC 3339. Without a zone it is in UTC. Returns `None` if Go does not parse the
/// text.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let (year, rest) = take_number(text, 4, 4)?;
    let (month, rest) = take_number(rest.strip_prefix('-')?, 2, 2)?;
    let (day, rest) = take_number(rest.strip_prefix('-')?, 2, 2)?;
    // Go also parses an hour of one digit.
    let (hour, rest) = take_number(rest.strip_prefix('T')?, 1, 2)?;
    let (minute, rest) = take_number(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = take_number(rest.strip_prefix(':')?, 2, 2)?;
    let (nanoseconds, rest) = match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            // Go cuts the digits after the ninth.
            let digits = fraction.bytes().take(fraction.len() - rest.len());
            let digits = digits.chain(std::iter::repeat(b'0')).take(9);
            (digits.fold(0, |number, digit| number * 10 + i32::from(digit - b'0')), rest)
        }
        _ => (0, rest),
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let fits = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let offset = parse_zone(rest).filter(|_| fits)?;
    let small = |number: u32| i8::try_from(number).ok();
    let time = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanoseconds,
    )
    .ok()?;
    // The last day of the year 9999 lies outside of the range of a timestamp.
    let utc = Offset::UTC.to_timestamp(time).unwrap_or(Timestamp::MAX);
    let offset_size = Duration::from_secs(offset.unsigned_abs());
    Some(match offset {
        0.. => utc.checked_sub(offset_size).unwrap_or(Timestamp::MIN),
        _ => utc.checked_add(offset_size).unwrap_or(Timestamp::MAX),
    })
}

/// Parses a zone, and returns the seconds by which it is east of UTC.
fn parse_zone(text: &str) -> Option<i64> {
    if text.is_empty() || text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, rest) = take_number(text.strip_prefix(['+', '-'])?, 2, 2)?;
    let (minutes, rest) = take_number(rest.strip_prefix(':')?, 2, 2)?;
    // Go accepts an offset of 24 hours, and one of 60 minutes.
    let fits = hours <= 24 && minutes <= 60 && rest.is_empty();
    fits.then_some(sign * i64::from(hours * 3600 + minutes * 60))
}

/// Splits a number of `least` to `most` digits from the front of a text. Returns the number and the
/// rest of the text.
fn take_number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length)?;
    (length >= least).then(|| digits.parse().ok().map(|number| (number, rest)))?
}

/// Parses a duration such as `1h30m`. A negative one counts as none. Returns `None` if Go does not
/// parse the text.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let (nanoseconds, after) = take_duration_part(rest)?;
        total = total.checked_add(nanoseconds)?;
        rest = after;
    }
    // Go's duration is a signed integer of 64 bits, which has one more negative value.
    let most = i64::MAX.unsigned_abs() + u64::from(negative);
    if total > u128::from(most) {
        return None;
    }
    let total = if negative { 0 } else { u64::try_from(total).ok()? };
    Some(Duration::from_nanos(total))
}

/// Splits one number with its unit from the front of a duration. Returns its nanoseconds and the
/// rest of the text.
fn take_duration_part(text: &str) -> Option<(u128, &str)> {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Further digits add less than a nanosecond even in hours, and might overflow.
    let fraction: String = fraction.chars().take(18).collect();
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let nanoseconds = u128::from(whole) * u128::from(unit) + fraction * u128::from(unit) / scale;
    Some((nanoseconds, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_taken_as_go_takes_them() {
        for (text, time) in [
            ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z"),
            ("2030-01-02T03:04:05", "2030-01-02T03:04:05Z"),
            ("2030-01-02T3:04:05Z", "2030-01-02T03:04:05Z"),
            ("2030-01-02T03:04:05.123456789012Z", "2030-01-02T03:04:05.123456789Z"),
            ("2030-01-02T03:04:05,5+01:00", "2030-01-02T02:04:05.5Z"),
            ("2024-02-29T23:59:59-24:60", "2024-03-02T00:59:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse_time(text), Some(time.parse().unwrap()), "{text}");
        }
        for bad in [
            "",
            "2030-01-02",
            "2030-01-02T03:04Z",
            "2030-1-02T03:04:05Z",
            "2030-13-02T03:04:05Z",
            "2030-02-29T03:04:05Z",
            "2030-01-00T03:04:05Z",
            "2030-01-02T24:04:05Z",
            "2030-01-02T03:04:60Z",
            "2030-01-02T03:04:05z",
            "2030-01-02t03:04:05Z",
            "2030-01-02 03:04:05Z",
            "2030-01-02T03:04:05.Z",
            "2030-01-02T03:04:05Z ",
            "2030-01-02T03:04:05+0100",
            "2030-01-02T03:04:05+25:00",
            "12030-01-02T03:04:05Z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_taken_as_go_takes_them() {
        for (text, nanoseconds) in [
            ("1h", Some(3_600_000_000_000)),
            ("1h30m.5s", Some(5_400_500_000_000)),
            ("+1.5h", Some(5_400_000_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("1µs1μs1us1ns1ms", Some(1_003_001)),
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0s", Some(0)),
            ("0.1ns", Some(0)),
            ("-2h", Some(0)),
            ("9223372036854775807ns", Some(9_223_372_036_854_775_807)),
            ("9223372036854775808ns", None),
            ("-9223372036854775808ns", Some(0)),
            ("99999999999999999999h", None),
            ("", None),
            ("-", None),
            ("1", None),
            ("1d", None),
            (".s", None),
            ("1..5s", None),
            ("1 h", None),
            ("h", None),
            ("x", None),
        ] {
            let duration = nanoseconds.map(Duration::from_nanos);
            assert_eq!(parse_duration(text), duration, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-+0-9T:.Zhmsnuµ]{0,24}|\\PC{0,16}") {
            let _ = (parse_time(&text), parse_duration(&text));
        }
    }
}
