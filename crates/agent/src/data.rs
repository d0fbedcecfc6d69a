//! [`Data`] is the value that a tool prints, in which the order of the keys of an object can be
//! fixed.
//!
//! Go prints the fields of a struct in the order of their declaration and the keys of a map sorted,
//! and YAML sorts them in another way than JSON. `serde_json::Value` cannot tell the two apart.

use serde_json::{Number, Value};

/// A value that Go's encoders print. The variants are the types of JSON, and two of Go that YAML
/// and JSON write in ways of their own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    /// A Go string that is not UTF-8.
    Bytes(Vec<u8>),
    /// A Go `time.Time`, in the form of RFC 3339.
    Time(String),
    Array(Vec<Data>),
    Object(Fields),
}

/// The keys of an object with their values: either the fields of a Go struct or a Go map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fields {
    entries: Vec<(String, Data)>,
    is_sorted: bool,
}

impl Fields {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entries in the order in which they were given.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Data)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Returns `true` for a map, whose keys the writer sorts.
    pub(super) fn is_sorted(&self) -> bool {
        self.is_sorted
    }
}

impl Data {
    /// Makes a Go struct. Its fields are printed in the given order.
    pub(super) fn record<'a, I: IntoIterator<Item = (&'a str, Data)>>(fields: I) -> Self {
        let entries = fields.into_iter().map(|(key, value)| (key.to_owned(), value));
        Self::Object(Fields { entries: entries.collect(), is_sorted: false })
    }

    /// Makes a Go string, which may have any bytes.
    pub(super) fn go_string(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|bytes| Self::Bytes(bytes.into_bytes()), Self::String)
    }

    /// Makes a Go map. Each format sorts its keys.
    pub(super) fn map<I: IntoIterator<Item = (String, Data)>>(entries: I) -> Self {
        Self::Object(Fields { entries: entries.into_iter().collect(), is_sorted: true })
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::String(text),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => {
                Self::map(map.into_iter().map(|(key, value)| (key, Self::from(value))))
            }
        }
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl<T: Into<Data>> From<Vec<T>> for Data {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}
