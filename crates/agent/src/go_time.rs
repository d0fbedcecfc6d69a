//! These functions tell which times and durations Go parses, and whether a duration is positive.
//! The model needs no more of them. Source: Go's `time.Parse` and `time.ParseDuration`.

/// Returns `true` for a time of RFC 3339. Its zone may be missing.
pub(super) fn is_time(text: &str) -> bool {
    parse_time(text).is_some()
}

fn parse_time(text: &str) -> Option<()> {
    let (year, rest) = take_number(text, 4, 4)?;
    let (month, rest) = take_number(rest.strip_prefix('-')?, 2, 2)?;
    let (day, rest) = take_number(rest.strip_prefix('-')?, 2, 2)?;
    // Go also parses an hour of one digit.
    let (hour, rest) = take_number(rest.strip_prefix('T')?, 1, 2)?;
    let (minute, rest) = take_number(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = take_number(rest.strip_prefix(':')?, 2, 2)?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => rest,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let fits = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    (fits && is_zone(rest)).then_some(())
}

fn is_zone(text: &str) -> bool {
    if text.is_empty() || text == "Z" {
        return true;
    }
    let offset = text.strip_prefix(['+', '-']).and_then(|rest| take_number(rest, 2, 2));
    let minutes =
        offset.and_then(|(hours, rest)| Some((hours, take_number(rest.strip_prefix(':')?, 2, 2)?)));
    // Go accepts an offset of 24 hours, and one of 60 minutes.
    matches!(minutes, Some((0..=24, (0..=60, ""))))
}

/// Splits a number of `least` to `most` digits from the front of a text. Returns the number and the
/// rest of the text.
fn take_number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length)?;
    (length >= least).then(|| digits.parse().ok().map(|number| (number, rest)))?
}

/// Returns whether a duration such as `1h30m` is positive, or `None` if Go does not parse the text.
pub(super) fn is_positive_duration(text: &str) -> Option<bool> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Some(false);
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
    (total <= u128::from(most)).then_some(!negative && total > 0)
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
        for good in [
            "2030-01-02T03:04:05Z",
            "2030-01-02T03:04:05",
            "2030-01-02T3:04:05Z",
            "2030-01-02T03:04:05.123456789012Z",
            "2030-01-02T03:04:05,5+01:00",
            "2024-02-29T23:59:59-24:60",
            "0000-01-01T00:00:00Z",
        ] {
            assert!(is_time(good), "{good}");
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
            assert!(!is_time(bad), "{bad}");
        }
    }

    #[test]
    fn durations_are_taken_as_go_takes_them() {
        for (text, positive) in [
            ("1h", Some(true)),
            ("1h30m.5s", Some(true)),
            ("+1.5h", Some(true)),
            ("1.s", Some(true)),
            ("1µs1μs1us1ns1ms", Some(true)),
            ("0", Some(false)),
            ("-0", Some(false)),
            ("0s", Some(false)),
            ("0.1ns", Some(false)),
            ("-2h", Some(false)),
            ("9223372036854775807ns", Some(true)),
            ("9223372036854775808ns", None),
            ("-9223372036854775808ns", Some(false)),
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
            assert_eq!(is_positive_duration(text), positive, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-+0-9T:.Zhmsnuµ]{0,24}|\\PC{0,16}") {
            let _ = (is_time(&text), is_positive_duration(&text));
        }
    }
}
