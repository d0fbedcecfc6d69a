//! Writes the fields of a type as the keys and texts of a databag.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::error::EncodeError;
use super::text::to_text;

/// The form of a field's value in a databag.
pub(super) trait Format {
    /// Writes a value as text. `None` leaves the key out. The error is the reason.
    fn write<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, String>;
}

/// Writes a struct or a map as the keys and texts of a databag.
pub(super) fn write_fields<F: Format, T: Serialize>(
    value: &T,
) -> Result<BTreeMap<String, String>, EncodeError> {
    value.serialize(FieldsSerializer::<F>(PhantomData)).map_err(|Fault(error)| error)
}

struct FieldsSerializer<F>(PhantomData<F>);

/// The error type that serde needs here. It is apart from [`EncodeError`], so that the public type
/// does not implement a trait of serde.
#[derive(Debug)]
struct Fault(EncodeError);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(EncodeError::unusable(reason))
    }
}

fn no_fields<T>() -> Result<T, Fault> {
    Err(ser::Error::custom("a databag needs a struct or a map, whose fields are its keys"))
}

/// The entries that were written so far.
struct Entries<F> {
    written: BTreeMap<String, String>,
    /// The key of a map's entry whose value comes next.
    key: Option<String>,
    format: PhantomData<F>,
}

impl<F: Format> Entries<F> {
    fn new() -> Self {
        Self { written: BTreeMap::new(), key: None, format: PhantomData }
    }

    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Fault> {
        let text = match F::write(value) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(()),
            Err(reason) => return Err(Fault(EncodeError::new(key, reason))),
        };
        if self.written.contains_key(&key) {
            return Err(Fault(EncodeError::new(key, "the type has two fields of this name")));
        }
        self.written.insert(key, text);
        Ok(())
    }
}

impl<F: Format> Serializer for FieldsSerializer<F> {
    type Ok = BTreeMap<String, String>;
    type Error = Fault;
    type SerializeSeq = Impossible<Self::Ok, Fault>;
    type SerializeTuple = Impossible<Self::Ok, Fault>;
    type SerializeTupleStruct = Impossible<Self::Ok, Fault>;
    type SerializeTupleVariant = Impossible<Self::Ok, Fault>;
    type SerializeMap = Entries<F>;
    type SerializeStruct = Entries<F>;
    type SerializeStructVariant = Impossible<Self::Ok, Fault>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<F>, Fault> {
        Ok(Entries::new())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<F>, Fault> {
        Ok(Entries::new())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<Self::Ok, Fault> {
        Ok(BTreeMap::new())
    }

    fn serialize_unit(self) -> Result<Self::Ok, Fault> {
        Ok(BTreeMap::new())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Self::Ok, Fault> {
        Ok(BTreeMap::new())
    }

    fn serialize_bool(self, _: bool) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_i8(self, _: i8) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_i16(self, _: i16) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_i32(self, _: i32) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_i64(self, _: i64) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_u8(self, _: u8) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_u16(self, _: u16) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_u32(self, _: u32) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_u64(self, _: u64) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_f32(self, _: f32) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_f64(self, _: f64) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_char(self, _: char) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_str(self, _: &str) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, Fault> {
        no_fields()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Fault> {
        no_fields()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Fault> {
        no_fields()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Fault> {
        no_fields()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        no_fields()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        no_fields()
    }
}

impl<F: Format> ser::SerializeStruct for Entries<F> {
    type Ok = BTreeMap<String, String>;
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.insert(key.to_owned(), value)
    }

    fn end(self) -> Result<Self::Ok, Fault> {
        Ok(self.written)
    }
}

impl<F: Format> ser::SerializeMap for Entries<F> {
    type Ok = BTreeMap<String, String>;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let key = to_text(key)
            .map_err(|reason| Fault(EncodeError::unusable(format_args!("a key: {reason}"))))?;
        self.key = Some(key.unwrap_or_default());
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        match self.key.take() {
            Some(key) => self.insert(key, value),
            None => Err(ser::Error::custom("a value was written before its key")),
        }
    }

    fn end(self) -> Result<Self::Ok, Fault> {
        Ok(self.written)
    }
}
