//! A schema that has been read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pattern::Pattern;

/// One schema of a tree; a keyword that is not given asks for nothing.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(super) types: Vec<Type>,
    pub(super) enum_values: Vec<Value>,

    pub(super) multiple_of: Option<f64>,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: bool,

    pub(super) string_length: Bounds,
    pub(super) pattern: Option<Pattern>,

    pub(super) property_count: Bounds,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) pattern_properties: Vec<(Pattern, Schema)>,
    pub(super) additional_properties: Additional,
    pub(super) dependencies: BTreeMap<String, Dependency>,

    pub(super) item_count: Bounds,
    pub(super) items: Items,
    pub(super) additional_items: Additional,
    pub(super) unique_items: bool,

    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
}

/// A type of JSON.
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

/// The least and the most of a length, a number of items or of properties; both ends are allowed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
}

/// The rule for what no other rule names (`additionalProperties`, `additionalItems`).
#[derive(Debug, Default)]
pub(super) enum Additional {
    #[default]
    NotGiven,
    Allowed(bool),
    Schema(Box<Schema>),
}

/// The rule of `items`.
#[derive(Debug, Default)]
pub(super) enum Items {
    #[default]
    NotGiven,
    Each(Box<Schema>),
    Tuple(Vec<Schema>),
}

/// The rule that a property's presence brings.
#[derive(Debug)]
pub(super) enum Dependency {
    Properties(Vec<String>),
    Schema(Box<Schema>),
}

/// 2^53 - 1: the largest whole number that Juju's validator takes for an integer.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Tells whether a number counts as an integer: 3.0 does, 2^53 does not.
pub(super) fn is_integer(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= SAFE_INTEGER
}

/// Tells whether two values are the same JSON; every number is a 64-bit float to the validator.
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
