//! Lines in the model's log.

use crate::error::Error;
use crate::hook_tools::{HookTools, replace_nul};
use crate::log_level::LogLevel;
use crate::tool_runner::ToolCall;

/// How many bytes of a message go into one call. One argument may have 131,071 on Linux.
const MAX_CHUNK: usize = 100 * 1024;

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
        for chunk in chunks(message) {
            let call = ToolCall::new("juju-log")
                .arg("--log-level")
                .arg(level.as_str())
                .free_text(replace_nul(chunk));
            self.execute("write to the log", call)?;
        }
        Ok(())
    }
}

/// The message in chunks that each fit into one argument, also after a NUL became three bytes.
pub(super) fn chunks(message: &str) -> impl Iterator<Item = &str> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (chunk, after) = rest.split_at(chunk_end(rest));
        rest = after;
        Some(chunk)
    })
}

fn chunk_end(text: &str) -> usize {
    // A NUL weighs three bytes once it is replaced. Only a text that has one is counted through.
    let end = if text.len() <= MAX_CHUNK && !text.contains('\0') {
        return text.len();
    } else {
        let mut weight = 0;
        let fits = |(_, character): &(usize, char)| {
            weight += if *character == '\0' { 3 } else { character.len_utf8() };
            weight <= MAX_CHUNK
        };
        text.char_indices()
            .take_while(fits)
            .last()
            .map_or(0, |(at, character)| at + character.len_utf8())
    };
    if end == text.len() {
        return end;
    }
    text.get(..end).and_then(|chunk| chunk.rfind('\n')).map_or(end, |line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_message_is_cut_after_a_line() {
        let line = format!("{}\n", "é".repeat(1000));
        let message = line.repeat(120);
        let cut: Vec<&str> = chunks(&message).collect();
        assert_eq!(cut.len(), 3);
        assert!(cut.iter().all(|chunk| chunk.len() <= MAX_CHUNK && chunk.ends_with('\n')));
        assert_eq!(cut.concat(), message);
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
            for chunk in chunks(&message) {
                prop_assert!(!chunk.is_empty());
                prop_assert!(replace_nul(chunk).len() <= MAX_CHUNK);
                whole.push_str(chunk);
            }
            prop_assert_eq!(whole, message);
        }
    }
}
