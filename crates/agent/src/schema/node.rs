//! [`Schema`] is a parsed JSON Schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pattern::Pattern;

/// A parsed schema, whose fields are the keywords of JSON Schema. A keyword that is not given
/// accepts every value.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(super) types: Vec<Type>,
    /// The values of `enum`; empty without the keyword, since Juju's validator treats both alike.
    pub(super) enum_values: Vec<Value>,

    pub(super) multiple_of: Option<f64>,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: bool,

    /// `minLength` and `maxLength`, in characters.
    pub(super) string_length: Bounds,
    pub(super) pattern: Option<Pattern>,

    /// `minProperties` and `maxProperties`.
    pub(super) property_count: Bounds,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) pattern_properties: Vec<(Pattern, Schema)>,
    pub(super) additional_properties: Additional,
    pub(super) dependencies: BTreeMap<String, Dependency>,

    /// `minItems` and `maxItems`.
    pub(super) item_count: Bounds,
    pub(super) items: Items,
    pub(super) additional_items: Additional,
    pub(super) unique_items: bool,

    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
}

/// A type of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Array,
    Boolean,
    Integer,
    Number,
    Null,
    Object,
    String,
}

impl Type {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "array" => Self::Array,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "null" => Self::Null,
            "object" => Self::Object,
            "string" => Self::String,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Null => "null",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

/// The inclusive bounds of a length, of a number of items or of a number of properties.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
}

/// The rule for the properties or items that no other keyword covers: `additionalProperties` or
/// `additionalItems`.
#[derive(Debug, Default)]
pub(super) enum Additional {
    #[default]
    NotGiven,
    Allowed(bool),
    /// They must match this schema.
    Schema(Box<Schema>),
}

/// The rule for the items of a list: `items`.
#[derive(Debug, Default)]
pub(super) enum Items {
    #[default]
    NotGiven,
    /// Each item must match this schema.
    Each(Box<Schema>),
    /// Each item must match the schema at its own index.
    Tuple(Vec<Schema>),
}

/// The rule that applies if a property is present: an entry of `dependencies`.
#[derive(Debug)]
pub(super) enum Dependency {
    /// These properties must be present too.
    Properties(Vec<String>),
    /// The object must match this schema.
    Schema(Box<Schema>),
}

/// The largest number that Juju's validator takes for an integer: 2^53 - 1. A float64 cannot tell
/// larger integers apart.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Returns `true` if Juju's validator takes a number for an integer: 3.0 is one, 2^53 is not.
pub(super) fn is_integer(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= SAFE_INTEGER
}

/// Returns `true` if two values are equal JSON. Numbers are compared as floats, since Juju's
/// validator has every number as a float64.
pub(super) fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| is_equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| is_equal(left, right)))
        }
        (left, right) => left == right,
    }
}
