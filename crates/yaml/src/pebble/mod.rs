//! YAML as Pebble has it: read with yaml.v3 into Go's types, of which Serde's calls say which is
//! meant.
//!
//! A string takes any scalar as it is spelled; a whole number takes a float too, cut off, but no
//! text; in a map null is the empty string, in a list it is dropped, and an entry whose key is null
//! is dropped too. A key that stands twice is refused.

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

/// Reads the first document; nothing and null are the default.
///
/// # Errors
///
/// One line that says where and what, and quotes no value: what is read may hold passwords.
pub fn read<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    read_document(text, |_| Ok(()))
}

/// Reads a layer. Pebble takes each of its sections apart from the others: an anchor in one is not
/// known in another, and a section of which nothing is written, as `services:`, is refused.
///
/// # Errors
///
/// As [`read`].
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
    check(&document)
        .and_then(|()| Option::<T>::deserialize(NodeDeserializer::root(&document, &budget)))
        .map(Option::unwrap_or_default)
        .map_err(|error| error.to_string())
}

/// The one section that may be empty: Pebble reads it without writing it anew.
const MAY_BE_EMPTY: &str = "pairing";

fn check_sections(document: &Document) -> Result<(), DecodeError> {
    let NodeKind::Mapping(sections) = &document.node(document.root).kind else {
        return Ok(());
    };
    for (key, value) in sections {
        let node = document.node(*value);
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
    // The nodes stand in the order of the text, each section's after its key.
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
