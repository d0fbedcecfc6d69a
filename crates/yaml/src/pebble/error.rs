//! A value that does not fit, and where it stands.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// A value that does not fit what is read. It is named by its line and its keys, and not quoted.
#[derive(Debug)]
pub(super) struct DecodeError {
    line: Option<usize>,
    /// The keys that lead to it, the innermost first.
    keys: Vec<String>,
    reason: String,
}

impl DecodeError {
    pub(super) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line: Some(line), keys: Vec::new(), reason: reason.into() }
    }

    /// Says that the value stands on this line, unless a line is known.
    pub(super) fn with_line(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// Says that the value stands under this key.
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

/// Names the kind of a value, without the value.
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
