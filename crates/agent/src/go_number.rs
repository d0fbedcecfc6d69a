//! [`yaml_number`] and [`json_number`] format a float as Go does in YAML and in JSON.

/// Splits a finite number into its sign, its significant digits, and the power of ten of the first
/// digit.
fn digits(number: f64) -> (bool, String, i32) {
    // Rust's `{:e}` prints the fewest digits that parse to the same number, as Go's precision -1
    // does.
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text.as_str(), "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    (number.is_sign_negative(), digits, exponent.parse().unwrap_or(0))
}

fn fixed(negative: bool, digits: &str, exponent: i32) -> String {
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    if exponent < 0 {
        text.push_str("0.");
        text.extend(std::iter::repeat_n('0', usize::try_from(-exponent - 1).unwrap_or(0)));
        text.push_str(digits);
    } else {
        let whole = usize::try_from(exponent).unwrap_or(0) + 1;
        text.push_str(digits.get(..whole.min(digits.len())).unwrap_or(digits));
        text.extend(std::iter::repeat_n('0', whole.saturating_sub(digits.len())));
        if let Some(fraction) = digits.get(whole..).filter(|fraction| !fraction.is_empty()) {
            text.push('.');
            text.push_str(fraction);
        }
    }
    text
}

fn scientific(negative: bool, digits: &str, exponent: i32, exponent_width: usize) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let point = if rest.is_empty() { "" } else { "." };
    let minus = if negative { "-" } else { "" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{minus}{first}{point}{rest}e{sign}{:0exponent_width$}", exponent.unsigned_abs())
}

/// Formats a number as Go's yaml does, with the shortest `%g`: from a million on it has an
/// exponent.
pub(super) fn yaml_number(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() };
    }
    let (negative, digits, exponent) = digits(number);
    if !(-4..6).contains(&exponent) {
        scientific(negative, &digits, exponent, 2)
    } else {
        fixed(negative, &digits, exponent)
    }
}

/// Formats a number as Go's `encoding/json` does: without an exponent from 1e-6 up to below 1e21.
pub(super) fn json_number(number: f64) -> String {
    if !number.is_finite() {
        return "null".to_owned();
    }
    let (negative, digits, exponent) = digits(number);
    if number != 0.0 && !(-6..21).contains(&exponent) {
        // Go's JSON cuts the zero of `e-07`, and only of a negative exponent.
        scientific(negative, &digits, exponent, if exponent < 0 { 1 } else { 2 })
    } else {
        fixed(negative, &digits, exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        // Printed by Go: the number, its form in yaml.v2, its form in encoding/json.
        for (number, in_yaml, in_json) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (-1.0, "-1", "-1"),
            (9090.0, "9090", "9090"),
            (999_999.0, "999999", "999999"),
            (1e6, "1e+06", "1000000"),
            (1_234_567.0, "1.234567e+06", "1234567"),
            (2_147_483_647.0, "2.147483647e+09", "2147483647"),
            (1.5, "1.5", "1.5"),
            (0.1, "0.1", "0.1"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (123_456.789, "123456.789", "123456.789"),
            (1e20, "1e+20", "100000000000000000000"),
            (1e21, "1e+21", "1e+21"),
            (1e-7, "1e-07", "1e-7"),
            (1e100, "1e+100", "1e+100"),
        ] {
            assert_eq!(yaml_number(number), in_yaml);
            assert_eq!(json_number(number), in_json);
        }
    }
}
