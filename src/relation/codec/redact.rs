//! Makes a decode error whose text quotes no value of the databag.

use serde_json::Value;

use super::error::DecodeError;
use super::fields_de::FieldsError;
use crate::config::redact_values;

/// Makes the error from the reason why the fields cannot be read. `values` returns the values that
/// may be quoted in the reason: that of the key, or all of them.
pub(super) fn decode_error(
    error: FieldsError,
    values: impl FnOnce(Option<&str>) -> Vec<Value>,
) -> DecodeError {
    match error {
        FieldsError::Missing(field) => DecodeError::missing(field),
        FieldsError::Wrong { key, reason } => {
            let values = values(key.as_deref());
            let reason = without_values(&reason, &values);
            match key {
                Some(key) => DecodeError::wrong(key, reason),
                None => DecodeError::unusable(reason),
            }
        }
    }
}

/// Returns the reason without the values, and without anything that is inside of them.
fn without_values(reason: &str, values: &[Value]) -> String {
    // The key of a map in a value is a part of the value, but serde quotes it.
    let reason = match reason.strip_prefix("unknown field `") {
        Some(rest) => match rest.rsplit_once(", expected ") {
            Some((_, expected)) => format!("unknown field, expected {expected}"),
            None => "unknown field".to_owned(),
        },
        None => reason.to_owned(),
    };
    let mut leaves = Vec::new();
    for value in values {
        add_leaves(value, &mut leaves);
    }
    redact_values(&reason, &leaves)
}

/// Adds the value and all that is nested in it. The recursion is bounded, because the readers of
/// JSON and of YAML refuse a text that is nested too deep.
fn add_leaves<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| add_leaves(value, leaves)),
        Value::Object(map) => map.values().for_each(|value| add_leaves(value, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    leaves.push(value);
}
