//! What a tool prints, as a tree in which the order of keys can be fixed: Go prints a struct's
//! fields in the order of their declaration and a map's keys sorted, and each format sorts in its
//! own way.

use serde_json::{Number, Value};

/// A value as Go's encoders see it. The variants are JSON's.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Data>),
    Object(Fields),
}

/// The keys of an object with their values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fields {
    entries: Vec<(String, Data)>,
    is_sorted: bool,
}

impl Fields {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in the order in which they were given.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Data)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Whether the writer sorts the keys, as it does for a map and not for a struct.
    pub(super) fn is_sorted(&self) -> bool {
        self.is_sorted
    }
}

impl Data {
    /// A struct: its fields are printed in this order.
    pub(super) fn record<'a, I: IntoIterator<Item = (&'a str, Data)>>(fields: I) -> Self {
        let entries = fields.into_iter().map(|(key, value)| (key.to_owned(), value));
        Self::Object(Fields { entries: entries.collect(), is_sorted: false })
    }

    /// A map: each format sorts its keys.
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
