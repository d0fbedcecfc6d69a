//! Filling defaults in.

use serde_json::{Map, Value};

/// Puts the defaults of a schema's `properties` where nothing was given, at every depth.
///
/// A map that was given is gone into; one that was not is made where a property below it has a
/// default. The defaults within a list's `items` are not looked at.
///
/// # Errors
/// Juju cannot fill in a map that was given for a property whose schema has no `properties`, and
/// refuses the parameters then; so does this, naming the property.
pub(crate) fn fill_defaults(
    given: &mut Map<String, Value>,
    properties: &Map<String, Value>,
) -> Result<(), String> {
    fill(given, properties, "")
}

fn fill(
    given: &mut Map<String, Value>,
    properties: &Map<String, Value>,
    path: &str,
) -> Result<(), String> {
    for (name, schema) in properties {
        let inner = schema.get("properties").and_then(Value::as_object);
        let path_here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match given.get_mut(name) {
            Some(Value::Object(map)) => {
                let inner = inner.ok_or_else(|| {
                    format!(
                        "parameter {path_here} was given as a map, and its schema declares no \
                         properties: Juju cannot take one"
                    )
                })?;
                fill(map, inner, &path_here)?;
            }
            Some(_) => {}
            None => {
                if let Some(default) = schema.get("default") {
                    given.insert(name.clone(), default.clone());
                } else if let Some(inner) = inner {
                    let mut made = Map::new();
                    fill(&mut made, inner, &path_here)?;
                    if !made.is_empty() {
                        given.insert(name.clone(), Value::Object(made));
                    }
                }
            }
        }
    }
    Ok(())
}
