//! The output of a hook tool, as a value.

use serde_json::Value;

/// Reads a tool's output, which ends with a newline. The message never quotes it: config and
/// parameters may hold secrets.
pub(super) fn parse_json(output: &[u8]) -> Result<Value, String> {
    if output.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(output).map_err(|error| {
        let (length, line, column) = (output.len(), error.line(), error.column());
        format!("printed {length} bytes that are not JSON (wrong at line {line}, column {column})")
    })
}

/// Names the type of a value, without showing the value.
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
