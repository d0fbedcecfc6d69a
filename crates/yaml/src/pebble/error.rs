//! A value that does not fit, and where it stands.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// A value that does not fit what is read. It is named by its line and its keys, and not quoted.
#[derive(Debug)]
pub(super) struct Misfit {
    line: Option<usize>,
    /// The keys that lead to it, the innermost first.
    keys: Vec<String>,
    why: String,
}

impl Misfit {
    pub(super) fn at(line: usize, why: impl Into<String>) -> Self {
        Self { line: Some(line), keys: Vec::new(), why: why.into() }
    }

    /// Says that the value stands on this line, unless a line is known.
    pub(super) fn on_line(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// Says that the value stands under this key.
    pub(super) fn under(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        for (place, key) in self.keys.iter().rev().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            write!(f, "{dot}{}", key.escape_debug())?;
        }
        let colon = if self.keys.is_empty() { "" } else { ": " };
        write!(f, "{colon}{}", self.why)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self { line: None, keys: Vec::new(), why: why.to_string() }
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
