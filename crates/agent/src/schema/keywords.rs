//! [`refuse_references`] refuses the keys that Juju forbids in a schema.

use serde_json::Value;

/// Refuses `$ref` and `$schema` at any depth.
///
/// # Errors
/// Returns Juju's text, with the key.
pub(crate) fn refuse_references(value: &Value) -> Result<(), String> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            if key == "$ref" || key == "$schema" {
                return Err(format!(
                    "schema key \"{key}\" not compatible with this version of juju"
                ));
            }
            refuse_references(value)
        }),
        Value::Array(items) => items.iter().try_for_each(refuse_references),
        _ => Ok(()),
    }
}
