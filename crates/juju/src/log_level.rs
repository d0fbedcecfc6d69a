//! The levels of the model's log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::InvalidName;

/// The level of a message in the model's log. A more severe level is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// The finest details.
    Trace,
    /// A message for the author of the charm.
    Debug,
    /// A message for the operator. A model's log shows this level and the ones above it, unless its
    /// `logging-config` says otherwise.
    Info,
    /// An unexpected condition that does not stop the charm.
    Warning,
    /// A failed operation.
    Error,
    /// A failure that stops the charm. This library does not log at this level.
    Critical,
}

impl LogLevel {
    /// Returns the word that `juju-log` takes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = InvalidName;

    /// Parses a word of `juju-log`, in any case. `WARN` is another word for `WARNING`.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical]
            .into_iter()
            .find(|level| is(level.as_str()))
            .or_else(|| is("WARN").then_some(Self::Warning))
            .ok_or_else(|| {
                InvalidName::new(
                    "a log level",
                    text,
                    "expected TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case() {
        assert_eq!("warn".parse::<LogLevel>().unwrap(), LogLevel::Warning);
        assert_eq!("Critical".parse::<LogLevel>().unwrap(), LogLevel::Critical);
        assert_eq!("DEBUG".parse::<LogLevel>().unwrap(), LogLevel::Debug);
        assert!("loud".parse::<LogLevel>().is_err());
        assert!(LogLevel::Error > LogLevel::Warning && LogLevel::Critical > LogLevel::Error);
    }
}
