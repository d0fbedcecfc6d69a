//! YAML as Go's yaml.v2 writes it (but for the folding of long lines, which reads back as the same text).

use std::cmp::Ordering;

use super::data::{Data as Value, Fields};
use super::output::yaml_number;

/// One document; ends with a line end.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Array(items) if !items.is_empty() => write_list(items, 0, &mut text),
        Value::Object(map) if !map.is_empty() => write_map(map, 0, &mut text),
        scalar => {
            write_scalar(scalar, 2, &mut text);
            text.push('\n');
        }
    }
    text
}

fn write_list(items: &[Value], indent: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            push_indent(indent, text);
        }
        text.push_str("- ");
        match item {
            Value::Array(inner) if !inner.is_empty() => write_list(inner, indent + 2, text),
            Value::Object(inner) if !inner.is_empty() => write_map(inner, indent + 2, text),
            scalar => {
                write_scalar(scalar, indent + 2, text);
                text.push('\n');
            }
        }
    }
}

fn write_map(map: &Fields, indent: usize, text: &mut String) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    if map.is_sorted() {
        entries.sort_by(|(a, _), (b, _)| natural(a, b));
    }
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            push_indent(indent, text);
        }
        // A key longer than 128 bytes, or of several lines, needs the explicit form.
        let mut written = String::new();
        write_string(key, indent + 2, &mut written);
        if written.contains('\n') || written.len() > 128 {
            text.push_str("? ");
            text.push_str(&written);
            text.push('\n');
            push_indent(indent, text);
        } else {
            text.push_str(&written);
        }
        text.push(':');
        match value {
            // yaml.v2 does not indent a list under its key.
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                push_indent(indent, text);
                write_list(items, indent, text);
            }
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                push_indent(indent + 2, text);
                write_map(inner, indent + 2, text);
            }
            scalar => {
                text.push(' ');
                write_scalar(scalar, indent + 2, text);
                text.push('\n');
            }
        }
    }
}

fn push_indent(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn write_scalar(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&yaml_number(number.as_f64().unwrap_or_default())),
        Value::String(string) => write_string(string, indent, text),
        Value::Array(_) => text.push_str("[]"),
        Value::Object(_) => text.push_str("{}"),
    }
}

/// A string in the first style that holds it: literal for several lines, plain, single quotes, double quotes.
fn write_string(string: &str, indent: usize, text: &mut String) {
    let printable = string.chars().all(is_printable);
    if !printable || string.is_empty() || reads_as_other(string) {
        write_double_quoted(string, text);
    } else if string.contains('\n') {
        // Blank space at an end cannot be told from the literal's own shape.
        if string.ends_with(' ') || string.contains(" \n") || string.trim_matches('\n').is_empty() {
            write_double_quoted(string, text);
        } else {
            write_literal(string, indent, text);
        }
    } else if is_plain(string) {
        text.push_str(string);
    } else {
        text.push('\'');
        text.push_str(&string.replace('\'', "''"));
        text.push('\'');
    }
}

fn write_literal(string: &str, indent: usize, text: &mut String) {
    text.push('|');
    if string.starts_with([' ', '\n']) {
        text.push('2');
    }
    let body = string.strip_suffix('\n');
    match body {
        None => text.push('-'),
        Some(body) if body.ends_with('\n') => text.push('+'),
        Some(_) => {}
    }
    for line in body.unwrap_or(string).split('\n') {
        text.push('\n');
        if !line.is_empty() {
            push_indent(indent, text);
            text.push_str(line);
        }
    }
}

fn write_double_quoted(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0' => text.push_str("\\0"),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\u{1b}' => text.push_str("\\e"),
            '\u{85}' => text.push_str("\\N"),
            '\u{2028}' => text.push_str("\\L"),
            '\u{2029}' => text.push_str("\\P"),
            other if is_printable(other) => text.push(other),
            other => {
                let code = u32::from(other);
                text.push_str(&match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                });
            }
        }
    }
    text.push('"');
}

/// What yaml.v2 writes unescaped; it escapes everything beyond the basic plane.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Whether the text stands for itself without quotes.
fn is_plain(string: &str) -> bool {
    let mut characters = string.chars();
    let Some(first) = characters.next() else { return false };
    let second = characters.next();
    let blank_follows = second.is_none_or(|c| c == ' ');
    let bad_start = match first {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' | ' ' => true,
        '-' | '?' | ':' => blank_follows,
        _ => false,
    };
    !(bad_start
        || string.ends_with([' ', ':'])
        || string.contains(": ")
        || string.contains(" #")
        || string.starts_with("---")
        || string.starts_with("..."))
}

/// Whether an unquoted text would be read as a boolean, null, number or time by YAML 1.1 or 1.2.
fn reads_as_other(string: &str) -> bool {
    const WORDS: [&str; 31] = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "true",
        "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "~", ".nan", ".NaN", ".NAN", "=", "<<",
    ];
    if WORDS.contains(&string) {
        return true;
    }
    let unsigned = string.strip_prefix(['+', '-']).unwrap_or(string);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some(first) = unsigned.chars().next() else {
        return false;
    };
    if !first.is_ascii_digit() && first != '.' {
        return false;
    }
    let bare: String = unsigned.chars().filter(|c| *c != '_').collect();
    let digits = |text: &str, radix: u32| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    let lower = bare.to_ascii_lowercase();
    lower.strip_prefix("0x").is_some_and(|rest| digits(rest, 16))
        || lower.strip_prefix("0o").is_some_and(|rest| digits(rest, 8))
        || lower.strip_prefix("0b").is_some_and(|rest| digits(rest, 2))
        || is_float(&lower)
        || is_sexagesimal(&bare)
        || is_date(&bare)
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let exponent_reads = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    exponent_reads && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// YAML 1.1 reads 12:30 as 750.
fn is_sexagesimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    digits(first)
        && !rest.is_empty()
        && rest.iter().all(|part| digits(part) && part.len() <= 2)
        && fraction.chars().all(|c| c.is_ascii_digit())
}

/// `2006-1-2`, with or without a time after it.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    year.len() == 4
        && digits(year)
        && month.len() <= 2
        && digits(month)
        && day.starts_with(|c: char| c.is_ascii_digit())
}

/// yaml.v2's order of keys: numbers inside names by their value, what is no letter before letters. Theirs goes round in circles on some names
/// (`1`, `05`, `0a`); this is the nearest total order.
fn natural(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(pieces(b)).then_with(|| a.cmp(b))
}

/// A name cut into single characters and runs of digits, each as something that sorts.
fn pieces(name: &str) -> impl Iterator<Item = (u8, char, usize, &str)> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first.is_ascii_digit() {
            rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        if first.is_ascii_digit() {
            let number = piece.trim_start_matches('0');
            return Some((1, '0', number.len(), number));
        }
        let rank = if first.is_alphabetic() {
            3
        } else if first < '0' {
            0
        } else {
            2
        };
        Some((rank, first, 0, ""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_take_the_style_that_go_gives_them() {
        // Tried against yaml.v2 2.4.0.
        for (string, written) in [
            ("", "\"\""),
            ("a b", "a b"),
            ("12345", "\"12345\""),
            ("true", "\"true\""),
            ("yes", "\"yes\""),
            ("n", "\"n\""),
            ("tRue", "tRue"),
            ("~", "\"~\""),
            ("1e+06", "\"1e+06\""),
            ("0x1f", "\"0x1f\""),
            ("0x", "0x"),
            ("010", "\"010\""),
            ("1_000", "\"1_000\""),
            (".5", "\".5\""),
            ("5.", "\"5.\""),
            ("-.inf", "\"-.inf\""),
            ("nan", "nan"),
            (".nan", "\".nan\""),
            ("1e", "1e"),
            ("1,000", "1,000"),
            ("2020-01-01", "\"2020-01-01\""),
            ("2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00Z\""),
            ("12:30", "\"12:30\""),
            ("a: b", "'a: b'"),
            ("a:", "'a:'"),
            ("a:b", "a:b"),
            ("a #b", "'a #b'"),
            ("#a", "'#a'"),
            ("- a", "'- a'"),
            ("-a", "-a"),
            ("?a", "?a"),
            ("*a", "'*a'"),
            ("'a", "'''a'"),
            ("a'b", "a'b"),
            ("it's: x", "'it''s: x'"),
            ("a,b", "a,b"),
            ("a ", "'a '"),
            (" a", "' a'"),
            ("a\tb", "\"a\\tb\""),
            ("a\r\nb", "\"a\\r\\nb\""),
            ("é", "é"),
            ("😀", "\"\\U0001F600\""),
            ("\u{7f}", "\"\\x7F\""),
            ("\u{85}", "\"\\N\""),
            ("\u{feff}", "\"\\uFEFF\""),
            ("\u{1b}[0m", "\"\\e[0m\""),
            ("\0", "\"\\0\""),
            ("---", "'---'"),
            ("--- a", "'--- a'"),
            ("secret:abc", "secret:abc"),
            ("http://x:80/y", "http://x:80/y"),
            ("a\\b", "a\\b"),
            ("a\nb", "|-\n  a\n  b"),
            ("a\n", "|\n  a"),
            ("\na", "|2-\n\n  a"),
            (" a\nb", "|2-\n   a\n  b"),
            ("a\n b", "|-\n  a\n   b"),
        ] {
            assert_eq!(document(&json!(string).into()), format!("{written}\n"), "{string:?}");
        }
    }

    #[test]
    fn maps_and_lists_take_the_shape_that_go_gives_them() {
        let value = json!({
            "b": 1, "a10": "x", "a2": ["p", 1, null, {"k": "v", "j": []}], "e": {}, "l": [], "A": null, "": "empty", "x y": true,
            "1": "one", "n": "multi\nline", "nested": {"m": "a\nb\n", "z": [["q", "r"], []]}, "true": "t", "multi\nkey": "v",
        });
        let written = "\"\": empty\n\"1\": one\nA: null\na2:\n- p\n- 1\n- null\n- j: []\n  k: v\na10: x\nb: 1\ne: {}\nl: []\n\
            ? |-\n  multi\n  key\n: v\n\"n\": |-\n  multi\n  line\nnested:\n  m: |\n    a\n    b\n  z:\n  - - q\n    - r\n  - []\n\
            \"true\": t\nx y: true\n";
        assert_eq!(document(&value.clone().into()), written);
        let value = json!(["a", ["b"], {"k": "v", "l": "w"}, "m\nn", null, {}]);
        assert_eq!(
            document(&value.clone().into()),
            "- a\n- - b\n- k: v\n  l: w\n- |-\n  m\n  n\n- null\n- {}\n"
        );
    }

    #[test]
    fn keys_sort_without_circles() {
        let mut keys = ["1", "05", "0a", "a", "A1", "a10", "a2", "-", "", "é"];
        keys.sort_by(|a, b| natural(a, b));
        for (index, key) in keys.iter().enumerate() {
            for other in &keys[index..] {
                assert_ne!(natural(key, other), Ordering::Greater, "{key} {other}");
            }
        }
    }
}
