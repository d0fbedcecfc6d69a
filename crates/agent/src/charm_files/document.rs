//! [`Node`] is a value in a file of a charm, together with its path. So an error can name the file
//! and the path of a wrong value.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// A file of a charm, or a section of one, as errors name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) name: &'static str,
    /// The key of the section; empty for the whole file.
    pub(super) section_key: &'static str,
}

impl File {
    pub(super) const fn named(name: &'static str) -> Self {
        Self { name, section_key: "" }
    }

    /// Parses the text of the file. Returns `None` if the file is empty.
    ///
    /// # Errors
    /// Returns an error if the text is not YAML.
    pub(super) fn read(self, text: &str) -> Result<Option<Value>, Error> {
        self.take(charmwright_yaml::juju::value(text.as_bytes()).map_err(|why| why.reason()))
    }

    /// Parses the text of a file of which Juju reads only `levels` levels of maps into Go types of
    /// its own. Below them Juju refuses a key that is not a string in YAML 1.1, such as `on`.
    ///
    /// # Errors
    /// Returns an error if the text is not YAML, or has such a key.
    pub(super) fn read_typed(self, text: &str, levels: usize) -> Result<Option<Value>, Error> {
        self.take(
            charmwright_yaml::juju::value_keyed_by_text(text.as_bytes(), levels)
                .map_err(|why| why.reason()),
        )
    }

    fn take(self, read: Result<Value, String>) -> Result<Option<Value>, Error> {
        match read {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(why) => Err(Error::new(
                ErrorKind::Metadata,
                format!("cannot read {} as YAML: {why}", self.name),
            )),
        }
    }

    /// Makes the error that refuses the whole file.
    pub(super) fn refuse(self, why: &str) -> Error {
        Error::new(ErrorKind::Metadata, format!("cannot use {}: {why}", self.name))
    }

    /// Returns the root of the document.
    ///
    /// # Errors
    /// Returns an error if the document is not a map.
    pub(super) fn root(self, document: &Value) -> Result<Node<'_>, Error> {
        let Value::Object(_) = document else {
            return Err(match self.section_key {
                "" => self.refuse("expected a map at the top"),
                key => self.refuse(&format!("{key}: expected a map")),
            });
        };
        Ok(Node { file: self, path: self.section_key.to_owned(), value: document })
    }
}

/// A value with its path in a file. Every method that reads a type refuses null, as Juju does for a
/// key that is present.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    file: File,
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// Makes the error that refuses the value or its key.
    pub(super) fn refuse(&self, why: &str) -> Error {
        match self.path.as_str() {
            "" => self.file.refuse(why),
            path => self.file.refuse(&format!("{path}: {why}")),
        }
    }

    fn expected(&self, what: &str) -> Error {
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        self.refuse(&format!("expected {what}, found {found}"))
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    /// Returns a boolean, also from a string that Go's `ParseBool` accepts.
    pub(super) fn boolean(&self) -> Result<bool, Error> {
        match self.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(word) => crate::go_text::go_bool(word),
            _ => None,
        }
        .ok_or_else(|| self.expected("a boolean"))
    }

    /// Returns an integer, also from a string that Go's `ParseInt` accepts (`0x10` too).
    pub(super) fn integer(&self) -> Result<i64, Error> {
        match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(word) => charmwright_yaml::go_int(word),
            _ => None,
        }
        .ok_or_else(|| self.expected("a whole number"))
    }

    pub(super) fn map(&self) -> Result<&'a Map<String, Value>, Error> {
        self.value.as_object().ok_or_else(|| self.expected("a map"))
    }

    /// Returns the entries of a map.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Error> {
        let entries =
            self.map()?.iter().map(|(name, value)| (name.as_str(), self.below(name, value)));
        Ok(entries.collect())
    }

    /// Returns the items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, Error> {
        let items = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let items = items.iter().enumerate().map(|(index, value)| Self {
            file: self.file,
            path: format!("{}[{index}]", self.path),
            value,
        });
        Ok(items.collect())
    }

    /// Returns the strings of a list.
    pub(super) fn texts(&self) -> Result<Vec<&'a str>, Error> {
        self.items()?.iter().map(Self::text).collect()
    }

    /// Returns the value of a key, which may be null, or `None` if the key is missing.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        Some(self.below(key, self.value.get(key)?))
    }

    /// Returns the value of a key that must be present.
    pub(super) fn require(&self, key: &str) -> Result<Self, Error> {
        self.get(key).ok_or_else(|| self.below(key, &Value::Null).refuse("missing"))
    }

    /// Returns the entries of the map at a key; none if the key is missing.
    pub(super) fn entries_of(&self, key: &str) -> Result<Vec<(&'a str, Self)>, Error> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |node| node.entries())
    }

    fn below(&self, key: &str, value: &'a Value) -> Self {
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        Self { file: self.file, path, value }
    }
}
