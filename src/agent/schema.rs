//! Parameters against `actions.yaml`: the part of JSON Schema that charms use.
//!
//! Types, enum, bounds, lengths, items, nested properties, required and additionalProperties are judged, and defaults filled in. Keywords beyond
//! those (patterns, formats, references) are let pass.

use serde_json::{Map, Value};

use super::charm_meta::ActionSchema;

/// The parameters with their defaults, or what is wrong with them.
pub(super) fn check(schema: &ActionSchema, given: Map<String, Value>) -> Result<Map<String, Value>, String> {
    check_map("", &schema.params, &schema.required, schema.additional, given)
}

fn check_map(
    at: &str,
    properties: &Map<String, Value>,
    required: &[String],
    additional: bool,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    for (name, property) in properties {
        if !given.contains_key(name)
            && let Some(default) = property.get("default")
        {
            given.insert(name.clone(), default.clone());
        }
    }
    if let Some(name) = required.iter().find(|name| !given.contains_key(*name)) {
        return Err(format!("parameter {} is required", join(at, name)));
    }
    let mut checked = Map::new();
    for (name, value) in given {
        let path = join(at, &name);
        let value = match properties.get(&name) {
            Some(property) => check_value(&path, property, value)?,
            None if additional => value,
            None => {
                return Err(format!(
                    "parameter {path} is not declared, and additionalProperties is false"
                ));
            }
        };
        checked.insert(name, value);
    }
    Ok(checked)
}

fn check_value(path: &str, schema: &Value, value: Value) -> Result<Value, String> {
    let allowed: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    // A number typed where a text is asked for is that text: the operator cannot quote for YAML and for the shell at once.
    let value = match value {
        Value::Number(number) if allowed == ["string"] => Value::String(number.to_string()),
        Value::Bool(flag) if allowed == ["string"] => Value::String(flag.to_string()),
        other => other,
    };
    if !allowed.is_empty() && !allowed.iter().any(|kind| is_a(&value, kind)) {
        return Err(format!(
            "parameter {path} must be of type {}, given {}",
            allowed.join(" or "),
            kind_of(&value)
        ));
    }
    if let Some(Value::Array(choices)) = schema.get("enum")
        && !choices.contains(&value)
    {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        return Err(format!("parameter {path} must be one of {}", choices.join(", ")));
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        if let Some(low) = bound("minimum").filter(|low| number < *low) {
            return Err(format!("parameter {path} must be at least {low}"));
        }
        if let Some(high) = bound("maximum").filter(|high| number > *high) {
            return Err(format!("parameter {path} must be at most {high}"));
        }
    }
    if let Some(text) = value.as_str() {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a length that no float holds exactly is far beyond any bound"
        )]
        let length = text.chars().count() as f64;
        if let Some(low) = bound("minLength").filter(|low| length < *low) {
            return Err(format!("parameter {path} must have at least {low} characters"));
        }
        if let Some(high) = bound("maxLength").filter(|high| length > *high) {
            return Err(format!("parameter {path} must have at most {high} characters"));
        }
    }
    match (value, schema.get("properties"), schema.get("items")) {
        (Value::Object(map), Some(Value::Object(properties)), _) => {
            let required: Vec<String> = match schema.get("required") {
                Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            let additional = schema
                .get("additionalProperties")
                .and_then(Value::as_bool)
                .unwrap_or(true);
            check_map(path, properties, &required, additional, map).map(Value::Object)
        }
        (Value::Array(items), _, Some(item)) if item.is_object() => {
            let checked: Result<Vec<Value>, String> = items
                .into_iter()
                .enumerate()
                .map(|(index, value)| check_value(&format!("{path}[{index}]"), item, value))
                .collect();
            checked.map(Value::Array)
        }
        (value, _, _) => Ok(value),
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}
