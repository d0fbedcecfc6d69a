//! [`Schema::parse`] parses a schema, and refuses a wrong one with the text of Juju's validator.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Additional, Bounds, Dependency, Items, Schema, Type, is_integer};
use super::pattern::Pattern;

impl Schema {
    /// Parses a schema. An unknown key is ignored, and so is `format`.
    ///
    /// # Errors
    /// Returns the text of Juju's validator if a keyword has a wrong value.
    pub(crate) fn parse(document: &Value) -> Result<Self, String> {
        let Value::Object(map) = document else {
            return Err("schema must be of type object".to_owned());
        };
        for key in ["id", "title", "description"] {
            if map.get(key).is_some_and(|value| !value.is_string()) {
                return Err(format!("{key} must be of type string"));
            }
        }
        // The definitions are checked but not kept: without `$ref` nothing can use them.
        if let Some(definitions) = map.get("definitions") {
            let wrong = || "definitions must be of type array of schemas".to_owned();
            for definition in definitions.as_object().ok_or_else(wrong)?.values() {
                Self::parse(Some(definition).filter(|value| value.is_object()).ok_or_else(wrong)?)?;
            }
        }
        let minimum = number(map, "minimum")?;
        let maximum = number(map, "maximum")?;
        if minimum.zip(maximum).is_some_and(|(low, high)| low > high) {
            return Err("minimum cannot be greater than maximum".to_owned());
        }
        Ok(Self {
            types: types(map)?,
            enum_values: enum_values(map)?,
            multiple_of: multiple_of(map)?,
            minimum,
            exclusive_minimum: exclusive(map, "exclusiveMinimum", "minimum", "boolean")?,
            maximum,
            exclusive_maximum: exclusive(map, "exclusiveMaximum", "maximum", "number")?,
            string_length: bounds(map, "minLength", "maxLength")?,
            pattern: pattern(map)?,
            property_count: bounds(map, "minProperties", "maxProperties")?,
            required: required(map)?,
            properties: properties(map)?,
            pattern_properties: pattern_properties(map)?,
            additional_properties: additional(map, "additionalProperties")?,
            dependencies: dependencies(map)?,
            item_count: bounds(map, "minItems", "maxItems")?,
            items: items(map)?,
            additional_items: additional(map, "additionalItems")?,
            unique_items: match map.get("uniqueItems") {
                None => false,
                Some(Value::Bool(unique)) => *unique,
                Some(_) => return Err("uniqueItems must be of a boolean".to_owned()),
            },
            all_of: schema_list(map, "allOf")?,
            any_of: schema_list(map, "anyOf")?,
            one_of: schema_list(map, "oneOf")?,
            not: match map.get("not") {
                None => None,
                Some(schema @ Value::Object(_)) => Some(Box::new(Self::parse(schema)?)),
                Some(_) => return Err("not must be of an object".to_owned()),
            },
        })
    }
}

/// Parses `type`. An unknown name alone is refused, but in a list it is skipped.
fn types(map: &Map<String, Value>) -> Result<Vec<Type>, String> {
    let wrong = || "type must be of type string/array of strings".to_owned();
    match map.get("type") {
        None => Ok(Vec::new()),
        Some(Value::String(name)) => match Type::parse(name) {
            Some(kind) => Ok(vec![kind]),
            None => Err(format!("{name} is not a valid type")),
        },
        Some(Value::Array(names)) => {
            let mut types = Vec::new();
            for name in names {
                let kind = Type::parse(name.as_str().ok_or_else(wrong)?);
                types.extend(kind.filter(|kind| !types.contains(kind)));
            }
            Ok(types)
        }
        Some(_) => Err(wrong()),
    }
}

fn enum_values(map: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let Some(value) = map.get("enum") else {
        return Ok(Vec::new());
    };
    let choices = value.as_array().ok_or("enum must be of an array")?;
    let twice = choices.iter().enumerate().any(|(index, choice)| {
        choices.iter().take(index).any(|other| super::node::is_equal(other, choice))
    });
    if twice {
        return Err("enum items must be unique".to_owned());
    }
    Ok(choices.clone())
}

fn number(map: &Map<String, Value>, key: &str) -> Result<Option<f64>, String> {
    map.get(key)
        .map(|value| value.as_f64().ok_or_else(|| format!("{key} must be of a number")))
        .transpose()
}

fn multiple_of(map: &Map<String, Value>) -> Result<Option<f64>, String> {
    match number(map, "multipleOf")? {
        Some(step) if step <= 0.0 => Err("multipleOf must be strictly greater than 0".to_owned()),
        step => Ok(step),
    }
}

/// Parses `exclusiveMinimum` or `exclusiveMaximum`, which are booleans beside their bound in draft
/// 4. `wanted` is the type that the validator's error names, and it is wrong for one of the two.
fn exclusive(
    map: &Map<String, Value>,
    key: &str,
    bound: &str,
    wanted: &str,
) -> Result<bool, String> {
    match map.get(key) {
        None => Ok(false),
        Some(Value::Bool(_)) if !map.contains_key(bound) => {
            Err(format!("{key} cannot be used without {bound}"))
        }
        Some(Value::Bool(exclusive)) => Ok(*exclusive),
        Some(_) => Err(format!("{key} must be of a {wanted}")),
    }
}

/// Parses the keywords of a pair of bounds.
fn bounds(map: &Map<String, Value>, min: &str, max: &str) -> Result<Bounds, String> {
    let read = |key: &str| {
        map.get(key)
            .map(|value| {
                let whole = value.as_f64().filter(|number| is_integer(*number));
                let whole = whole.ok_or_else(|| format!("{key} must be of an integer"))?;
                if whole < 0.0 {
                    return Err(format!("{key} must be greater than or equal to 0"));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "below 2^53, as was just checked"
                )]
                Ok(whole as i64)
            })
            .transpose()
    };
    let bounds = Bounds { min: read(min)?, max: read(max)? };
    if bounds.min.zip(bounds.max).is_some_and(|(low, high)| low > high) {
        return Err(format!("{min} cannot be greater than {max}"));
    }
    Ok(bounds)
}

fn pattern(map: &Map<String, Value>) -> Result<Option<Pattern>, String> {
    let Some(value) = map.get("pattern") else {
        return Ok(None);
    };
    let text = value.as_str().ok_or("pattern must be of a string")?;
    Pattern::compile(text).map(Some).map_err(|why| format!("pattern must be a valid regex: {why}"))
}

fn required(map: &Map<String, Value>) -> Result<Vec<String>, String> {
    let Some(value) = map.get("required") else {
        return Ok(Vec::new());
    };
    let mut required: Vec<String> = Vec::new();
    for name in value.as_array().ok_or("required must be of an array")? {
        let name = name.as_str().ok_or("required items must be string")?;
        if required.iter().any(|other| other == name) {
            return Err("required items must be unique".to_owned());
        }
        required.push(name.to_owned());
    }
    Ok(required)
}

fn properties(map: &Map<String, Value>) -> Result<BTreeMap<String, Schema>, String> {
    let Some(value) = map.get("properties") else {
        return Ok(BTreeMap::new());
    };
    let properties = value.as_object().ok_or("properties must be of type object")?;
    properties.iter().map(|(name, schema)| Ok((name.clone(), Schema::parse(schema)?))).collect()
}

fn pattern_properties(map: &Map<String, Value>) -> Result<Vec<(Pattern, Schema)>, String> {
    let Some(value) = map.get("patternProperties") else {
        return Ok(Vec::new());
    };
    let patterns = value.as_object().ok_or("patternProperties must be of type schema")?;
    patterns
        .iter()
        .map(|(pattern, schema)| {
            let pattern = Pattern::compile(pattern)
                .map_err(|_| format!("Invalid regex pattern '{pattern}'"))?;
            Ok((pattern, Schema::parse(schema)?))
        })
        .collect()
}

fn additional(map: &Map<String, Value>, key: &str) -> Result<Additional, String> {
    Ok(match map.get(key) {
        None => Additional::NotGiven,
        Some(Value::Bool(allowed)) => Additional::Allowed(*allowed),
        Some(schema @ Value::Object(_)) => Additional::Schema(Box::new(Schema::parse(schema)?)),
        Some(_) => return Err(format!("{key} must be of type boolean/schema")),
    })
}

fn dependencies(map: &Map<String, Value>) -> Result<BTreeMap<String, Dependency>, String> {
    let Some(value) = map.get("dependencies") else {
        return Ok(BTreeMap::new());
    };
    let wrong = || "dependency must be of type schema or array of strings".to_owned();
    let dependencies = value.as_object().ok_or("dependencies must be of type object")?;
    dependencies
        .iter()
        .map(|(name, dependency)| {
            let dependency = match dependency {
                Value::Array(names) => {
                    let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                    Dependency::Properties(names.collect::<Option<_>>().ok_or_else(wrong)?)
                }
                schema @ Value::Object(_) => Dependency::Schema(Box::new(Schema::parse(schema)?)),
                _ => return Err(wrong()),
            };
            Ok((name.clone(), dependency))
        })
        .collect()
}

fn items(map: &Map<String, Value>) -> Result<Items, String> {
    let wrong = || "items must be of type schema/array of schemas".to_owned();
    Ok(match map.get("items") {
        None => Items::NotGiven,
        Some(schema @ Value::Object(_)) => Items::Each(Box::new(Schema::parse(schema)?)),
        Some(Value::Array(schemas)) => Items::Tuple(
            schemas
                .iter()
                .map(|schema| {
                    Schema::parse(Some(schema).filter(|value| value.is_object()).ok_or_else(wrong)?)
                })
                .collect::<Result<_, _>>()?,
        ),
        Some(_) => return Err(wrong()),
    })
}

fn schema_list(map: &Map<String, Value>, key: &str) -> Result<Vec<Schema>, String> {
    match map.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(schemas)) => schemas.iter().map(Schema::parse).collect(),
        Some(_) => Err(format!("{key} must be of an array")),
    }
}
