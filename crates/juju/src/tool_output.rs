//! The parser of a hook tool's output.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Parses the output of a tool as JSON. The error's text never quotes the output, because config
/// and action parameters may hold secrets.
pub(super) fn parse_json(output: &[u8]) -> Result<Value, String> {
    // A tool that ignores `--format` prints nothing where JSON would be `null`.
    if output.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(output).map_err(|error| {
        // The `Display` of this error may quote the output, so only its position is used.
        let (length, line, column) = (output.len(), error.line(), error.column());
        format!("printed {length} bytes that are not JSON (wrong at line {line}, column {column})")
    })
}

/// Reads the answer of a tool that prints a map with known keys. The error says that the tool has
/// not printed `due`, and nothing of what serde says, which may quote the output.
pub(super) fn map<T: DeserializeOwned>(answer: Value, due: &str) -> Result<T, String> {
    // Serde would also take a list for a struct.
    let map = Some(answer).filter(Value::is_object);
    let read = map.and_then(|map| serde_json::from_value(map).ok());
    read.ok_or_else(|| format!("printed what is not {due}"))
}

/// Reads the answer of a tool that prints a map of strings. The error's text quotes no value.
pub(super) fn string_map(answer: Value) -> Result<BTreeMap<String, String>, String> {
    let map = match answer {
        // Juju prints `null` if there is nothing (2.9 to 4.1).
        Value::Null => return Ok(BTreeMap::new()),
        Value::Object(map) => map,
        other => {
            return Err(format!("printed {} where a map of strings was due", type_name(&other)));
        }
    };
    map.into_iter()
        .map(|(key, value)| match value {
            Value::String(value) => Ok((key, value)),
            other => Err(format!(
                "printed {} as the value of {:?} where a string was due",
                type_name(&other),
                key_excerpt(&key)
            )),
        })
        .collect()
}

/// Returns the start of a key for an error's text. A key is no secret, but it may be very long.
pub(super) fn key_excerpt(key: &str) -> String {
    key.chars().take(40).collect()
}

/// Names the type of a value for an error's text, which must not show the value itself.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
