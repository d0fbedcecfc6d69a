//! These functions parse and print texts and numbers as Go does, since Juju's error texts contain
//! both.
//!
//! Source: Go's `strconv` and `unicode`; measured on Juju 3.6.28 and 4.0.15.

/// Quotes a string as Go's `%q` does. Every name in Juju's error texts is quoted so.
pub(super) fn go_quote(text: &str) -> String {
    go_quote_bytes(text.as_bytes())
}

/// Quotes bytes as [`go_quote`] does. Each byte that is not UTF-8 is escaped by itself.
pub(super) fn go_quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        quote_into(&mut quoted, chunk.valid());
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

fn quote_into(quoted: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            printed if is_print(printed) => quoted.push(printed),
            other => quoted.push_str(&match u32::from(other) {
                code @ (0..=0x1f | 0x7f) => format!("\\x{code:02x}"),
                code @ 0..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
}

/// Returns `true` if Go prints a character without an escape: a letter, mark, number, punctuation,
/// symbol or the ASCII space.
fn is_print(character: char) -> bool {
    // Rust's Debug form knows the same categories of Unicode. It escapes a mark only at the start
    // of a string, so a letter stands before the character here.
    match character {
        ' '..='~' => true,
        '\0'..='\u{a0}' => false,
        _ => {
            let pair: String = ['a', character].iter().collect();
            pair.escape_debug().nth(1) == Some(character)
        }
    }
}

/// Quotes a list of strings as Go's `%q` does: `["a" "b"]`.
pub(super) fn quote_list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| go_quote(item)).collect();
    format!("[{}]", quoted.join(" "))
}

/// Parses a boolean in any of Go's spellings. The Python framework `ops` prints `True` and `False`.
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Parses a boolean as Go's `strconv.ParseBool` does.
///
/// # Errors
/// Returns the text of Go's error.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    go_bool(text).ok_or_else(|| number_error_text("ParseBool", text, NumberError::Syntax))
}

/// Parses an integer of 64 bits in base 10 as Go's `strconv.Atoi` does.
///
/// # Errors
/// Returns the text of Go's error.
pub(super) fn atoi(text: &str) -> Result<i64, String> {
    parse_signed(text, |digits| parse_unsigned(digits, 10))
        .map_err(|fault| number_error_text("Atoi", text, fault))
}

/// Parses an integer of 64 bits as Go's `strconv.ParseInt` does with base 0: the prefix decides the
/// base.
///
/// # Errors
/// Returns the text of Go's error.
pub(super) fn parse_int(text: &str) -> Result<i64, String> {
    parse_signed(text, parse_unsigned_of_any_base)
        .map_err(|fault| number_error_text("ParseInt", text, fault))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberError {
    Syntax,
    Range,
}

fn number_error_text(function: &str, text: &str, fault: NumberError) -> String {
    let why = match fault {
        NumberError::Syntax => "invalid syntax",
        NumberError::Range => "value out of range",
    };
    format!("strconv.{function}: parsing {}: {why}", go_quote(text))
}

fn parse_signed(
    text: &str,
    magnitude: impl Fn(&str) -> Result<u64, NumberError>,
) -> Result<i64, NumberError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    let magnitude = i128::from(magnitude(digits)?);
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map_err(|_| NumberError::Range)
}

/// Parses digits of one base. As in Go, a number that is out of range is refused before a wrong
/// letter that comes later.
fn parse_unsigned(digits: &str, base: u32) -> Result<u64, NumberError> {
    if digits.is_empty() {
        return Err(NumberError::Syntax);
    }
    digits.chars().try_fold(0_u64, |value, character| {
        let digit = character.to_digit(base).ok_or(NumberError::Syntax)?;
        value
            .checked_mul(u64::from(base))
            .and_then(|value| value.checked_add(u64::from(digit)))
            .ok_or(NumberError::Range)
    })
}

/// Parses digits with an optional prefix, such as `0x1f`, `0b1`, `0o7`, `017` or `1_000`. An
/// underscore may stand between two digits and after a prefix.
fn parse_unsigned_of_any_base(text: &str) -> Result<u64, NumberError> {
    let lower = text.to_ascii_lowercase();
    let (base, prefix) = match lower.as_bytes() {
        [b'0', b'x', _, ..] => (16, 2),
        [b'0', b'b', _, ..] => (2, 2),
        [b'0', b'o', _, ..] => (8, 2),
        [b'0', _, ..] => (8, 1),
        _ => (10, 0),
    };
    let digits = lower.get(prefix..).unwrap_or_default();
    let value = parse_unsigned(&digits.replace('_', ""), base)?;
    // Go takes the prefix for a digit before an underscore: `0x_1` and `0_7` are numbers.
    let prefixed_digits = if prefix > 0 { format!("0{digits}") } else { digits.to_owned() };
    if prefixed_digits.starts_with('_')
        || prefixed_digits.ends_with('_')
        || prefixed_digits.contains("__")
    {
        return Err(NumberError::Syntax);
    }
    Ok(value)
}

/// Converts a text to lower case as Go's `strings.ToLower` does: each character becomes one, never
/// two.
pub(super) fn to_lower(text: &str) -> String {
    text.chars().map(|character| character.to_lowercase().next().unwrap_or(character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        // Printed by Go's strconv.Quote.
        for (text, quoted) in [
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#),
            ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
            ("\u{80}\u{9f}\u{a0}\u{ad}", r#""\u0080\u009f\u00a0\u00ad""#),
            ("é ü 😀 漢", "\"é ü 😀 漢\""),
            // Format, separator, private and unassigned characters are escaped; marks are not.
            ("\u{200b}\u{200d}\u{feff}\u{202e}", r#""\u200b\u200d\ufeff\u202e""#),
            ("\u{2028}\u{2029}\u{3000}\u{2003}", r#""\u2028\u2029\u3000\u2003""#),
            ("\u{e0001}\u{e000}\u{f0000}", r#""\U000e0001\ue000\U000f0000""#),
            ("\u{378}\u{1ffff}", r#""\u0378\U0001ffff""#),
            ("e\u{301}\u{301}", "\"e\u{301}\u{301}\""),
            ("\u{301}", "\"\u{301}\""),
            ("\u{fffd}", "\"\u{fffd}\""),
        ] {
            assert_eq!(go_quote(text), quoted);
        }
        assert_eq!(go_quote_bytes(b"a\xff\xc3\xa9\xe2\x80"), r#""a\xffé\xe2\x80""#);
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        // Printed by Go's strconv.
        for (text, value) in
            [("7", 7), ("+7", 7), ("-7", -7), ("007", 7), ("9223372036854775807", i64::MAX)]
        {
            assert_eq!(atoi(text), Ok(value), "{text}");
        }
        assert_eq!(atoi("-9223372036854775808"), Ok(i64::MIN));
        let (syntax, range) = ("invalid syntax", "value out of range");
        for (text, why) in [
            ("", syntax),
            ("+", syntax),
            ("x", syntax),
            ("1_000", syntax),
            ("0x1", syntax),
            (" 1", syntax),
            ("٣", syntax),
            ("9223372036854775808", range),
            ("-9223372036854775809", range),
            ("99999999999999999999x", range),
        ] {
            let error = format!("strconv.Atoi: parsing {}: {why}", go_quote(text));
            assert_eq!(atoi(text), Err(error));
        }
        for (text, value) in [
            ("0x1f", 31),
            ("-0X1F", -31),
            ("0b101", 5),
            ("0o17", 15),
            ("017", 15),
            ("0", 0),
            ("1_000", 1000),
            ("0x_1", 1),
            ("0_7", 7),
        ] {
            assert_eq!(parse_int(text), Ok(value), "{text}");
        }
        for text in ["", "0x", "08", "_1", "1_", "1__0", "0x1_", "x", "1.0", "0b2"] {
            let error = format!("strconv.ParseInt: parsing {}: {syntax}", go_quote(text));
            assert_eq!(parse_int(text), Err(error));
        }
        assert_eq!(
            parse_bool("maybe"),
            Err("strconv.ParseBool: parsing \"maybe\": invalid syntax".to_owned())
        );
    }

    #[test]
    fn lower_case_keeps_the_number_of_characters() {
        assert_eq!(to_lower("TCP\u{130}É"), "tcpié");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}|[-+_0-9xob]{0,12}") {
            let quoted = go_quote(&text);
            prop_assert!(quoted.starts_with('"') && quoted.ends_with('"'));
            let _ = (atoi(&text), parse_int(&text), to_lower(&text));
        }
    }
}
