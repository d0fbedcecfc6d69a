//! The parser of a hook tool's output.

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
