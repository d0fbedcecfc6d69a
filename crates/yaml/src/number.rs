//! The parsers of numbers, which accept what Go's `strconv` and its YAML packages accept.

use super::dialect::Dialect;
use super::scalar::Scalar;

/// Parses a scalar's text as a number of this dialect; `None` if it is not one. The caller has
/// removed the underscores.
pub(super) fn parse(text: &str, dialect: Dialect) -> Option<Scalar> {
    if let Some(number) = parse_integer(text) {
        return Some(number);
    }
    if is_float(text, dialect) {
        // Rust reads every text that matches the pattern as Go does, except for a number that is
        // too large: it is infinity in Rust and an error in Go.
        return text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Scalar::Float);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    // If `ParseInt` refuses a text, Go's packages look for `0b` and `0o` themselves and pass the
    // rest to `ParseInt` again. The rest may have a sign of its own, as in `0b-1`.
    let in_radix = |digits: &str, radix| {
        let digits = if sign.is_empty() { digits.to_owned() } else { format!("-{digits}") };
        parse_signed(&digits, radix).or_else(|| match sign {
            "" => u64::from_str_radix(&digits, radix)
                .ok()
                .filter(|_| starts_with_digit(&digits))
                .map(Scalar::Uint),
            _ => None,
        })
    };
    if let Some(digits) = rest.strip_prefix("0b") {
        return in_radix(digits, 2);
    }
    match (dialect, rest.strip_prefix("0o")) {
        (Dialect::Pebble, Some(digits)) => in_radix(digits, 8),
        _ => None,
    }
}

/// Returns `true` if the text starts with a digit, and not with a sign that Rust's parser would
/// accept.
fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_hexdigit())
}

fn parse_signed(digits: &str, radix: u32) -> Option<Scalar> {
    i64::from_str_radix(digits, radix).ok().map(Scalar::Int)
}

/// Parses an integer as Go's `ParseInt` and, if it is too large, `ParseUint` do with base 0: the
/// prefix `0x`, `0b`, `0o` or `0` gives the base.
fn parse_integer(text: &str) -> Option<Scalar> {
    parse_i64(text).map(Scalar::Int).or_else(|| {
        let (radix, digits) = split_base(text);
        u64::from_str_radix(digits, radix)
            .ok()
            .filter(|_| starts_with_digit(digits))
            .map(Scalar::Uint)
    })
}

/// Parses an integer as Go's `ParseInt` does with base 0: the prefix `0x`, `0b`, `0o` or `0` gives
/// the base, and an underscore may stand between two digits or after the prefix.
///
/// It returns `None` for any other text, and for a number that does not fit into an `i64`.
#[must_use]
pub fn go_int(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    // An underscore may follow the 0 that makes a number octal, as it may follow any digit.
    let (base, digits) = unsigned.split_at_checked(2).unwrap_or_default();
    if matches!(base, "0x" | "0X" | "0b" | "0B" | "0o" | "0O") {
        without_underscores(digits, true)?;
    } else {
        without_underscores(unsigned, false)?;
    }
    parse_i64(&text.replace('_', ""))
}

/// Parses an integer as [`go_int`] does, without underscores.
fn parse_i64(text: &str) -> Option<i64> {
    let (sign, unsigned) = match text.as_bytes().first() {
        Some(b'-') => ("-", text.get(1..)?),
        Some(b'+') => ("", text.get(1..)?),
        _ => ("", text),
    };
    let (radix, digits) = split_base(unsigned);
    // A second sign, as in `+-1`, is not a number.
    if !starts_with_digit(digits) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// Splits the prefix of the base from a number without a sign, and returns the base and the digits.
fn split_base(text: &str) -> (u32, &str) {
    let prefixed =
        |prefixes: [&str; 2]| prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix));
    if let Some(digits) = prefixed(["0x", "0X"]) {
        (16, digits)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (2, digits)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (8, digits)
    } else {
        match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => (8, digits),
            _ => (10, text),
        }
    }
}

/// Returns `true` if the text matches the pattern for floats of the dialect's Go package.
fn is_float(text: &str, dialect: Dialect) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let has_good_exponent = exponent.is_none_or(|exponent| {
        let digits = match (exponent.strip_prefix(['-', '+']), dialect) {
            (Some(digits), _) => digits,
            (None, Dialect::Pebble) => exponent,
            // Juju's fork of yaml.v2 requires a sign in the exponent: `1e6` is a string to it.
            (None, Dialect::Juju) => return false,
        };
        is_digits(digits)
    });
    let has_good_mantissa = match (dialect, mantissa.split_once('.')) {
        (Dialect::Pebble, None) => is_digits(mantissa),
        (Dialect::Pebble, Some(("", fraction))) => is_digits(fraction),
        (Dialect::Pebble, Some((whole, fraction))) => {
            is_digits(whole) && (fraction.is_empty() || is_digits(fraction))
        }
        // Juju's fork allows no leading 0 and requires a digit after the point: `08` and `5.` are
        // strings to it.
        (Dialect::Juju, None) => mantissa.is_empty() || is_decimal_integer(mantissa),
        (Dialect::Juju, Some((whole, fraction))) => {
            (whole.is_empty() || is_decimal_integer(whole)) && is_digits(fraction)
        }
    };
    has_good_exponent && has_good_mantissa
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_decimal_integer(text: &str) -> bool {
    is_digits(text) && (text == "0" || !text.starts_with('0'))
}

/// Parses a float as Go's `ParseFloat` does; `None` if it is not one.
///
/// It accepts a decimal number, a hexadecimal number with `0x` and a binary exponent, and infinity
/// and NaN by name. Underscores may stand between digits.
pub(super) fn go_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let name = unsigned.to_ascii_lowercase();
    if matches!(name.as_str(), "inf" | "infinity" | "nan") {
        // Go accepts no sign before NaN; Rust does.
        return (name != "nan" || unsigned.len() == text.len())
            .then(|| text.parse().ok())
            .flatten();
    }
    if let Some(digits) = name.strip_prefix("0x") {
        let number = parse_hex_float(&without_underscores(digits, true)?)?;
        return Some(if text.starts_with('-') { -number } else { number })
            .filter(|number| number.is_finite());
    }
    let plain = without_underscores(text, false)?;
    plain.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Removes the underscores from a number. It returns `None` if one of them is not between two
/// digits, or between the prefix of the base and a digit.
fn without_underscores(text: &str, is_after_prefix: bool) -> Option<String> {
    let mut follows_digit = is_after_prefix;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_before_digit = characters.peek().is_some_and(char::is_ascii_hexdigit);
        if character == '_' && !(follows_digit && is_before_digit) {
            return None;
        }
        follows_digit = character.is_ascii_hexdigit();
    }
    Some(text.replace('_', ""))
}

/// Parses a hexadecimal float, such as `1.8p3`. The caller has removed the prefix and made the text
/// lower-case.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    // Go requires the exponent of a hexadecimal float.
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = 0.0_f64;
    for digit in whole.chars() {
        number = number * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let mut place = 1.0 / 16.0;
    for digit in fraction.chars() {
        number += f64::from(digit.to_digit(16)?) * place;
        place /= 16.0;
    }
    Some(number * 2.0_f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_go_with_base_0() {
        for (text, expected) in [
            ("0", Some(0)),
            ("010", Some(8)),
            ("-0x1F", Some(-31)),
            ("0B11", Some(3)),
            ("0_17", Some(15)),
            ("0x_1", Some(1)),
            ("1_000", Some(1000)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("08", None),
            ("1__0", None),
            ("1_", None),
            ("_1", None),
            ("0x", None),
            ("+-1", None),
            ("1.0", None),
            ("", None),
        ] {
            assert_eq!(go_int(text), expected, "{text}");
        }
    }

    #[test]
    fn floats_match_the_pattern_of_their_dialect() {
        for (text, juju, pebble) in [
            ("1e3", None, Some(1000.0)),
            ("1e+3", Some(1000.0), Some(1000.0)),
            ("5.", None, Some(5.0)),
            (".5", Some(0.5), Some(0.5)),
            ("08.5", None, Some(8.5)),
            ("08", None, Some(8.0)),
            ("1e400", None, None),
            ("1.5.5", None, None),
            ("+", None, None),
        ] {
            assert_eq!(parse(text, Dialect::Juju), juju.map(Scalar::Float), "{text}");
            assert_eq!(parse(text, Dialect::Pebble), pebble.map(Scalar::Float), "{text}");
        }
    }
}
