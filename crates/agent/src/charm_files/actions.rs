//! [`read_actions`] reads `actions.yaml`: the actions and the schemas of their parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::Node;
use super::names::{is_plain_name, reserved_name_reason};
use super::sources::Declaration;
use crate::action_schema::ActionSchema;
use crate::error::Error;
use crate::schema::{Schema, refuse_references};

/// Reads the actions of a charm.
///
/// # Errors
/// [`ErrorKind::Metadata`](crate::ErrorKind::Metadata) if Juju would refuse the file. The text
/// names the key and the rule.
pub(crate) fn read_actions(
    charm: &str,
    declared: &Declaration,
) -> Result<BTreeMap<String, ActionSchema>, Error> {
    let Some(document) = &declared.document else {
        return Ok(BTreeMap::new());
    };
    let actions = declared.file.root(document)?.entries()?;
    actions
        .into_iter()
        .map(|(name, declared)| Ok((name.to_owned(), action(charm, name, &declared)?)))
        .collect()
}

fn action(charm: &str, name: &str, declared: &Node<'_>) -> Result<ActionSchema, Error> {
    if !is_plain_name(name) {
        return Err(declared.refuse("an action's name is lower-case letters, digits and hyphens"));
    }
    if let Some(why) = reserved_name_reason(charm, name) {
        return Err(declared.refuse(&format!("cannot use this as an action's name: {why}")));
    }
    // An action without `params` takes an empty object.
    let mut description = String::new();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), Value::Object(Map::new()));
    let keys = if declared.value().is_null() { Vec::new() } else { declared.entries()? };
    for (key, node) in keys {
        match key {
            "description" => description = node.text()?.trim().to_owned(),
            "title" | "execution-group" => {
                node.text()?;
            }
            "parallel" if !node.value().is_boolean() => {
                return Err(node.refuse("expected true or false"));
            }
            "parallel" => {}
            "required" => {
                node.items()?;
                schema.insert(key.to_owned(), node.value().clone());
            }
            "params" => {
                let params = Value::Object(node.map()?.clone());
                refuse_references(&params).map_err(|why| node.refuse(&why))?;
                schema.insert("properties".to_owned(), params);
            }
            "$ref" | "$schema" => {
                return Err(node.refuse("not compatible with this version of juju"));
            }
            // Any other key is a keyword of the schema of all parameters.
            _ => {
                refuse_references(node.value()).map_err(|why| node.refuse(&why))?;
                schema.insert(key.to_owned(), node.value().clone());
            }
        }
    }
    let schema = Value::Object(schema);
    Schema::parse(&schema)
        .map_err(|why| declared.refuse(&format!("its parameters have a wrong schema: {why}")))?;
    Ok(ActionSchema::new(description, schema))
}
