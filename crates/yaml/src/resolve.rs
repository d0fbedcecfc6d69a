//! The resolution of a scalar to its value: null, a boolean, a number, a timestamp or a string.

use super::dialect::{Dialect, TAG_PREFIX};
use super::document::{Node, NodeKind};
use super::error::Error;
use super::scalar::Scalar;
use super::token::Style;
use super::{number, timestamp};

/// Shortens a tag of YAML's own to `!!int`. Another tag stays as it is.
pub(super) fn short_tag(tag: &str) -> String {
    match tag.strip_prefix(TAG_PREFIX) {
        Some(name) => format!("!!{name}"),
        None => tag.to_owned(),
    }
}

/// Returns the value of a scalar with this tag, text and style.
///
/// An error means that the text does not fit the tag.
pub(super) fn resolve(
    tag: &str,
    text: &str,
    style: Style,
    dialect: Dialect,
) -> Result<Scalar, Error> {
    let short = short_tag(tag);
    let is_untagged = match dialect {
        Dialect::Juju => tag.is_empty(),
        Dialect::Pebble => matches!(tag, "" | "!"),
    };
    // A scalar in quotes or in a block is a string, unless it has a tag.
    if is_untagged && style != Style::Plain {
        return Ok(Scalar::Text);
    }
    let expected_tag = if is_untagged { "" } else { short.as_str() };
    let found = match expected_tag {
        "" | "!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp" => {
            resolve_implicit(text, expected_tag, dialect)
        }
        "!!binary" => {
            return match decode_base64(text) {
                Some(bytes) => Ok(Scalar::Binary(bytes)),
                None => Err(Error::text("!!binary value contains invalid base64 data")),
            };
        }
        "!!merge" => return Ok(Scalar::Merge),
        _ => return Ok(Scalar::Text),
    };
    match (expected_tag, found) {
        ("", found) => Ok(found),
        ("!!float", Scalar::Int(number)) => {
            #[expect(clippy::cast_precision_loss, reason = "Go converts it so too")]
            let number = number as f64;
            Ok(Scalar::Float(number))
        }
        (expected_tag, found) if expected_tag == found.tag() => Ok(found),
        (expected_tag, found) => {
            Err(Error::text(format!("cannot decode {} `{text}` as a {expected_tag}", found.tag())))
        }
    }
}

/// Returns `true` if a plain scalar without a tag is a string.
pub(super) fn is_text(text: &str, dialect: Dialect) -> bool {
    resolve_implicit(text, "", dialect) == Scalar::Text
}

/// Returns the value of a plain scalar, which its text alone decides. The tag only matters for
/// texts that could be a timestamp.
fn resolve_implicit(text: &str, tag: &str, dialect: Dialect) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::Juju => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::Juju => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    // As in Go's packages, the first character tells whether the text may be a number. A text that
    // starts with a dot can only be a float.
    match text.bytes().next() {
        Some(b'.') => number::go_float(text).map_or(Scalar::Text, Scalar::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            if matches!(tag, "" | "!!timestamp") && timestamp::is_timestamp(text) {
                return Scalar::Timestamp;
            }
            number::parse(&text.replace('_', ""), dialect).unwrap_or(Scalar::Text)
        }
        _ => Scalar::Text,
    }
}

/// Returns `true` if this key is the merge key `<<`.
pub(super) fn is_merge(node: &Node, dialect: Dialect) -> bool {
    let NodeKind::Scalar { value, style } = &node.kind else {
        return false;
    };
    // The two packages disagree on the tag `!`: yaml.v3 asks for the plain style with it, and
    // yaml.v2 takes it in any style.
    let is_implicit = match (dialect, node.tag.as_str()) {
        (_, "") | (Dialect::Pebble, "!") => *style == Style::Plain,
        (Dialect::Juju, tag) => tag == "!",
        (Dialect::Pebble, _) => false,
    };
    value == "<<" && (is_implicit || short_tag(&node.tag) == "!!merge")
}

/// Decodes base64 with padding (RFC 4648, section 4) as Go's `StdEncoding` does, which ignores line
/// breaks. It returns `None` if the text is not base64.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    let mut groups = digits.chunks(4).peekable();
    while let Some(group) = groups.next() {
        let is_last = groups.peek().is_none();
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && !is_last) {
            return None;
        }
        let mut bits = 0_u32;
        for byte in group.iter().take(4 - padding) {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = (bits << 6) | u32::from(digit);
        }
        bits <<= 6 * padding;
        let [_, first, second, third] = bits.to_be_bytes();
        bytes.extend([first, second, third].iter().take(3 - padding));
    }
    Some(bytes)
}
