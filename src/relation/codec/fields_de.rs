//! Reads the fields of a databag, or of a document in it, as a type.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer as _,
    MapAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

/// The stored form of one field's value.
pub(super) trait Field: Sized {
    /// Reads the value. The error is the reason, in which the value may be quoted.
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, String>;
}

/// The reason why the fields cannot be read as a type. It may quote a value, so whoever makes a
/// `DecodeError` of it removes the values first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FieldsError {
    /// A field that the type needs is not there.
    Missing(&'static str),
    /// A value is wrong; without a key, several of them are wrong together.
    Wrong { key: Option<String>, reason: String },
}

/// Reads fields, each with its key, as a type. Fields that a struct does not have are ignored.
pub(super) fn read_fields<'a, T: DeserializeOwned, F: Field>(
    fields: impl IntoIterator<Item = (&'a str, F)>,
) -> Result<T, FieldsError> {
    T::deserialize(Fields { entries: fields.into_iter().collect() })
}

struct Fields<'a, F> {
    entries: Vec<(&'a str, F)>,
}

impl<'de, F: Field> Deserializer<'de> for Fields<'_, F> {
    type Error = FieldsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_map(Entries { rest: self.entries.into_iter(), current: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        // A value that the type does not need is not read, because it may have any form.
        self.entries.retain(|(key, _)| names.contains(key));
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq
        tuple tuple_struct map enum identifier
    }
}

struct Entries<'a, F> {
    rest: std::vec::IntoIter<(&'a str, F)>,
    /// The field whose key was read last.
    current: Option<(&'a str, F)>,
}

impl<'de, F: Field> MapAccess<'de> for Entries<'_, F> {
    type Error = FieldsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, FieldsError> {
        self.current = self.rest.next();
        let Some((key, _)) = &self.current else { return Ok(None) };
        let key: StrDeserializer<'_, FieldsError> = (*key).into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, FieldsError> {
        let Some((key, field)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        field.read(seed).map_err(|reason| FieldsError::Wrong { key: Some(key.to_owned()), reason })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

impl fmt::Display for FieldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "{field:?} is not written"),
            Self::Wrong { reason, .. } => f.write_str(reason),
        }
    }
}

impl std::error::Error for FieldsError {}

// The default texts of serde quote the value, so the methods that get it are overridden.
impl de::Error for FieldsError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Wrong { key: None, reason: reason.to_string() }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(one_of(expected))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("a key is not known; {}", one_of(expected)))
    }
}

/// Returns the words of which one was expected.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "no value is allowed".to_owned(),
        words => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("expected {}", words.join(" or "))
        }
    }
}
