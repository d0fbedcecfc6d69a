//! The codec that writes each field as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny};
use serde_json::Value;

use super::Codec;
use super::error::{DecodeError, EncodeError};
use super::field_names::{field_names, keys_per_field};
use super::fields_de::{Field, read_fields};
use super::fields_ser::{Format, write_fields};
use super::redact::decode_error;
use super::same_json::is_same_json;

/// This codec keeps each field of a struct as JSON under a key of its own, as many Python charms do
/// (ingress v2, and the `load` and `save` of ops).
///
/// A `None`, and any other value that is null in JSON, is left out; `null` reads as `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonPerKey {}

impl Codec for JsonPerKey {
    fn decode<T: DeserializeOwned>(bag: &BTreeMap<String, String>) -> Result<T, DecodeError> {
        let error = match decode_entries(bag, bag.iter()) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        // A struct with a flattened field reads every key, so one of others may be in the way that
        // is not JSON. A key of its own that is not JSON is missing without it.
        let is_json = |text: &String| serde_json::from_str::<IgnoredAny>(text).is_ok();
        let is_foreign = |key: &str| bag.get(key).is_some_and(|text| !is_json(text));
        if field_names::<T>().is_some() || !error.key().is_some_and(is_foreign) {
            return Err(error);
        }
        match decode_entries(bag, bag.iter().filter(|(_, text)| is_json(text))) {
            Err(missing) if missing.key().is_some_and(is_foreign) => Err(error),
            without => without,
        }
    }

    fn encode<T: Serialize>(value: &T) -> Result<BTreeMap<String, String>, EncodeError> {
        write_fields::<Self, T>(value)
    }

    fn own_keys<T: Serialize + DeserializeOwned>(bag: &BTreeMap<String, String>) -> Vec<String> {
        keys_per_field::<Self, T>(bag)
    }

    fn is_same(one: &str, other: &str) -> bool {
        is_same_json(one, other)
    }
}

impl Format for JsonPerKey {
    fn write<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, String> {
        let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
        Ok((text != "null").then_some(text))
    }
}

/// Reads a type from some entries of a databag.
fn decode_entries<'a, T: DeserializeOwned>(
    bag: &BTreeMap<String, String>,
    entries: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<T, DecodeError> {
    read_fields(entries.map(|(key, text)| (key.as_str(), JsonText(text)))).map_err(|error| {
        decode_error(error, |wrong| {
            let texts = bag.iter().filter(|(key, _)| wrong.is_none_or(|wrong| wrong == *key));
            texts.flat_map(|(_, text)| parts_of(text)).collect()
        })
    })
}

/// The JSON text of a field.
pub(super) struct JsonText<'a>(pub(super) &'a str);

impl Field for JsonText<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, String> {
        let value: Value = serde_json::from_str(self.0).map_err(|error| not_json(&error))?;
        if !has_float(&value) {
            return seed.deserialize(value).map_err(|error| error.to_string());
        }
        // A `Value` rounds an integer of more than 64 bits, as those of `u128` may be.
        let mut text = serde_json::Deserializer::from_reader(self.0.as_bytes());
        seed.deserialize(&mut text).map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let reason = error.to_string();
            reason.strip_suffix(&place).unwrap_or(&reason).to_owned()
        })
    }
}

/// Returns `true` if a number in the value is not an integer of 64 bits. The recursion is bounded,
/// because serde_json refuses a text that is nested too deep.
fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_float),
        Value::Object(map) => map.values().any(has_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Returns the reason that a text is not JSON. The `Display` of the error may quote the text, so
/// only its position is used.
pub(super) fn not_json(error: &serde_json::Error) -> String {
    format!("it is not JSON (wrong at line {}, column {})", error.line(), error.column())
}

/// Returns the text, and the value in it if it is JSON.
fn parts_of(text: &str) -> Vec<Value> {
    let mut parts = vec![Value::String(text.to_owned())];
    parts.extend(serde_json::from_str::<Value>(text).ok());
    parts
}
