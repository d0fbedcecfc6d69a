//! The reader that reads YAML as Pebble does, with yaml.v3, into a type that implements
//! `Deserialize`.
//!
//! Go decides by the type that it reads into, and so does this reader:
//!
//! - A string accepts every scalar and takes its text as it is written.
//! - An integer accepts a float and drops its fraction. It does not accept a string.
//! - Null is the zero value of its type: an empty string, 0, `false`.
//! - In a list, a null is dropped. In a map, an entry with a null key is dropped.
//! - A repeated key is an error.

mod de;
mod error;
mod merged;
#[cfg(test)]
mod tests;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;

use super::bounds::Budget;
use super::dialect::Dialect;
use super::document::{Document, NodeKind};
use super::parser;
use super::token::Style;
use de::NodeDeserializer;
use error::DecodeError;

/// Reads the first document. An empty text and a null give the default value.
///
/// # Errors
///
/// The text is not YAML, or a value does not fit its type. The error is one line that names the
/// line and the keys of the value. It does not quote the value, which may be a password.
pub fn read<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    read_document(text, |_| Ok(()))
}

/// Reads a layer.
///
/// Pebble writes each section of a layer as a document of its own and reads that document. An alias
/// therefore cannot refer to an anchor in another section, and an empty section, such as
/// `services:` with nothing after it, is an error.
///
/// # Errors
///
/// The call fails as [`read`] does, and for such an alias or section.
pub fn read_layer<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    read_document(text, check_sections)
}

fn read_document<T: DeserializeOwned + Default>(
    text: &str,
    check: impl FnOnce(&Document) -> Result<(), DecodeError>,
) -> Result<T, String> {
    let Some(document) =
        parser::parse(text.as_bytes(), Dialect::Pebble).map_err(|error| error.reason())?
    else {
        return Ok(T::default());
    };
    let budget = Budget::of(&document);
    // An `Option`, so that a document that is null gives the default of any type.
    check(&document)
        .and_then(|()| Option::<T>::deserialize(NodeDeserializer::root(&document, &budget)))
        .map(Option::unwrap_or_default)
        .map_err(|error| error.to_string())
}

/// The only section that may be empty, because Pebble does not write it as a document of its own.
const MAY_BE_EMPTY: &str = "pairing";

/// Checks the rules of a layer's sections.
fn check_sections(document: &Document) -> Result<(), DecodeError> {
    let NodeKind::Mapping(sections) = &document.node(document.root).kind else {
        return Ok(());
    };
    for (key, value) in sections {
        let node = document.node(*value);
        // A section with `~` or `null` is not empty in this sense.
        let is_empty = matches!(
            &node.kind,
            NodeKind::Scalar { value, style: Style::Plain } if value.is_empty()
        );
        let name = merged::key_text(document, *key)?;
        if let Some(name) = name.filter(|name| is_empty && name != MAY_BE_EMPTY) {
            let reason = "the section is empty, which Pebble refuses; leave it out or write {}";
            return Err(DecodeError::new(document.node(*key).line, reason).with_key(&name));
        }
    }
    // The ids of the nodes are in the order of the text, so the number of keys up to an id tells
    // its section.
    let section_of = |id| sections.partition_point(|(key, _)| *key <= id);
    for (id, node) in document.iter() {
        if let NodeKind::Alias(name, target) = &node.kind
            && section_of(id) != section_of(*target)
        {
            let reason = format!(
                "the anchor {name:?} is in another section; Pebble reads each section by itself"
            );
            return Err(DecodeError::new(node.line, reason));
        }
    }
    Ok(())
}
