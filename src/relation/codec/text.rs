//! The plain text of a value, for the codec `Plain` and for the keys of maps.

use std::fmt;

use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, IntoDeserializer as _, Unexpected, Visitor,
};
use serde::ser::{self, Impossible, Serializer};

use super::fields_de::{Field, one_of};

/// Writes a value as plain text; `None` for a `None`. The error is the reason.
pub(super) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, String> {
    value.serialize(TextSerializer).map_err(|Reason(reason)| reason)
}

/// The reason why a text cannot be read or written.
#[derive(Debug)]
pub(super) struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

impl ser::Error for Reason {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

// The default texts of serde quote the value, so the methods that get it are overridden.
impl de::Error for Reason {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(one_of(expected))
    }
}

/// The text of a field.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Field for Text<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, String> {
        seed.deserialize(self).map_err(|Reason(reason)| reason)
    }
}

impl Text<'_> {
    /// Returns the error that the text is not what the visitor expects.
    fn unexpected<'de, V: Visitor<'de>, T>(visitor: &V) -> Result<T, Reason> {
        Err(de::Error::invalid_type(Unexpected::Other("text"), visitor))
    }
}

/// Reads a number from the text.
macro_rules! deserialize_number {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
            match self.0.trim().parse::<$number>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Self::unexpected(&visitor),
            }
        }
    )*};
}

/// Refuses a type that has no text.
macro_rules! refuse {
    ($($method:ident ($($arg:ty),*)),*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $arg,)* visitor: V) -> Result<V::Value, Reason> {
            Self::unexpected(&visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Reason;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self.0.trim() {
            // Charms in Python write the text of a boolean so.
            "true" | "True" => visitor.visit_bool(true),
            "false" | "False" => visitor.visit_bool(false),
            _ => Self::unexpected(&visitor),
        }
    }

    deserialize_number!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128, deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64
    );

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Reason> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reason> {
        let text: StrDeserializer<'_, Reason> = self.0.into_deserializer();
        visitor.visit_enum(text)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        visitor.visit_unit()
    }

    refuse!(
        deserialize_unit(),
        deserialize_unit_struct(&'static str),
        deserialize_seq(),
        deserialize_tuple(usize),
        deserialize_tuple_struct(&'static str, usize),
        deserialize_map(),
        deserialize_struct(&'static str, &'static [&'static str]),
        deserialize_bytes(),
        deserialize_byte_buf()
    );

    serde::forward_to_deserialize_any! { char str string identifier }
}

struct TextSerializer;

fn no_text<T>(what: &str) -> Result<T, Reason> {
    Err(Reason(format!("{what} is not one text; the codec JsonPerKey writes it as JSON")))
}

/// Writes the `Display` of a value.
macro_rules! serialize_display {
    ($($method:ident $value:ty),*) => {$(
        fn $method(self, value: $value) -> Result<Option<String>, Reason> {
            Ok(Some(value.to_string()))
        }
    )*};
}

impl Serializer for TextSerializer {
    type Ok = Option<String>;
    type Error = Reason;
    type SerializeSeq = Impossible<Option<String>, Reason>;
    type SerializeTuple = Impossible<Option<String>, Reason>;
    type SerializeTupleStruct = Impossible<Option<String>, Reason>;
    type SerializeTupleVariant = Impossible<Option<String>, Reason>;
    type SerializeMap = Impossible<Option<String>, Reason>;
    type SerializeStruct = Impossible<Option<String>, Reason>;
    type SerializeStructVariant = Impossible<Option<String>, Reason>;

    serialize_display!(
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32,
        serialize_i64 i64, serialize_i128 i128, serialize_u8 u8, serialize_u16 u16,
        serialize_u32 u32, serialize_u64 u64, serialize_u128 u128, serialize_f32 f32,
        serialize_f64 f64, serialize_char char, serialize_str &str
    );

    fn serialize_none(self) -> Result<Option<String>, Reason> {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Option<String>, Reason> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Option<String>, Reason> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Option<String>, Reason> {
        Ok(Some(variant.to_owned()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Option<String>, Reason> {
        no_text("a value of bytes")
    }

    fn serialize_unit(self) -> Result<Option<String>, Reason> {
        no_text("a unit value")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Option<String>, Reason> {
        no_text("a unit struct")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Option<String>, Reason> {
        no_text("a variant with data")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Reason> {
        no_text("a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Reason> {
        no_text("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Reason> {
        no_text("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Reason> {
        no_text("a variant with data")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Reason> {
        no_text("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Reason> {
        no_text("a struct")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Reason> {
        no_text("a variant with data")
    }
}
