//! The envelope of a document, which has its version and its data.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;

/// The size limit of a document, in bytes of JSON. Juju accepts 65,536 bytes for a value; the
/// difference is reserved for what a later version adds.
pub const LARGEST_DOCUMENT: usize = 60 * 1024;

/// The size limit of a value in Juju's state, in bytes (Juju 3.6 and 4.x, `state-set`).
pub(crate) const LARGEST_VALUE: usize = 65_536;

/// A kind of document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document {
    /// The key of the document in the unit's state.
    pub(crate) key: &'static str,
    /// The version that this library writes, and the newest one that it reads.
    pub(crate) version: u64,
}

#[derive(Serialize)]
struct Envelope<'a, T: ?Sized> {
    version: u64,
    data: &'a T,
}

impl Document {
    /// Returns the document as JSON, whatever its size.
    ///
    /// # Errors
    ///
    /// Returns a state error if the data cannot be written as JSON.
    pub(crate) fn write<T: Serialize + ?Sized>(self, data: &T) -> Result<String, Error> {
        let Self { key, version } = self;
        serde_json::to_string(&Envelope { version, data }).map_err(|error| {
            Error::state_because(format!("cannot write the state \"{key}\" as JSON"), error)
        })
    }

    /// Returns the text if it has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Returns a state error if the text is longer.
    pub(crate) fn within(self, limit: usize, text: String) -> Result<String, Error> {
        if text.len() > limit {
            return Err(Error::state(format!(
                "cannot write the state \"{}\": it is {} bytes of JSON, and {limit} is the limit; \
                 keep large data elsewhere",
                self.key,
                text.len()
            )));
        }
        Ok(text)
    }

    /// Opens the envelope and returns the version, from 1 to the newest that this library reads,
    /// and the data.
    ///
    /// # Errors
    ///
    /// Returns a state error if a newer version wrote the document or if the text is no such
    /// document. The stored text must then be left as it is.
    pub(crate) fn open(self, text: &str) -> Result<(u64, Value), Error> {
        let Self { key, version: newest } = self;
        let cannot = format!("cannot read the unit's state \"{key}\" (it is left as it is)");
        let document = serde_json::from_str(text).map_err(|error| self.unreadable(error))?;
        let Value::Object(mut document) = document else {
            return Err(Error::state(format!("{cannot}: it is not a JSON object")));
        };
        match document.get("version").and_then(Value::as_u64) {
            Some(version) if (1..=newest).contains(&version) => {
                Ok((version, document.remove("data").unwrap_or(Value::Null)))
            }
            Some(version) if version > newest => Err(Error::state(format!(
                "{cannot}: its version is {version} and this charm reads up to {newest}; refresh \
                 to the newer revision of the charm that wrote it"
            ))),
            _ => Err(Error::state(format!(
                "{cannot}: it has no version that this charm knows; something else wrote it"
            ))),
        }
    }

    /// Reads the data of an opened envelope as a type.
    ///
    /// # Errors
    ///
    /// Returns a state error if the data does not fit the type.
    pub(crate) fn read<T: DeserializeOwned>(self, data: Value) -> Result<T, Error> {
        serde_json::from_value(data).map_err(|error| self.unreadable(error))
    }

    fn unreadable(self, error: serde_json::Error) -> Error {
        let key = self.key;
        Error::state_because(
            format!("cannot read the unit's state \"{key}\" (it is left as it is)"),
            error,
        )
    }
}
