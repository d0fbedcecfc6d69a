//! The codec that writes each field as plain text.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Codec;
use super::error::{DecodeError, EncodeError};
use super::field_names::keys_per_field;
use super::fields_de::read_fields;
use super::fields_ser::{Format, write_fields};
use super::redact::decode_error;
use super::text::{Text, to_text};

/// This codec keeps each field of a struct as plain text under a key of its own, as the clients of
/// databases do.
///
/// Numbers, booleans (`true`, `false`, and Python's `True`, `False`), characters and the names of
/// an enum's variants read from their text. A `None` is left out. An empty text is left out too,
/// because Juju deletes a key with an empty value: give such a field `#[serde(default)]`. A list, a
/// map or a struct within a field has no text.
///
/// In a field with `#[serde(flatten)]`, and in an enum with `#[serde(tag)]` or
/// `#[serde(untagged)]`, serde reads the values before it knows their type, so only texts read
/// there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {}

impl Codec for Plain {
    fn decode<T: DeserializeOwned>(bag: &BTreeMap<String, String>) -> Result<T, DecodeError> {
        read_fields(bag.iter().map(|(key, text)| (key.as_str(), Text(text)))).map_err(|error| {
            decode_error(error, |wrong| {
                let texts = bag.iter().filter(|(key, _)| wrong.is_none_or(|wrong| wrong == *key));
                texts.map(|(_, text)| Value::String(text.clone())).collect()
            })
        })
    }

    fn encode<T: Serialize>(value: &T) -> Result<BTreeMap<String, String>, EncodeError> {
        write_fields::<Self, T>(value)
    }

    fn own_keys<T: Serialize + DeserializeOwned>(bag: &BTreeMap<String, String>) -> Vec<String> {
        keys_per_field::<Self, T>(bag)
    }
}

impl Format for Plain {
    fn write<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, String> {
        to_text(value)
    }
}
