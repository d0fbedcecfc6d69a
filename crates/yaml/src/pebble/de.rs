//! The deserializer that reads a node of YAML into a Rust type, as yaml.v3 reads it into a Go type.

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

/// A deserializer of one node.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    document: &'a Document,
    budget: &'a Budget,
    id: NodeId,
    /// The number of collections around the node. A collection counts again each time that an alias
    /// leads to it.
    depth: usize,
}

impl<'a> NodeDeserializer<'a> {
    /// Makes the deserializer of a document's root.
    pub(super) fn root(document: &'a Document, budget: &'a Budget) -> Self {
        Self { document, budget, id: document.root, depth: 0 }
    }

    /// Makes the deserializer of an item of this node.
    fn child(self, id: NodeId) -> Self {
        Self { id, depth: self.depth + 1, ..self }
    }

    /// Returns the node, or the target of an alias.
    fn node(self) -> &'a Node {
        match &self.document.node(self.id).kind {
            NodeKind::Alias(_, target) => self.document.node(*target),
            _ => self.document.node(self.id),
        }
    }

    /// Makes an error for this node.
    fn error(self, reason: impl Into<String>) -> DecodeError {
        DecodeError::new(self.node().line, reason)
    }

    /// Returns the content of the node, or of the target of an alias.
    fn content(self) -> Result<Content<'a>, DecodeError> {
        // An alias reads its target anew each time, which the budget and the depth bound.
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
            // `node` has followed the alias already, and no alias leads to another alias.
            NodeKind::Mapping(_) | NodeKind::Alias(..) => Ok(Content::Map),
        }
    }

    /// Returns `true` if the value of the node is null.
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

    /// Reads an integer. As in Go, a float loses its fraction, and a string is an error.
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

/// The largest `i64` as a float, with which Go compares a float before it converts it.
#[expect(clippy::cast_precision_loss, reason = "it is the float next to it, also in Go")]
const I64_MAX: f64 = i64::MAX as f64;

/// The content of a node.
enum Content<'a> {
    /// The value of a scalar, and its text as it is written.
    Scalar(Scalar, &'a str),
    /// The items of a sequence.
    List(&'a [NodeId]),
    /// A mapping, whose entries are read when they are needed.
    Map,
}

impl<'a> Content<'a> {
    /// Describes the content for an error.
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

/// Implements methods of [`Deserializer`] by a call of one reader, and adds the line to its error.
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
    /// Reads a value of any type.
    fn read_any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content()? {
            Content::Scalar(scalar, spelled) => match scalar {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(flag) => visitor.visit_bool(flag),
                Scalar::Int(number) => visitor.visit_i64(number),
                Scalar::Uint(number) => visitor.visit_u64(number),
                Scalar::Float(number) if number.is_finite() => visitor.visit_f64(number),
                Scalar::Binary(bytes) => visitor.visit_str(&String::from_utf8_lossy(&bytes)),
                // JSON has neither timestamps nor infinities, so these keep their text.
                Scalar::Float(_) | Scalar::Timestamp | Scalar::Text | Scalar::Merge => {
                    visitor.visit_str(spelled)
                }
            },
            Content::List(items) => self.read_list(items, false, visitor),
            Content::Map => self.read_map(visitor),
        }
    }

    /// Reads a string. It is the text of a scalar as it is written.
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

    /// Reads a float as Pebble's own type for it does: it calls Go's `ParseFloat` with the text of
    /// the scalar and ignores the tag. `"2"` is a float, and `.inf` is an error.
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
            // yaml.v3 accepts the words of YAML 1.1 where the Go type is a boolean.
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

/// The items of a sequence that are not read yet.
struct ListItems<'a> {
    parent: NodeDeserializer<'a>,
    items: std::slice::Iter<'a, NodeId>,
    /// True if nulls are dropped, as Go does unless the items may be of any type.
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

/// The entries of a mapping that are not read yet.
struct MapEntries<'a> {
    parent: NodeDeserializer<'a>,
    entries: std::vec::IntoIter<(String, NodeId)>,
    /// The value whose key was read last, and that key for an error.
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
