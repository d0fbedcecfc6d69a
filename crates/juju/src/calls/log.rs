//! The call that writes to the model's log.

use crate::error::Error;
use crate::hook_tools::{HookTools, replace_nul};
use crate::log_level::LogLevel;
use crate::tool_runner::ToolCall;

/// The largest part of a message that one call sends, in bytes. It leaves a margin below the
/// 131,071 bytes that Linux allows one argument.
const MAX_CHUNK: usize = 100 * 1024;

impl HookTools {
    /// Writes a message to the model's log. Juju logs it at once.
    ///
    /// The message may have several lines. Each call starts a process, so one call with many lines
    /// is cheaper than one call for each line.
    ///
    /// A message over 100 KiB is split over several calls: at a line break if the part has one, and
    /// never inside a character. An empty message starts no tool. A NUL is logged as U+FFFD,
    /// because no argument can carry it.
    ///
    /// # Errors
    ///
    /// The tool failed. The rest of a long message was not sent. The caller decides whether a hook
    /// that cannot log should fail.
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

/// Splits the message into chunks that each fit into one argument, also after
/// [`replace_nul`] turned each NUL into three bytes.
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

/// Returns the end of the first chunk of a text, as a byte offset. It is not 0 for a text that is
/// not empty.
fn chunk_end(text: &str) -> usize {
    // `replace_nul` turns a NUL of one byte into three. A short text without a NUL, which nearly
    // every message is, needs no count of its characters.
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
    // Juju logs each call as an entry of its own, so a line should not be split over two of them.
    text.get(..end).and_then(|chunk| chunk.rfind('\n')).map_or(end, |line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_message_is_split_after_a_line() {
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
        fn no_text_is_lost_and_every_chunk_fits(
            part in "[\\x00aé𝄞\\n]{1,12}",
            times in 0..60_000_usize,
        ) {
            let message = part.repeat(times);
            let mut joined = String::new();
            for chunk in chunks(&message) {
                prop_assert!(!chunk.is_empty());
                prop_assert!(replace_nul(chunk).len() <= MAX_CHUNK);
                joined.push_str(chunk);
            }
            prop_assert_eq!(joined, message);
        }
    }
}
