//! A status of the unit or of its application.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::InvalidName;

/// The kind of a status. A worse kind is greater, so the worst of several statuses is their
/// maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StatusKind {
    /// The unit is gone. Only Juju sets this kind.
    Terminated,
    /// The charm never set a status. Only Juju sets this kind. A kind that only a newer Juju knows
    /// reads as this one too.
    Unknown,
    /// The unit works as it should.
    Active,
    /// The unit waits for something that will happen without an operator.
    Waiting,
    /// The charm is at work.
    Maintenance,
    /// The charm cannot go on until an operator acts. The message tells the operator what to do.
    Blocked,
    /// A hook failed. Only Juju sets this kind.
    Error,
}

impl StatusKind {
    /// Returns the word that Juju uses for the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::Unknown => "unknown",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Maintenance => "maintenance",
            Self::Blocked => "blocked",
            Self::Error => "error",
        }
    }

    /// Returns `true` if a charm may set this kind of status. Only Juju sets the others.
    #[must_use]
    pub fn is_settable(self) -> bool {
        match self {
            Self::Active | Self::Waiting | Self::Maintenance | Self::Blocked => true,
            Self::Terminated | Self::Unknown | Self::Error => false,
        }
    }
}

impl fmt::Display for StatusKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StatusKind {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let all = [
            Self::Terminated,
            Self::Unknown,
            Self::Active,
            Self::Waiting,
            Self::Maintenance,
            Self::Blocked,
            Self::Error,
        ];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            InvalidName::new(
                "a status",
                text,
                "expected active, waiting, maintenance or blocked, or one of Juju's own",
            )
        })
    }
}

/// A status of a unit or of its application: a kind, and a message for the operator.
///
/// ```
/// use charmwright_juju::{Status, StatusKind};
///
/// let status = Status::blocked("port must be between 1 and 65535");
/// assert_eq!(status.kind(), StatusKind::Blocked);
/// assert_eq!(status.to_string(), "blocked: port must be between 1 and 65535");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    #[serde(rename = "status")]
    kind: StatusKind,
    #[serde(default)]
    message: String,
}

impl Status {
    /// Makes a status of this kind. The message may be empty.
    #[must_use]
    pub fn new(kind: StatusKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Makes a status that says that the unit works as it should. It has no message.
    #[must_use]
    pub fn active() -> Self {
        Self::new(StatusKind::Active, "")
    }

    /// Makes a status that says that the unit waits for something, which the message names.
    #[must_use]
    pub fn waiting(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Waiting, message)
    }

    /// Makes a status that says that the charm is at work. The message says on what.
    #[must_use]
    pub fn maintenance(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Maintenance, message)
    }

    /// Makes a status that says that an operator has to act. The message says what to do.
    #[must_use]
    pub fn blocked(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Blocked, message)
    }

    /// Replaces the message of the status.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self::new(self.kind, message)
    }

    /// Returns the kind of the status.
    #[must_use]
    pub fn kind(&self) -> StatusKind {
        self.kind
    }

    /// Returns the message, which may be empty.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Writes `KIND: MESSAGE`, or the kind alone if there is no message.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{}", self.kind),
            message => write!(f, "{}: {message}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_greatest() {
        let mut kinds =
            [StatusKind::Blocked, StatusKind::Active, StatusKind::Maintenance, StatusKind::Waiting];
        kinds.sort();
        assert_eq!(
            kinds,
            [StatusKind::Active, StatusKind::Waiting, StatusKind::Maintenance, StatusKind::Blocked]
        );
    }
}
