//! The error for a value that does not fit its type, with the value's position.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// The error for a value that does not fit its type. Its text names the value by its line and its
/// keys. It does not quote the value, which may be a password.
#[derive(Debug)]
pub(super) struct DecodeError {
    /// The line of the value, counted from 1.
    line: Option<usize>,
    /// The keys that lead to the value, the innermost first.
    keys: Vec<String>,
    reason: String,
}

impl DecodeError {
    /// Makes the error for a value on this line.
    pub(super) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line: Some(line), keys: Vec::new(), reason: reason.into() }
    }

    /// Adds the line of the value. A line that is known already stays, because it is the one of the
    /// inner value.
    pub(super) fn with_line(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// Adds the key of the mapping around the value. The calls come from the inside out.
    pub(super) fn with_key(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        for (index, key) in self.keys.iter().rev().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{}", key.escape_debug())?;
        }
        let colon = if self.keys.is_empty() { "" } else { ": " };
        write!(f, "{colon}{}", self.reason)
    }
}

impl std::error::Error for DecodeError {}

// The default texts of Serde quote the value, so the two methods that get it are overridden.
impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self { line: None, keys: Vec::new(), reason: reason.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {}", kind_of(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found another {}", kind_of(&found)))
    }
}

/// Names the kind of a value for the error's text, which must not show the value itself.
fn kind_of<'a>(value: &Unexpected<'a>) -> &'a str {
    match value {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "whole number",
        Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map => "map",
        Unexpected::Other(kind) => kind,
        _ => "value",
    }
}
