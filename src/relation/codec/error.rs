//! The errors of a codec.

use std::error::Error as StdError;
use std::fmt;

/// A decode error says why a databag cannot be read as a type: a key is not written yet, or a value
/// is there and wrong.
///
/// It never holds a value of the databag, which may be a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// A key is not there. `within` is the key of the databag whose document lacks it.
    Missing { key: String, within: Option<&'static str> },
    /// A value is wrong; without a key, several of them are wrong together.
    Wrong { key: Option<String>, reason: String },
}

impl DecodeError {
    /// Makes the error that this key is not written.
    pub fn missing(key: impl Into<String>) -> Self {
        Self { fault: Fault::Missing { key: key.into(), within: None } }
    }

    /// Makes the error that the document under the databag's key `within` lacks this key.
    pub fn missing_within(key: impl Into<String>, within: &'static str) -> Self {
        Self { fault: Fault::Missing { key: key.into(), within: Some(within) } }
    }

    /// Makes the error that the value of this key cannot be used. The reason says what was
    /// expected, and must not quote the value.
    pub fn wrong(key: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { fault: Fault::Wrong { key: Some(key.into()), reason: reason.to_string() } }
    }

    /// Makes the error that the databag as a whole cannot be used. The reason must not quote a
    /// value.
    pub fn unusable(reason: impl fmt::Display) -> Self {
        Self { fault: Fault::Wrong { key: None, reason: reason.to_string() } }
    }

    /// Adds the field of the document whose value is wrong.
    pub(super) fn in_field(mut self, field: &str) -> Self {
        if let Fault::Wrong { reason, .. } = &mut self.fault {
            *reason = format!("its field {field:?}: {reason}");
        }
        self
    }

    /// Returns the key at fault; `None` if several are wrong together.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match &self.fault {
            Fault::Missing { key, .. } => Some(key),
            Fault::Wrong { key, .. } => key.as_deref(),
        }
    }

    /// Returns `true` if the key is not written, and `false` if a value is there and wrong.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.fault, Fault::Missing { .. })
    }

    /// Returns the name of the missing key as the other side has to write it: `"port"`, or `"port"
    /// in "data"`.
    pub(crate) fn place(&self) -> String {
        match &self.fault {
            Fault::Missing { key, within: Some(within) } => format!("{key:?} in {within:?}"),
            Fault::Missing { key, within: None } | Fault::Wrong { key: Some(key), .. } => {
                format!("{key:?}")
            }
            Fault::Wrong { key: None, .. } => "the data".to_owned(),
        }
    }

    /// Returns the reason without its start "cannot", for a longer sentence.
    pub(crate) fn reason(&self) -> String {
        match &self.fault {
            Fault::Missing { .. } => format!("{} is not written", self.place()),
            Fault::Wrong { key: Some(key), reason } => {
                format!("the value of {key:?} cannot be used: {reason}")
            }
            Fault::Wrong { key: None, reason } => reason.clone(),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the databag: {}", self.reason())
    }
}

impl StdError for DecodeError {}

/// An encode error says why a value cannot be written to a databag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    key: Option<String>,
    reason: String,
}

impl EncodeError {
    /// Makes the error that the value of this key cannot be written. The reason must not quote the
    /// value.
    pub fn new(key: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { key: Some(key.into()), reason: reason.to_string() }
    }

    /// Makes the error that the value as a whole cannot be written.
    pub fn unusable(reason: impl fmt::Display) -> Self {
        Self { key: None, reason: reason.to_string() }
    }

    /// Returns the key at fault, if it is known.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the reason without its start "cannot", for a longer sentence.
    pub(crate) fn reason(&self) -> String {
        match &self.key {
            Some(key) => format!("the value of {key:?} cannot be written: {}", self.reason),
            None => self.reason.clone(),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the databag: {}", self.reason())
    }
}

impl StdError for EncodeError {}
