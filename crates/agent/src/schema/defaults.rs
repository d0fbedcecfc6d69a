//! [`fill_defaults`] adds the defaults of a schema to the parameters of an action.

use serde_json::{Map, Value};

/// Adds the default of each property that was not given, at every depth.
///
/// A map that was given gets the defaults of its own properties. A map that was not given is made
/// if a property below it has a default. The defaults in the `items` of a list are ignored, as in
/// Juju.
///
/// # Errors
/// Returns a text that names the property if a map was given for a property whose schema has no
/// `properties`. Juju refuses such parameters too.
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
