//! A node of YAML as what Serde reads from.

use serde::Deserializer;
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};

use super::error::DecodeError;
use super::merged;
use crate::bounds::{Budget, MAX_DEPTH};
use crate::dialect::Dialect;
use crate::document::{Document, Node, NodeId, NodeKind};
use crate::number::go_float;
use crate::resolve::resolve;
use crate::scalar::Scalar;

/// One node of a document.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    document: &'a Document,
    budget: &'a Budget,
    id: NodeId,
    /// The collections around it, those that aliases lead to counted anew.
    depth: usize,
}

impl<'a> NodeDeserializer<'a> {
    pub(super) fn root(document: &'a Document, budget: &'a Budget) -> Self {
        Self { document, budget, id: document.root, depth: 0 }
    }

    fn child(self, id: NodeId) -> Self {
        Self { id, depth: self.depth + 1, ..self }
    }

    fn node(self) -> &'a Node {
        match &self.document.node(self.id).kind {
            NodeKind::Alias(_, target) => self.document.node(*target),
            _ => self.document.node(self.id),
        }
    }

    fn error(self, reason: impl Into<String>) -> DecodeError {
        DecodeError::new(self.node().line, reason)
    }

    /// Reads the node, an alias as its target.
    fn content(self) -> Result<Content<'a>, DecodeError> {
        self.budget.spend().map_err(|error| self.error(error.reason()))?;
        let node = self.node();
        if !matches!(node.kind, NodeKind::Scalar { .. }) && self.depth >= MAX_DEPTH {
            return Err(self.error(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        match &node.kind {
            NodeKind::Scalar { value, style } => {
                match resolve(&node.tag, value, *style, Dialect::Pebble) {
                    Ok(scalar) => Ok(Content::Scalar(scalar, value)),
                    Err(_) => Err(self.error("the value does not fit its tag")),
                }
            }
            NodeKind::Sequence(items) => Ok(Content::List(items)),
            // An alias stands for a node that is none.
            NodeKind::Mapping(_) | NodeKind::Alias(..) => Ok(Content::Map),
        }
    }

    fn is_null(self) -> bool {
        let node = self.node();
        matches!(&node.kind, NodeKind::Scalar { value, style }
            if resolve(&node.tag, value, *style, Dialect::Pebble) == Ok(Scalar::Null))
    }

    fn read_list<'de, V: Visitor<'de>>(
        self,
        items: &'a [NodeId],
        skips_null: bool,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(ListItems { parent: self, items: items.iter(), skips_null })
    }

    fn read_map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let entries = merged::entries(self.document, self.node(), self.budget)?;
        visitor.visit_map(MapEntries { parent: self, entries: entries.into_iter(), value: None })
    }

    /// Reads a whole number: a float is cut off, and a text is none.
    fn read_integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(Scalar::Int(number), _) => visitor.visit_i64(number),
            Content::Scalar(Scalar::Uint(number), _) => visitor.visit_u64(number),
            Content::Scalar(Scalar::Null, _) => visitor.visit_i64(0),
            #[expect(clippy::cast_possible_truncation, reason = "as Go does")]
            Content::Scalar(Scalar::Float(number), _) if number <= I64_MAX => {
                visitor.visit_i64(number as i64)
            }
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
    }
}

/// The largest `i64` as Go compares a float with it.
#[expect(clippy::cast_precision_loss, reason = "it is the float next to it, also in Go")]
const I64_MAX: f64 = i64::MAX as f64;

enum Content<'a> {
    /// A value and how it is spelled.
    Scalar(Scalar, &'a str),
    List(&'a [NodeId]),
    Map,
}

impl<'a> Content<'a> {
    fn unexpected(&self) -> Unexpected<'a> {
        match self {
            Self::Scalar(Scalar::Null, _) => Unexpected::Unit,
            Self::Scalar(Scalar::Bool(flag), _) => Unexpected::Bool(*flag),
            Self::Scalar(Scalar::Int(number), _) => Unexpected::Signed(*number),
            Self::Scalar(Scalar::Uint(number), _) => Unexpected::Unsigned(*number),
            Self::Scalar(Scalar::Float(number), _) => Unexpected::Float(*number),
            Self::Scalar(_, spelled) => Unexpected::Str(spelled),
            Self::List(_) => Unexpected::Seq,
            Self::Map => Unexpected::Map,
        }
    }
}

/// Reads each of these types by one method.
macro_rules! forward_to {
    ($reader:ident: $($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.$reader(visitor).map_err(|error| error.with_line(self.node().line))
        })+
    };
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = DecodeError;

    forward_to!(read_any: deserialize_any deserialize_ignored_any);
    forward_to!(read_text: deserialize_str deserialize_string deserialize_char
        deserialize_identifier deserialize_bytes deserialize_byte_buf);
    forward_to!(read_integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    forward_to!(read_float: deserialize_f32 deserialize_f64);
    forward_to!(read_bool: deserialize_bool);
    forward_to!(read_option: deserialize_option);
    forward_to!(read_unit: deserialize_unit);
    forward_to!(read_typed_list: deserialize_seq);
    forward_to!(read_typed_map: deserialize_map);

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(_, spelled) => visitor.visit_enum(spelled.into_deserializer()),
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
        .map_err(|error: DecodeError| error.with_line(self.node().line))
    }
}

impl NodeDeserializer<'_> {
    /// Reads what no type says anything about.
    fn read_any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(scalar, spelled) => match scalar {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(flag) => visitor.visit_bool(flag),
                Scalar::Int(number) => visitor.visit_i64(number),
                Scalar::Uint(number) => visitor.visit_u64(number),
                Scalar::Float(number) if number.is_finite() => visitor.visit_f64(number),
                Scalar::Binary(bytes) => visitor.visit_str(&String::from_utf8_lossy(&bytes)),
                // JSON has neither moments nor infinities.
                Scalar::Float(_) | Scalar::Timestamp | Scalar::Text | Scalar::Merge => {
                    visitor.visit_str(spelled)
                }
            },
            Content::List(items) => self.read_list(items, false, visitor),
            Content::Map => self.read_map(visitor),
        }
    }

    fn read_text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(Scalar::Null, _) => visitor.visit_str(""),
            Content::Scalar(Scalar::Binary(bytes), _) => {
                visitor.visit_str(&String::from_utf8_lossy(&bytes))
            }
            Content::Scalar(_, spelled) => visitor.visit_str(spelled),
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
    }

    /// Reads a float as Pebble's own type for it does, with Go's `ParseFloat` of the text as it is
    /// spelled, whatever its tag: `"2"` is one and `.inf` is none.
    fn read_float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node().kind {
            NodeKind::Scalar { .. } if self.is_null() => visitor.visit_f64(0.0),
            NodeKind::Scalar { value, .. } => match go_float(value) {
                Some(number) => visitor.visit_f64(number),
                None => Err(DecodeError::invalid_type(Unexpected::Other("no number"), &visitor)),
            },
            _ => Err(DecodeError::invalid_type(self.content()?.unexpected(), &visitor)),
        }
    }

    fn read_bool<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(Scalar::Null, _) => visitor.visit_bool(false),
            Content::Scalar(Scalar::Bool(flag), _) => visitor.visit_bool(flag),
            // Where a boolean is wanted, yaml.v3 knows the words of YAML 1.1 too.
            Content::Scalar(
                Scalar::Text,
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON",
            ) => visitor.visit_bool(true),
            Content::Scalar(
                Scalar::Text,
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF",
            ) => visitor.visit_bool(false),
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
    }

    fn read_option<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn read_unit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(Scalar::Null, _) => visitor.visit_unit(),
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
    }

    fn read_typed_list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::List(items) => self.read_list(items, true, visitor),
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
    }

    fn read_typed_map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Map => self.read_map(visitor),
            content => Err(DecodeError::invalid_type(content.unexpected(), &visitor)),
        }
    }
}

struct ListItems<'a> {
    parent: NodeDeserializer<'a>,
    items: std::slice::Iter<'a, NodeId>,
    /// True for a list with a type, in which null has no place.
    skips_null: bool,
}

impl<'de> SeqAccess<'de> for ListItems<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        for item in self.items.by_ref() {
            let item = self.parent.child(*item);
            if !(self.skips_null && item.is_null()) {
                return seed.deserialize(item).map(Some);
            }
        }
        Ok(None)
    }
}

struct MapEntries<'a> {
    parent: NodeDeserializer<'a>,
    entries: std::vec::IntoIter<(String, NodeId)>,
    value: Option<(String, NodeId)>,
}

impl<'de> MapAccess<'de> for MapEntries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some((key.clone(), value));
        let key: StringDeserializer<DecodeError> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((key, value)) = self.value.take() else {
            return Err(self.parent.error("a value was asked for before its key"));
        };
        let value = self.parent.child(value);
        seed.deserialize(value).map_err(|error| error.with_line(value.node().line).with_key(&key))
    }
}
