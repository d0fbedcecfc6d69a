//! `actions.yaml`: the actions and the schemas of their parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::Place;
use super::names::{is_plain_name, reserved};
use super::sources::Declared;
use crate::action_schema::ActionSchema;
use crate::error::Error;
use crate::schema::{Schema, refuse_references};

/// Reads the file.
///
/// # Errors
/// When Juju would refuse it: the text names the key and the rule.
pub(crate) fn read_actions(
    charm: &str,
    declared: &Declared,
) -> Result<BTreeMap<String, ActionSchema>, Error> {
    let Some(document) = &declared.document else {
        return Ok(BTreeMap::new());
    };
    let actions = declared.file.top(document)?.entries()?;
    actions
        .into_iter()
        .map(|(name, declared)| Ok((name.to_owned(), action(charm, name, &declared)?)))
        .collect()
}

fn action(charm: &str, name: &str, declared: &Place<'_>) -> Result<ActionSchema, Error> {
    if !is_plain_name(name) {
        return Err(declared.refuse("an action's name is lower-case letters, digits and hyphens"));
    }
    if let Some(why) = reserved(charm, name) {
        return Err(declared.refuse(&format!("cannot use this as an action's name: {why}")));
    }
    let mut description = String::new();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), Value::Object(Map::new()));
    let keys = if declared.value().is_null() { Vec::new() } else { declared.entries()? };
    for (key, place) in keys {
        match key {
            "description" => description = place.text()?.trim().to_owned(),
            "title" | "execution-group" => {
                place.text()?;
            }
            "parallel" if !place.value().is_boolean() => {
                return Err(place.refuse("expected true or false"));
            }
            "parallel" => {}
            "required" => {
                place.items()?;
                schema.insert(key.to_owned(), place.value().clone());
            }
            "params" => {
                let params = Value::Object(place.map()?.clone());
                refuse_references(&params).map_err(|why| place.refuse(&why))?;
                schema.insert("properties".to_owned(), params);
            }
            "$ref" | "$schema" => {
                return Err(place.refuse("not compatible with this version of juju"));
            }
            _ => {
                refuse_references(place.value()).map_err(|why| place.refuse(&why))?;
                schema.insert(key.to_owned(), place.value().clone());
            }
        }
    }
    let schema = Value::Object(schema);
    Schema::parse(&schema)
        .map_err(|why| declared.refuse(&format!("its parameters have a wrong schema: {why}")))?;
    Ok(ActionSchema::new(description, schema))
}
