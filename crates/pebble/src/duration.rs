//! Every period, delay and timeout travels to and from Pebble as a duration of Go's.
//!
//! No crate agrees with Go on all of the syntax (`5` is an error, `0` is not, `1.5h` is fine, `1d`
//! is not, the least value has no positive twin). So the two rules of Go's `time` package, for
//! parsing and printing, are here, and are tested against values that Go printed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A signed span of time in whole nanoseconds, of about 292 years at most each way. It is written
/// as Go writes it: `500ms`, `1m30s`.
///
/// It parses what Go parses: an optional sign, then decimal numbers each with a unit (`ns`, `us`,
/// `µs`, `μs`, `ms`, `s`, `m`, `h`), or a bare `0`. It prints what Go prints (`1m0s`, `0s`,
/// `1.5µs`).
///
/// ```
/// use charmwright_pebble::GoDuration;
/// let delay: GoDuration = "90s".parse()?;
/// assert_eq!(delay.to_string(), "1m30s");
/// # Ok::<(), charmwright_pebble::InvalidDuration>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GoDuration(i64);

impl GoDuration {
    /// The span of no time, which is printed as `0s`.
    pub const ZERO: Self = Self(0);

    /// Makes a span of so many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Makes a span of so many whole seconds, or the longest span if that is too many.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND as i64))
    }

    /// Returns the span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Returns the span in the standard library's type; `None` if it is negative.
    #[must_use]
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

/// A span that is too long for Go becomes the longest that Go can hold.
impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// A text that is no duration of Go's. The message names the text and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {text:?} as a duration: {why}; write for example 10s, 1m30s or 500ms")]
pub struct InvalidDuration {
    text: String,
    why: &'static str,
}

impl InvalidDuration {
    fn new(text: &str, why: &'static str) -> Self {
        Self { text: text.chars().take(64).collect(), why }
    }
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The magnitude of the least value. Go adds up unsigned numbers to this limit, and only a negative
/// total may reach it.
const LIMIT: u64 = i64::MIN.unsigned_abs();

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).map_err(|why| InvalidDuration::new(text, why))
    }
}

fn parse(text: &str) -> Result<i64, &'static str> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err("it is empty");
    }
    let mut total = 0_u64;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (part, after) = parse_part(rest)?;
        total = total.checked_add(part).filter(|&sum| sum <= LIMIT).ok_or(TOO_LONG)?;
        rest = after;
    }
    if negative {
        0_i64.checked_sub_unsigned(total).ok_or(TOO_LONG)
    } else {
        i64::try_from(total).map_err(|_| TOO_LONG)
    }
}

const TOO_LONG: &str = "it is too long";

/// Parses one number with its unit, and returns it in nanoseconds with the text after it.
fn parse_part(text: &str) -> Result<(u64, &str), &'static str> {
    let (whole, after_whole) = split_digits(text);
    let (fraction, after_number) = match after_whole.strip_prefix('.') {
        Some(rest) => split_digits(rest),
        None => ("", after_whole),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err("a number is missing");
    }
    let unit_end =
        after_number.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after_number.len());
    let (unit, rest) = after_number.split_at_checked(unit_end).unwrap_or((after_number, ""));
    let unit = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "" => return Err("a unit is missing"),
        _ => return Err("a unit is not one of ns, us, ms, s, m, h"),
    };
    // A number that does not fit 64 bits is too long in any unit.
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| TOO_LONG)? };
    let nanos = whole.checked_mul(unit).filter(|&nanos| nanos <= LIMIT).ok_or(TOO_LONG)?;
    let nanos = nanos
        .checked_add(fraction_of(fraction, unit))
        .filter(|&nanos| nanos <= LIMIT)
        .ok_or(TOO_LONG)?;
    Ok((nanos, rest))
}

/// Returns the worth of the digits after a decimal point, cut to whole nanoseconds. Digits beyond
/// what 63 bits hold are ignored and the product is formed in floating point, both as Go does, so
/// that the two never differ by a nanosecond.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value = 0_u64;
    let mut scale = 1_f64;
    for digit in digits.bytes() {
        let Some(next) = (value <= (LIMIT - 1) / 10)
            .then(|| value * 10 + u64::from(digit.wrapping_sub(b'0')))
            .filter(|&next| next <= LIMIT)
        else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let mut text = String::with_capacity(24);
        if self.0 < 0 {
            text.push('-');
        }
        match nanos {
            0 => text.push_str("0s"),
            1..MICROSECOND => text.push_str(&format!("{nanos}ns")),
            MICROSECOND..MILLISECOND => push_decimal(&mut text, nanos, MICROSECOND, "\u{b5}s"),
            MILLISECOND..SECOND => push_decimal(&mut text, nanos, MILLISECOND, "ms"),
            SECOND.. => {
                // Go shows every unit below the largest one, down to seconds: 1h0m0s.
                if nanos >= HOUR {
                    text.push_str(&format!("{}h", nanos / HOUR));
                }
                if nanos >= MINUTE {
                    text.push_str(&format!("{}m", nanos % HOUR / MINUTE));
                }
                push_decimal(&mut text, nanos % MINUTE, SECOND, "s");
            }
        }
        f.pad(&text)
    }
}

/// Appends `nanos` in a decimal unit, without zeros at the end of the fraction.
fn push_decimal(text: &mut String, nanos: u64, unit: u64, name: &str) {
    text.push_str(&(nanos / unit).to_string());
    let fraction = nanos % unit;
    if fraction != 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push_str(name);
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = GoDuration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 10s or 1m30s")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<GoDuration, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Prints a duration for people: `105 s`, `1.5 s`, `250 ms`.
pub(crate) fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    let tenths = (millis + 50) / 100;
    match (millis, tenths % 10) {
        (0..1000, _) => format!("{millis} ms"),
        (_, 0) => format!("{} s", tenths / 10),
        (_, tenth) => format!("{}.{tenth} s", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> Option<i64> {
        text.parse::<GoDuration>().ok().map(GoDuration::as_nanos)
    }

    /// Each row was printed by Go 1.26: a text, what `time.ParseDuration` makes of it (`None`: an
    /// error), and how Go prints that.
    const GOLDEN: &[(&str, Option<i64>, &str)] = &[
        ("0", Some(0), "0s"),
        ("+0", Some(0), "0s"),
        ("-0", Some(0), "0s"),
        ("0s", Some(0), "0s"),
        ("5s", Some(5000000000), "5s"),
        ("30s", Some(30000000000), "30s"),
        ("1478s", Some(1478000000000), "24m38s"),
        ("-5s", Some(-5000000000), "-5s"),
        ("+5s", Some(5000000000), "5s"),
        ("5.0s", Some(5000000000), "5s"),
        ("5.6s", Some(5600000000), "5.6s"),
        ("5.", None, ""),
        ("5.s", Some(5000000000), "5s"),
        (".5s", Some(500000000), "500ms"),
        ("1.0s", Some(1000000000), "1s"),
        ("1.00s", Some(1000000000), "1s"),
        ("1.004s", Some(1004000000), "1.004s"),
        ("1.0040s", Some(1004000000), "1.004s"),
        ("100.00100s", Some(100001000000), "1m40.001s"),
        ("10ns", Some(10), "10ns"),
        ("11us", Some(11000), "11\u{b5}s"),
        ("12\u{b5}s", Some(12000), "12\u{b5}s"),
        ("12\u{3bc}s", Some(12000), "12\u{b5}s"),
        ("13ms", Some(13000000), "13ms"),
        ("14s", Some(14000000000), "14s"),
        ("15m", Some(900000000000), "15m0s"),
        ("16h", Some(57600000000000), "16h0m0s"),
        ("3h30m", Some(12600000000000), "3h30m0s"),
        ("10.5s4m", Some(250500000000), "4m10.5s"),
        ("-2m3.4s", Some(-123400000000), "-2m3.4s"),
        ("1h2m3s4ms5us6ns", Some(3723004005006), "1h2m3.004005006s"),
        ("39h9m14.425s", Some(140954425000000), "39h9m14.425s"),
        ("52763797000ns", Some(52763797000), "52.763797s"),
        ("0.3333333333333333333h", Some(1200000000000), "20m0s"),
        ("9007199254740993ns", Some(9007199254740993), "2501h59m59.254740993s"),
        ("9223372036854775807ns", Some(9223372036854775807), "2562047h47m16.854775807s"),
        ("9223372036854775.807us", Some(9223372036854775807), "2562047h47m16.854775807s"),
        ("9223372036s854ms775us807ns", Some(9223372036854775807), "2562047h47m16.854775807s"),
        ("-9223372036854775808ns", Some(-9223372036854775808), "-2562047h47m16.854775808s"),
        ("-9223372036854775.808us", Some(-9223372036854775808), "-2562047h47m16.854775808s"),
        ("-2562047h47m16.854775808s", Some(-9223372036854775808), "-2562047h47m16.854775808s"),
        ("0.100000000000000000000h", Some(360000000000), "6m0s"),
        ("0.830103483285477580700h", Some(2988372539827), "49m48.372539827s"),
        ("0.9223372036854775807h", Some(3320413933267), "55m20.413933267s"),
        ("1h30m", Some(5400000000000), "1h30m0s"),
        ("1.5s", Some(1500000000), "1.5s"),
        ("300ms", Some(300000000), "300ms"),
        ("168h", Some(604800000000000), "168h0m0s"),
        ("90s", Some(90000000000), "1m30s"),
        ("1500ns", Some(1500), "1.5\u{b5}s"),
        ("1m", Some(60000000000), "1m0s"),
        ("5", None, ""),
        ("", None, ""),
        ("-", None, ""),
        ("+", None, ""),
        (".", None, ""),
        ("-.", None, ""),
        (".s", None, ""),
        ("+.s", None, ""),
        ("1d", None, ""),
        ("3000000h", None, ""),
        ("9223372036854775808ns", None, ""),
        ("9223372036854775.808us", None, ""),
        ("18446744073709551616ns", None, ""),
        ("-9223372036854775809ns", None, ""),
        ("1 s", None, ""),
        (" 1s", None, ""),
        ("1s ", None, ""),
        ("1S", None, ""),
        ("1e3s", None, ""),
        ("--1s", None, ""),
        ("1s-1s", None, ""),
        ("1s.", None, ""),
        ("0x1s", None, ""),
        ("1_000s", None, ""),
        ("00", None, ""),
        ("0.0", None, ""),
        ("\u{fffd}s", None, ""),
        ("1\u{b5}", None, ""),
        ("999ns", Some(999), "999ns"),
        ("1us", Some(1000), "1\u{b5}s"),
        ("999999ns", Some(999999), "999.999\u{b5}s"),
        ("1ms", Some(1000000), "1ms"),
        ("999999999ns", Some(999999999), "999.999999ms"),
        ("0.000000001s", Some(1), "1ns"),
        ("0.0000000019s", Some(1), "1ns"),
        ("99999999999999999999.9s", None, ""),
        ("0.99999999999999999999s", Some(1000000000), "1s"),
    ];

    #[test]
    fn reads_and_prints_as_go_does() {
        for &(text, expected, printed) in GOLDEN {
            assert_eq!(nanos(text), expected, "{text:?}");
            if let Some(expected) = expected {
                assert_eq!(GoDuration::from_nanos(expected).to_string(), printed, "{text:?}");
            }
        }
    }

    #[test]
    fn an_error_names_the_text_and_the_way_out() {
        let error = "5".parse::<GoDuration>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read \"5\" as a duration: a unit is missing; write for example 10s, 1m30s or \
             500ms"
        );
        assert!("9".repeat(10_000).parse::<GoDuration>().unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn meets_the_standard_type_at_its_ends() {
        assert_eq!(GoDuration::from(Duration::MAX).as_nanos(), i64::MAX);
        assert_eq!(GoDuration::from(Duration::from_millis(1_500)).to_string(), "1.5s");
        assert_eq!(GoDuration::from_nanos(-1).to_std(), None);
        assert_eq!(GoDuration::from_secs(3).to_std(), Some(Duration::from_secs(3)));
        assert_eq!(GoDuration::from_secs(i64::MAX).as_nanos(), i64::MAX);
    }

    #[test]
    fn travels_as_a_string() {
        assert_eq!(serde_json::to_string(&GoDuration::from_secs(60)).unwrap(), "\"1m0s\"");
        assert_eq!(
            serde_json::from_str::<GoDuration>("\"1m\"").unwrap(),
            GoDuration::from_secs(60)
        );
        assert!(serde_json::from_str::<GoDuration>("60").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(nanos: i64) {
            let duration = GoDuration::from_nanos(nanos);
            prop_assert_eq!(duration.to_string().parse::<GoDuration>(), Ok(duration));
        }

        #[test]
        fn any_text_has_an_answer(text in ".{0,40}") {
            let _ = text.parse::<GoDuration>();
        }

        #[test]
        fn any_likely_text_has_an_answer(
            text in "[-+]?([0-9]{0,21}(\\.[0-9]{0,21})?(ns|us|µs|μs|ms|s|m|h|d)?){0,4}"
        ) {
            if let Ok(duration) = text.parse::<GoDuration>() {
                prop_assert_eq!(duration.to_string().parse::<GoDuration>(), Ok(duration));
            }
        }
    }
}
