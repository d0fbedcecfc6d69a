//! A status of the unit or of its application.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::InvalidName;

/// What a status means. Ordered by severity: the greater is the worse, so that the worst of several
/// is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StatusKind {
    /// The unit is gone. Set by Juju alone.
    Terminated,
    /// No status was ever set. Set by Juju alone; a word of a newer Juju reads as this too.
    Unknown,
    /// All is well.
    Active,
    /// Something else has to happen first, and it will without anybody's help.
    Waiting,
    /// The charm is at work.
    Maintenance,
    /// Nothing goes on until a person does something; the message says what.
    Blocked,
    /// A hook failed. Set by Juju alone.
    Error,
}

impl StatusKind {
    /// The word that Juju uses for it.
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

    /// Whether a charm may set it; the others are Juju's own.
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

/// A status: what it means, and a message for the operator.
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
    /// A status of this kind.
    #[must_use]
    pub fn new(kind: StatusKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// All is well, and there is nothing to say.
    #[must_use]
    pub fn active() -> Self {
        Self::new(StatusKind::Active, "")
    }

    /// Something else has to happen first; the message says what.
    #[must_use]
    pub fn waiting(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Waiting, message)
    }

    /// The charm is at work; the message says on what.
    #[must_use]
    pub fn maintenance(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Maintenance, message)
    }

    /// A person has to do something; the message says what.
    #[must_use]
    pub fn blocked(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Blocked, message)
    }

    /// The same status with another message.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self::new(self.kind, message)
    }

    /// What the status means.
    #[must_use]
    pub fn kind(&self) -> StatusKind {
        self.kind
    }

    /// The message; empty when there is nothing to say.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// `KIND: MESSAGE`, or the kind alone.
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
