//! The codecs that write a whole value as one document under one key.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Codec;
use super::error::{DecodeError, EncodeError};
use super::field_names::{field_names, is_enum};
use super::fields_de::{Field, FieldsError, read_fields};
use super::json_per_key::{JsonText, not_json};
use super::redact::decode_error;
use super::same_json::is_same_json;

/// A key name is a type that stands for the key of a databag, for the codecs [`JsonUnder`] and
/// [`YamlUnder`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a key of a databag",
    note = "`impl charmwright::KeyName for {Self} {{ const KEY: &'static str = \"data\"; }}`"
)]
pub trait KeyName {
    /// The key.
    const KEY: &'static str;
}

/// This codec keeps a whole value as JSON under the one key `K`.
///
/// ```
/// use charmwright::{Bag, Codec as _, JsonUnder, KeyName};
///
/// enum Jobs {}
/// impl KeyName for Jobs {
///     const KEY: &'static str = "scrape_jobs";
/// }
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct ScrapeJobs(Vec<String>);
/// impl Bag for ScrapeJobs {
///     type Codec = JsonUnder<Jobs>;
/// }
///
/// let bag = JsonUnder::<Jobs>::encode(&ScrapeJobs(vec!["web".into()]))?;
/// assert_eq!(bag.get("scrape_jobs").map(String::as_str), Some(r#"["web"]"#));
/// # Ok::<(), charmwright::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonUnder<K>(PhantomData<K>);

/// This codec keeps a whole value as YAML under the one key `K`. It writes JSON, which every reader
/// of YAML reads as the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YamlUnder<K>(PhantomData<K>);

impl<K: KeyName> Codec for JsonUnder<K> {
    fn decode<T: DeserializeOwned>(bag: &BTreeMap<String, String>) -> Result<T, DecodeError> {
        decode_document(bag, K::KEY, |text| {
            serde_json::from_str(text).map_err(|error| not_json(&error))
        })
    }

    fn encode<T: Serialize>(value: &T) -> Result<BTreeMap<String, String>, EncodeError> {
        let document = serde_json::to_string(value);
        entry(K::KEY, document.map_err(|error| EncodeError::new(K::KEY, error))?)
    }

    fn own_keys<T: Serialize + DeserializeOwned>(_: &BTreeMap<String, String>) -> Vec<String> {
        vec![K::KEY.to_owned()]
    }

    fn is_same(one: &str, other: &str) -> bool {
        is_same_json(one, other)
    }
}

impl<K: KeyName> Codec for YamlUnder<K> {
    fn decode<T: DeserializeOwned>(bag: &BTreeMap<String, String>) -> Result<T, DecodeError> {
        decode_document(bag, K::KEY, |text| {
            charmwright_yaml::pebble::read(text).map_err(|reason| not_yaml(&reason))
        })
    }

    fn encode<T: Serialize>(value: &T) -> Result<BTreeMap<String, String>, EncodeError> {
        let document = charmwright_yaml::to_yaml(value);
        entry(K::KEY, document.map_err(|error| EncodeError::new(K::KEY, error))?)
    }

    fn own_keys<T: Serialize + DeserializeOwned>(_: &BTreeMap<String, String>) -> Vec<String> {
        vec![K::KEY.to_owned()]
    }

    fn is_same(one: &str, other: &str) -> bool {
        is_same_json(one, other)
    }
}

/// Returns the reason that a text is not YAML. The error quotes keys, tags and anchors of the text,
/// and a scalar that its tag does not fit, so only its position is used.
fn not_yaml(reason: &str) -> String {
    let line = reason.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    match line.and_then(|(line, _)| line.parse::<usize>().ok()) {
        Some(line) => format!("it is not YAML (wrong at line {line})"),
        None => "it is not YAML".to_owned(),
    }
}

fn entry(key: &str, document: String) -> Result<BTreeMap<String, String>, EncodeError> {
    Ok(BTreeMap::from([(key.to_owned(), document)]))
}

/// Reads the document under a key, which `parse` parses.
fn decode_document<T: DeserializeOwned>(
    bag: &BTreeMap<String, String>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<Value, String>,
) -> Result<T, DecodeError> {
    let Some(text) = bag.get(key) else { return Err(DecodeError::missing(key)) };
    let document = parse(text).map_err(|reason| DecodeError::wrong(key, reason))?;
    let result = match document {
        // The one key of an enum's map is the name of a variant and no field.
        Value::Object(map) if !is_enum::<T>() => {
            match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
                // The texts have the numbers as they are written.
                Ok(map) => {
                    read_fields(map.iter().map(|(name, text)| (&**name, JsonText(text.get()))))
                }
                // YAML that is no JSON.
                Err(_) => read_fields(map.iter().map(|(name, value)| (&**name, JsonValue(value)))),
            }
        }
        document => T::deserialize(document)
            .map_err(|error| FieldsError::Wrong { key: None, reason: error.to_string() }),
    };
    let (field, reason) = match result {
        Ok(value) => return Ok(value),
        Err(FieldsError::Missing(field)) => return Err(DecodeError::missing_within(field, key)),
        Err(FieldsError::Wrong { key: field, reason }) => (field, reason),
    };
    let error = FieldsError::Wrong { key: Some(key.to_owned()), reason };
    let error = decode_error(error, |_| {
        let mut parts = vec![Value::String(text.clone())];
        parts.extend(parse(text).ok());
        parts
    });
    // The field of a struct is named. The key of a map is not, because it is a part of the value.
    let is_name = |field: &str| field_names::<T>().is_some_and(|names| names.contains(&field));
    Err(match field {
        Some(field) if is_name(&field) => error.in_field(&field),
        _ => error,
    })
}

/// A field of the document.
struct JsonValue<'a>(&'a Value);

impl Field for JsonValue<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, String> {
        // The document is kept, so that an error can leave out what it says.
        seed.deserialize(self.0.clone()).map_err(|error| error.to_string())
    }
}
