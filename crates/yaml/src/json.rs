//! The writer of documents that Juju and Pebble read as the same value.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// The longest key that is written, in characters without its quotes. A YAML scanner takes a text
/// for a key only if the `:` follows within 1,024 characters, quotes included (libyaml); the rest
/// is a margin.
const MAX_KEY_LENGTH: usize = 1_000;

/// Writes a value as JSON that a YAML parser reads as the same value.
///
/// YAML allows fewer raw characters than JSON (YAML 1.2, section 5.1): a YAML parser refuses or
/// drops DEL, the C1 controls, the byte order mark and the noncharacters, so they are escaped. A
/// character beyond the basic plane is not escaped, because JSON would need a surrogate pair for
/// it, which YAML does not have.
///
/// # Errors
///
/// - The value's `Serialize` fails, or JSON cannot hold the value, such as a map whose keys are
///   lists.
/// - A key is longer than 1,000 characters in its written form.
pub fn to_yaml<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut yaml = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut yaml, YamlFormatter::default()))?;
    // This cannot fail: the serializer writes complete strings only, and a `&str` is UTF-8.
    String::from_utf8(yaml).map_err(|error| serde::ser::Error::custom(error.utf8_error()))
}

/// The formatter that escapes more characters than JSON requires, and measures keys.
#[derive(Default)]
struct YamlFormatter {
    /// The number of characters of the current key so far; `None` outside a key.
    key_length: Option<usize>,
}

impl YamlFormatter {
    /// Counts characters that are written, if they belong to a key.
    fn count(&mut self, characters: usize) {
        if let Some(length) = &mut self.key_length {
            *length += characters;
        }
    }
}

impl Formatter for YamlFormatter {
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.key_length = Some(0);
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        match self.key_length.take() {
            Some(length) if length > MAX_KEY_LENGTH => Err(io::Error::other(format!(
                "a key is written with {length} characters, and YAML reads at most {MAX_KEY_LENGTH}"
            ))),
            _ => Ok(()),
        }
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((plain, escaped)) =
            rest.find(needs_escape).and_then(|place| rest.split_at_checked(place))
        {
            let mut characters = escaped.chars();
            let Some(character) = characters.next() else { break };
            writer.write_all(plain.as_bytes())?;
            write!(writer, "\\u{:04x}", u32::from(character))?;
            // An escape `\uXXXX` has 6 characters.
            self.count(plain.chars().count() + 6);
            rest = characters.as_str();
        }
        self.count(rest.chars().count());
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        // An escape of JSON has at most 6 characters; most have 2.
        self.count(6);
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

/// Returns `true` if JSON allows a raw character in a string and YAML does not. All such characters
/// are in the basic plane, so one `\uXXXX` can stand for each.
fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{juju, pebble};

    #[test]
    fn a_key_that_is_too_long_for_yaml_is_refused() {
        for (key, is_accepted) in
            [("k".repeat(900), true), ("k".repeat(1_100), false), ("\u{1}".repeat(200), false)]
        {
            let map = BTreeMap::from([(key, "v".repeat(2_000))]);
            let written = to_yaml(&map);
            assert_eq!(written.is_ok(), is_accepted, "{written:?}");
            if let Ok(written) = written {
                assert_eq!(juju::strings(written.as_bytes()), Ok(map));
            }
        }
    }

    proptest! {
        #[test]
        fn both_readers_read_the_written_value(
            map: BTreeMap<String, String>,
            odd in "[\u{7f}-\u{a0}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}\u{10000}]{0,9}",
        ) {
            let map: BTreeMap<String, String> =
                map.into_iter().chain([("odd".to_owned(), odd)]).collect();
            let written = to_yaml(&map).unwrap();
            prop_assert_eq!(
                &serde_json::from_str::<BTreeMap<String, String>>(&written).unwrap(),
                &map
            );
            prop_assert_eq!(juju::strings(written.as_bytes()), Ok(map.clone()));
            prop_assert_eq!(pebble::read::<BTreeMap<String, String>>(&written), Ok(map));
        }
    }
}
