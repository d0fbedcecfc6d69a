//! YAML as Pebble reads it and as Juju reads and writes it.
//!
//! What we write for them is JSON, which every YAML parser reads. What we read is taken apart by one scanner and parser of libyaml's grammar, from
//! which both of Go's packages come; what a scalar stands for is then a question of the dialect.

mod bounds;
mod document;
mod error;
mod input;
pub(crate) mod juju;
mod number;
mod parser;
mod resolve;
mod scanner;
mod timestamp;
mod token;

pub(crate) use number::go_int;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the tag of every type of YAML's own begins with; `!!` is short for it.
const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Whose YAML it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Juju's fork of yaml.v2.
    Juju,
    /// yaml.v3, which Pebble reads its layers with.
    Pebble,
}

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
///
/// # Errors
///
/// One line that says where and what. The reader's own text also quotes the lines around, and what is read may hold passwords.
pub(crate) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let told = error
            .without_snippet()
            .render_with_formatter(&serde_saphyr::UserMessageFormatter);
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_error_says_where_on_one_line_and_quotes_nothing() {
        for text in [
            "{A: 1, A: hunter2}",
            "A: hunter2\nA: hunter2\n",
            "A: {B: hunter2}",
            "hunter2",
            "[hunter2",
            "A: \"hunter2",
            "A: 'hunter2'\n\tB: 1",
            "A: *hunter2",
            "A: !!binary hunter2",
            "A: hunter2\n---\nB: 1",
        ] {
            let error = from_yaml::<BTreeMap<String, String>>(text).unwrap_err();
            assert!(
                error.contains("line ") && error.contains("column "),
                "{text:?}: {error}"
            );
            assert!(!error.contains('\n') && !error.contains("hunter2"), "{text:?}: {error}");
        }
    }
}
