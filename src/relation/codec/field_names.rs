//! The form of a type: the names of a struct's fields, which serde passes to a deserializer.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use super::Codec;

/// Returns the names of the fields of a struct, aliases included. `None` for a type whose keys are
/// not known before it is read: a map, an enum, or a struct with a flattened field.
pub(super) fn field_names<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    match form::<T>() {
        Form::Struct(names) => Some(names),
        Form::Enum | Form::Other => None,
    }
}

/// Returns `true` for an enum that serde writes as a text, or as a map of one variant's name and
/// data. One with `#[serde(tag)]` or `#[serde(untagged)]` is written otherwise.
pub(super) fn is_enum<T: DeserializeOwned>() -> bool {
    matches!(form::<T>(), Form::Enum)
}

fn form<T: DeserializeOwned>() -> Form {
    // The type asks the deserializer for its form and passes the names; then it is stopped.
    match T::deserialize(Asked) {
        Ok(_) => Form::Other,
        Err(form) => form,
    }
}

/// Returns the keys of a type that has a key for each field.
pub(super) fn keys_per_field<C: Codec, T: Serialize + DeserializeOwned>(
    bag: &BTreeMap<String, String>,
) -> Vec<String> {
    if let Some(names) = field_names::<T>() {
        return names.iter().map(|name| (*name).to_owned()).collect();
    }
    // The keys are not known before the value is: they are those that the present one is written
    // with, as in the default of the trait.
    let present = C::decode::<T>(bag).ok().and_then(|value| C::encode(&value).ok());
    present.map(|present| present.into_keys().collect()).unwrap_or_default()
}

/// A deserializer without any data, whose error is the form that it was asked for.
struct Asked;

#[derive(Debug)]
enum Form {
    Struct(&'static [&'static str]),
    Enum,
    Other,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the form of the type was asked for")
    }
}

impl std::error::Error for Form {}

impl de::Error for Form {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Form;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Form> {
        Err(Form::Other)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Form> {
        Err(Form::Struct(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Form> {
        Err(Form::Enum)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Form> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Form> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only the names of the fields are of interest")]
    struct Plain {
        one_word: String,
        #[serde(alias = "old")]
        other: Option<u8>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the names of the fields are of interest")]
    struct Wrapper(Plain);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the names of the fields are of interest")]
    struct Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }

    #[test]
    fn the_fields_of_a_struct_are_known() {
        let mut names = field_names::<Plain>().unwrap().to_vec();
        names.sort_unstable();
        assert_eq!(names, ["old", "one-word", "other"]);
        assert!(field_names::<Wrapper>().is_some() && field_names::<Option<Plain>>().is_some());
        assert_eq!(field_names::<Flat>(), None);
        assert_eq!(field_names::<BTreeMap<String, String>>(), None);
        assert_eq!(field_names::<u8>(), None);
    }
}
