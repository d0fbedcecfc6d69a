//! YAML as Juju and Pebble take it.
//!
//! What we write is JSON, which every YAML parser reads; what we read is YAML.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a value as JSON that a YAML parser reads as the same value.
///
/// YAML allows fewer raw characters than JSON does (YAML 1.2, section 5.1): DEL, the C1 controls, the byte order mark and the
/// non-characters are refused or folded away, so they are escaped.
pub(crate) fn to_yaml<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    if !json.chars().any(needs_escape) {
        return Ok(json);
    }
    let mut yaml = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if needs_escape(character) {
            yaml.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            yaml.push(character);
        }
    }
    Ok(yaml)
}

/// Only characters of the basic plane: each is one `\uXXXX`. All stand inside strings, since JSON's own syntax is ASCII.
fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// Reads one YAML document, with the reader's own bounds on depth, size and aliases; a duplicate key is an error.
pub(crate) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}
