//! A value of a charm's file, with its place: what is asked of it is given, or refused with that
//! place.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// One of the files, or the part of one under a key, as errors name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) name: &'static str,
    /// Empty for the whole file.
    pub(super) section_key: &'static str,
}

impl File {
    pub(super) const fn named(name: &'static str) -> Self {
        Self { name, section_key: "" }
    }

    /// Reads the document; `None` when there is nothing in it.
    ///
    /// # Errors
    /// When it is no YAML.
    pub(super) fn read(self, text: &str) -> Result<Option<Value>, Error> {
        self.take(charmwright_yaml::juju::value(text.as_bytes()).map_err(|why| why.reason()))
    }

    /// Reads the document as [`File::read`] does, where only so many levels of maps are read into
    /// types of Juju's own. Below them Juju refuses a key that is no string to YAML, such as `on`.
    ///
    /// # Errors
    /// Likewise.
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

    /// Refuses the whole file.
    pub(super) fn refuse(self, why: &str) -> Error {
        Error::new(ErrorKind::Metadata, format!("cannot use {}: {why}", self.name))
    }

    /// Takes a document for the map that it must be.
    ///
    /// # Errors
    /// When it is something else.
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

/// A value and where it stands. Every reader below refuses null, as Juju does of a key that is
/// there.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    file: File,
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// Refuses the value, or its key.
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

    /// A boolean, or a string that Go's `ParseBool` takes.
    pub(super) fn boolean(&self) -> Result<bool, Error> {
        match self.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(word) => crate::go_text::go_bool(word),
            _ => None,
        }
        .ok_or_else(|| self.expected("a boolean"))
    }

    /// A whole number, or a string that Go's `ParseInt` takes for one (`0x10` too).
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

    /// Every entry of a map.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Error> {
        let entries =
            self.map()?.iter().map(|(name, value)| (name.as_str(), self.below(name, value)));
        Ok(entries.collect())
    }

    /// Every item of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, Error> {
        let items = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let items = items.iter().enumerate().map(|(index, value)| Self {
            file: self.file,
            path: format!("{}[{index}]", self.path),
            value,
        });
        Ok(items.collect())
    }

    /// The texts of a list of strings.
    pub(super) fn texts(&self) -> Result<Vec<&'a str>, Error> {
        self.items()?.iter().map(Self::text).collect()
    }

    /// The value under `key`, be it null; `None` without the key.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        Some(self.below(key, self.value.get(key)?))
    }

    /// The value under a key that must be there.
    pub(super) fn require(&self, key: &str) -> Result<Self, Error> {
        self.get(key).ok_or_else(|| self.below(key, &Value::Null).refuse("missing"))
    }

    /// The entries of the map under `key`; none without the key.
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
