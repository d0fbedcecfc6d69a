//! The kind of a storage.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The kind of a storage, which the charm's metadata declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StorageKind {
    /// A filesystem (`filesystem`). Its location is where it is mounted.
    Filesystem,
    /// A block device (`block`). Its location is the path of the device.
    Block,
    /// A kind that this version of the crate does not know. Juju 2.9 to 4.1 have none.
    #[non_exhaustive]
    Other(Box<str>),
}

impl StorageKind {
    /// Returns Juju's word for the kind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Filesystem => "filesystem",
            Self::Block => "block",
            Self::Other(kind) => kind,
        }
    }
}

impl FromStr for StorageKind {
    // A kind of a newer Juju must not fail the hook, so that no text is refused.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "filesystem" => Self::Filesystem,
            "block" => Self::Block,
            other => Self::Other(other.into()),
        })
    }
}

impl fmt::Display for StorageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_keeps_its_word() {
        for word in ["filesystem", "block", "object"] {
            let Ok(kind) = word.parse::<StorageKind>();
            assert_eq!(kind.to_string(), word);
            assert_eq!(matches!(kind, StorageKind::Other(_)), word == "object");
        }
    }
}
