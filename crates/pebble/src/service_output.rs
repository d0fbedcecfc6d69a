//! Pebble keeps the output of a service with a stamp of its own before each line, `<time> [service]
//! `.
//!
//! Pebble removes the stamps before it shows the lines, with two exceptions (1.32.1): a blank line
//! keeps its stamp, and output without a final newline is joined to what comes next, with the stamp
//! in between.

use super::timestamp::Timestamp;
use charmwright_yaml::text;

/// Returns the newest line that shows anything, without Pebble's stamps and without white space
/// around it. If a line was written over (CR), only the last writing counts.
pub(crate) fn last_words<'a>(
    lines: impl DoubleEndedIterator<Item = &'a str>,
    service: &str,
) -> Option<&'a str> {
    lines.rev().find_map(|line| last_piece(line, service)).filter(|words| *words != OMITTED)
}

/// Pebble puts this before the lines if there were more of them.
const OMITTED: &str = "(...)";

/// Returns the last part of a line that is not blank. The parts are what is between Pebble's
/// stamps.
fn last_piece<'a>(line: &'a str, service: &str) -> Option<&'a str> {
    let name = format!(" [{service}]");
    let mut rest = line;
    loop {
        let stamp = rest
            .rmatch_indices(&name)
            .find_map(|(at, _)| Some((start_of_time(rest.get(..at)?)?, at + name.len())));
        let piece = match stamp {
            Some((_, end)) => rest.get(end..)?,
            None => rest,
        };
        if let Some(words) = piece.rsplit('\r').find(|words| shows_anything(words)) {
            return Some(words.trim());
        }
        rest = rest.get(..stamp?.0)?;
    }
}

/// Returns `true` for a text of which a reader sees anything, so not for the end of a colour alone.
fn shows_anything(text: &str) -> bool {
    const ENOUGH: usize = 4;
    !text::clean(text, ENOUGH).is_empty()
}

/// Returns the index at which the time begins that ends a text. Pebble writes milliseconds and `Z`,
/// or an offset.
fn start_of_time(text: &str) -> Option<usize> {
    const LENGTHS: [usize; 2] =
        ["2006-01-02T15:04:05.000+07:00".len(), "2006-01-02T15:04:05.000Z".len()];
    LENGTHS.into_iter().find_map(|length| {
        let start = text.len().checked_sub(length)?;
        text.get(start..)?.parse::<Timestamp>().ok().map(|_| start)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAMP: &str = "2026-11-30T12:49:48.220Z [web]";

    fn words(text: &str) -> Option<&str> {
        last_words(text.lines(), "web")
    }

    #[test]
    fn pebbles_stamp_is_not_output() {
        let glued = format!("one{STAMP} two{STAMP} three");
        let silent = format!("one{STAMP} two{STAMP}");
        for (text, last) in [
            (format!("    ERROR: first\n    {STAMP}"), Some("ERROR: first")),
            (format!("    first\n    {STAMP} \n    {STAMP}\n"), Some("first")),
            (format!("first\n{STAMP} \t"), Some("first")),
            (glued, Some("three")),
            (silent, Some("two")),
            (format!("{STAMP}{STAMP}"), None),
            ("one\n2026-11-30T12:49:48.220+07:00 [web]".to_owned(), Some("one")),
            ("    ".to_owned(), None),
            (format!("    (...)\n    {STAMP}\n    {STAMP}"), None),
            // Invisible characters do not count either.
            ("\u{1b}[31mERROR: first\n\u{1b}[0m".to_owned(), Some("\u{1b}[31mERROR: first")),
            ("first\n\0\0\u{200b}\n\u{1b}[K\u{1b}[?25h\n".to_owned(), Some("first")),
            (format!("first{STAMP} \u{1b}[0m{STAMP} \u{1b}[0m"), Some("first")),
            // A line that is written over shows its last writing.
            ("one\n10 %\r99 %\r".to_owned(), Some("99 %")),
            ("one\n10 %\rdone\r\u{1b}[K\r".to_owned(), Some("done")),
            // The stamp of another service, or a text like a stamp, is output of the service.
            ("2026-11-30T12:49:48.220Z [db]".to_owned(), Some("2026-11-30T12:49:48.220Z [db]")),
            ("at noon [web]".to_owned(), Some("at noon [web]")),
        ] {
            assert_eq!(words(&text), last, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_output_has_an_answer_without_a_stamp_at_its_start(
            parts in proptest::collection::vec("[ -~é]{0,8}", 1..5),
            end in "(?s).{0,20}",
        ) {
            let text = parts.join(STAMP) + &end;
            if let Some(last) = words(&text) {
                prop_assert!(!last.starts_with(STAMP), "{last}");
            }
        }
    }
}
