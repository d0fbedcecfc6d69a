//! Lines in the model's log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::hook_tools::{HookTools, free_text};
use super::names::InvalidName;
use super::tool_runner::ToolCall;

/// How many bytes of a message go into one call. One argument may have 131,071 on Linux.
const PIECE: usize = 100 * 1024;

/// How much a line of the log matters; the greater matters more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// The finest detail.
    Trace,
    /// For who writes the charm.
    Debug,
    /// For the operator: what happens. A model shows this and what is above unless it was told
    /// otherwise.
    Info,
    /// Something is odd, and the charm goes on.
    Warning,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// The word that `juju-log` takes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
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

    /// Reads the words of `juju-log` in any case; `WARN` and `CRITICAL` are `WARNING` and `ERROR`
    /// here.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|level| is(level.as_str()))
            .or_else(|| is("WARN").then_some(Self::Warning))
            .or_else(|| is("CRITICAL").then_some(Self::Error))
            .ok_or_else(|| {
                InvalidName::new(
                    "a log level",
                    text,
                    "expected TRACE, DEBUG, INFO, WARNING or ERROR",
                )
            })
    }
}

impl HookTools {
    /// Writes a message to the model's log, at once. It may have several lines: one call costs one
    /// process.
    ///
    /// A message over 100 KiB goes in several calls, cut after a line where there is one to cut
    /// after and never inside a character. An empty message is not sent. A NUL, which no argument
    /// can carry, is logged as U+FFFD.
    ///
    /// A log that cannot be written need not fail the hook: that is for the caller to decide.
    ///
    /// # Errors
    ///
    /// The tool failed; what follows in a long message was not sent.
    pub fn log(&self, level: LogLevel, message: &str) -> Result<(), Error> {
        for piece in pieces(message) {
            let call = ToolCall::new("juju-log")
                .arg("--log-level")
                .arg(level.as_str())
                .free_text(free_text(piece));
            self.tell("write to the log", call)?;
        }
        Ok(())
    }
}

/// The message in pieces that each fit into one argument, also after a NUL became three bytes.
pub(super) fn pieces(message: &str) -> impl Iterator<Item = &str> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_end(rest));
        rest = after;
        Some(piece)
    })
}

fn piece_end(text: &str) -> usize {
    // A NUL weighs three bytes once it is replaced. Only a text that has one is counted through.
    let end = if text.len() <= PIECE && !text.contains('\0') {
        return text.len();
    } else {
        let mut weight = 0;
        let fits = |(_, character): &(usize, char)| {
            weight += if *character == '\0' { 3 } else { character.len_utf8() };
            weight <= PIECE
        };
        text.char_indices()
            .take_while(fits)
            .last()
            .map_or(0, |(at, character)| at + character.len_utf8())
    };
    if end == text.len() {
        return end;
    }
    text.get(..end).and_then(|piece| piece.rfind('\n')).map_or(end, |line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_message_is_cut_after_a_line() {
        let line = format!("{}\n", "é".repeat(1000));
        let message = line.repeat(120);
        let cut: Vec<&str> = pieces(&message).collect();
        assert_eq!(cut.len(), 3);
        assert!(cut.iter().all(|piece| piece.len() <= PIECE && piece.ends_with('\n')));
        assert_eq!(cut.concat(), message);
    }

    #[test]
    fn levels_are_read_in_any_case() {
        assert_eq!("warn".parse::<LogLevel>().unwrap(), LogLevel::Warning);
        assert_eq!("Critical".parse::<LogLevel>().unwrap(), LogLevel::Error);
        assert_eq!("DEBUG".parse::<LogLevel>().unwrap(), LogLevel::Debug);
        assert!("loud".parse::<LogLevel>().is_err());
        assert!(LogLevel::Error > LogLevel::Warning);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn nothing_is_lost_and_every_piece_fits(
            part in "[\\x00aé𝄞\\n]{1,12}",
            times in 0..60_000_usize,
        ) {
            let message = part.repeat(times);
            let mut whole = String::new();
            for piece in pieces(&message) {
                prop_assert!(!piece.is_empty());
                prop_assert!(free_text(piece).len() <= PIECE);
                whole.push_str(piece);
            }
            prop_assert_eq!(whole, message);
        }
    }
}
