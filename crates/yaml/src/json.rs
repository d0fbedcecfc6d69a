//! Writing for both readers: JSON, of which each makes the value that was meant.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// A `:` that is farther from the start of its key is taken for none. The quotes count.
const MAX_KEY_LENGTH: usize = 1_000;

/// Writes a value as JSON that a YAML parser reads as the same value.
///
/// YAML allows fewer raw characters than JSON does (YAML 1.2, section 5.1): DEL, the C1 controls,
/// the byte order mark and the non-characters are refused or folded away, so they are escaped. What
/// lies beyond the basic plane is not: YAML has no surrogate pairs.
///
/// # Errors
///
/// A number that is not finite, where its type says so, and a key of over 1,000 characters as it is
/// written.
pub fn to_yaml<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut yaml = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut yaml, YamlFormatter::default()))?;
    // Serde writes whole strings only.
    String::from_utf8(yaml).map_err(|error| serde::ser::Error::custom(error.utf8_error()))
}

#[derive(Default)]
struct YamlFormatter {
    /// The characters of the key that is being written.
    key_length: Option<usize>,
}

impl YamlFormatter {
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
        self.count(6);
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

/// Only characters of the basic plane: each is one `\uXXXX`. All stand inside strings, since JSON's
/// own syntax is ASCII.
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
    fn a_key_that_yaml_would_not_take_for_one_is_refused() {
        for (key, is_taken) in
            [("k".repeat(900), true), ("k".repeat(1_100), false), ("\u{1}".repeat(200), false)]
        {
            let map = BTreeMap::from([(key, "v".repeat(2_000))]);
            let written = to_yaml(&map);
            assert_eq!(written.is_ok(), is_taken, "{written:?}");
            if let Ok(written) = written {
                assert_eq!(juju::strings(written.as_bytes()), Ok(map));
            }
        }
    }

    proptest! {
        #[test]
        fn both_readers_take_it_for_what_it_was(
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
