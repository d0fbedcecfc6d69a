//! The functions that clean a text from outside before it is shown.
//!
//! A message of Pebble, the output of a workload or the name of a file may hold anything: escape
//! sequences that move a terminal's cursor, characters that reverse the direction of the text, or a
//! gigabyte of data. Every program of charmwright that shows such a text cleans it here first.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

/// The character at the end of a text that was cut.
const ELLIPSIS: char = '…';

/// Cleans a text for one line of at most `limit` bytes of UTF-8.
///
/// - A run of white space and control characters becomes one blank, and none stays at either end.
/// - Escape sequences, such as those for colours (ECMA-48, CSI), are left out.
/// - Characters without a width are left out (Unicode, category Cf and
///   `Default_Ignorable_Code_Point`).
/// - A text that is longer than `limit` is cut and ends with `…`, whose 3 bytes count. A `limit`
///   below 3 counts as 3.
#[must_use]
pub fn clean(text: &str, limit: usize) -> Cow<'_, str> {
    Cleaner::new(Layout::SingleLine, limit).clean(text)
}

/// Cleans a text of several lines as [`clean`] does, but keeps line feeds, tabs and blanks. A
/// carriage return becomes a line feed, and each other control character a blank.
#[must_use]
pub fn clean_lines(text: &str, limit: usize) -> Cow<'_, str> {
    Cleaner::new(Layout::MultiLine, limit).clean(text)
}

/// Cleans the `Display` of a value as [`clean`] does. The formatting stops when the line is full.
#[must_use]
pub fn one_line(value: &(impl Display + ?Sized), limit: usize) -> String {
    let mut cleaner = Cleaner::new(Layout::SingleLine, limit);
    // A full line returns an error to stop the formatting, which is not a failure.
    let _ = write!(cleaner, "{value}");
    cleaner.text
}

/// The white space that a cleaned text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One line: a run of white space becomes one blank, and none stays at either end.
    SingleLine,
    /// Several lines: blanks, tabs and line feeds stay as they are.
    MultiLine,
}

/// The input just before the next character. A text comes in several parts, so the state has to
/// outlive one part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Previous {
    /// An ordinary character, or nothing.
    Text,
    /// An ESC, which is left out whatever follows it.
    Escape,
    /// The start of a control sequence, which ends with its first character from `@` to `~`.
    ControlSequence,
    /// A carriage return, for which a line feed was written already.
    CarriageReturn,
}

/// A writer that cleans the text that is written to it.
struct Cleaner {
    layout: Layout,
    limit: usize,
    text: String,
    /// True if white space was read. A blank is written for it once another character follows, so
    /// that none stays at the end.
    has_pending_blank: bool,
    previous: Previous,
    /// The length at which the text is cut if it grows too long, so that `…` fits behind it.
    cut_at: usize,
}

impl Cleaner {
    fn new(layout: Layout, limit: usize) -> Self {
        Self {
            layout,
            limit: limit.max(ELLIPSIS.len_utf8()),
            text: String::new(),
            has_pending_blank: false,
            previous: Previous::Text,
            cut_at: 0,
        }
    }

    /// Cleans a whole text. A text that is clean already is not copied.
    fn clean(mut self, text: &str) -> Cow<'_, str> {
        if text.len() <= self.limit && self.layout.is_clean(text) {
            return text.into();
        }
        // An error only means that the text was cut.
        let _ = self.write_str(text);
        self.text.into()
    }

    /// Writes one character, or leaves it out. An error means that the text is full.
    fn clean_char(&mut self, character: char) -> fmt::Result {
        match (std::mem::replace(&mut self.previous, Previous::Text), character) {
            (Previous::Escape, '[') | (_, '\u{9b}') => self.previous = Previous::ControlSequence,
            (_, '\u{1b}') => self.previous = Previous::Escape,
            // A sequence has parameters and intermediates, then one final character (ECMA-48, 5.4).
            (Previous::ControlSequence, ' '..='?') => self.previous = Previous::ControlSequence,
            (Previous::ControlSequence, '@'..='~') => {}
            (_, character) if self.layout == Layout::SingleLine => {
                if character.is_whitespace() || character.is_control() {
                    self.has_pending_blank = !self.text.is_empty();
                } else if !is_invisible(character) {
                    return self.push(character);
                }
            }
            (Previous::CarriageReturn, '\n') => {}
            // On a terminal, a carriage return alone lets the next text overwrite the line.
            (_, '\r') => {
                self.previous = Previous::CarriageReturn;
                return self.push('\n');
            }
            (_, '\n' | '\t') => return self.push(character),
            (_, character) if character.is_whitespace() || character.is_control() => {
                return self.push(' ');
            }
            (_, character) if is_invisible(character) => {}
            (_, character) => return self.push(character),
        }
        Ok(())
    }

    /// Writes a clean character, and cuts the text if it is full.
    fn push(&mut self, character: char) -> fmt::Result {
        if std::mem::take(&mut self.has_pending_blank) {
            self.text.push(' ');
        }
        self.text.push(character);
        if self.text.len() > self.limit {
            self.text.truncate(self.cut_at);
            self.text.push(ELLIPSIS);
            return Err(fmt::Error);
        }
        if self.text.len() <= self.limit - ELLIPSIS.len_utf8() {
            self.cut_at = self.text.len();
        }
        Ok(())
    }
}

impl fmt::Write for Cleaner {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        part.chars().try_for_each(|character| self.clean_char(character))
    }
}

impl Layout {
    /// Returns `true` if a text is clean already.
    fn is_clean(self, text: &str) -> bool {
        let is_clean_char = |character: char| match character {
            ' ' => true,
            '\n' | '\t' => self == Self::MultiLine,
            _ => !character.is_whitespace() && !character.is_control() && !is_invisible(character),
        };
        let has_spare_blanks = || text != text.trim_matches(' ') || text.contains("  ");
        text.chars().all(is_clean_char) && (self == Self::MultiLine || !has_spare_blanks())
    }
}

/// Returns `true` if a character has no glyph of its own, or changes how its neighbours are shown.
///
/// These are category Cf of Unicode 16 (the bidirectional controls are among them), the property
/// `Default_Ignorable_Code_Point`, and the code points that Unicode calls noncharacters.
fn is_invisible(character: char) -> bool {
    // The last two code points of each plane are noncharacters.
    let is_last_of_plane = u32::from(character) & 0xfffe == 0xfffe;
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    ) || is_last_of_plane
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Characters that must not reach a terminal or a reader.
    const BAD: &str = concat!(
        "\0\u{7}\u{8}\r\u{b}\u{1b}\u{7f}\u{85}\u{9b}\u{9d}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}",
        "\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{fffe}\u{fff9}",
        "\u{e0041}\u{e0100}",
    );

    #[test]
    fn white_space_becomes_one_blank() {
        assert_eq!(clean("  cannot\n\tdo \r\n that \n", 100), "cannot do that");
        assert_eq!(clean("a\u{a0}\u{3000}b\0c", 100), "a b c");
    }

    #[test]
    fn a_clean_text_is_not_copied() {
        for text in ["", "cannot do that", "größer — 東京"] {
            assert!(matches!(clean(text, 100), Cow::Borrowed(same) if same == text));
        }
        assert!(matches!(clean_lines("a:\n\tb\n\n  c\n", 100), Cow::Borrowed(_)));
    }

    #[test]
    fn colours_are_left_out() {
        let text = "\u{1b}[1;31mERROR\u{1b}[0m: no \u{9b}4mport\u{9b}m\u{1b}[2J, \u{1b}7x\u{1b}";
        assert_eq!(clean(text, 100), "ERROR: no port, 7x");
        assert_eq!(clean_lines(text, 100), "ERROR: no port, 7x");
        // A sequence that is not finished takes no other characters with it.
        assert_eq!(clean("\u{1b}[1;2\nline", 100), "line");
    }

    #[test]
    fn no_misleading_character_is_left() {
        for character in BAD.chars() {
            let text = format!("a{character}z");
            for cleaned in [clean(&text, 100), clean_lines(&text, 100)] {
                assert!(!cleaned.contains(character), "{text:?}: {cleaned:?}");
                assert!(cleaned.starts_with('a'), "{text:?}: {cleaned:?}");
            }
        }
    }

    #[test]
    fn lines_keep_their_indentation_and_are_never_overwritten() {
        assert_eq!(clean_lines("a:\r\n  b\u{b}c\n\td\n", 100), "a:\n  b c\n\td\n");
        assert_eq!(clean_lines("10 %\r20 %\r\r\nend", 100), "10 %\n20 %\n\nend");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_ends_with_an_ellipsis() {
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abc…");
        assert_eq!(clean("ab cdefg", 6), "ab…");
        assert_eq!(clean("abc defg", 7), "abc…");
        assert_eq!(clean("abcdef\n\n", 6), "abcdef");
        assert_eq!(clean("ééé", 5), "é…");
        assert_eq!(clean("abcd", 0), "…");
        assert_eq!(clean_lines("a\nbcdef", 5), "a\n…");
    }

    #[test]
    fn the_formatting_stops_when_the_line_is_full() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("more ")?;
                }
            }
        }
        assert_eq!(one_line(&Endless, 12), "more more…");
    }

    proptest! {
        #[test]
        fn any_text_fits(text in "\\PC{0,40}|(?s).{0,40}", limit in 3..60_usize) {
            let line = clean(&text, limit).into_owned();
            prop_assert!(line.len() <= limit);
            prop_assert!(!line.contains(|c: char| c.is_control() || is_invisible(c)), "{line:?}");
            prop_assert_eq!(clean(&line, limit), line.as_str());
            prop_assert_eq!(one_line(&text, limit), line);
            let lines = clean_lines(&text, limit).into_owned();
            prop_assert!(lines.len() <= limit);
            prop_assert_eq!(clean_lines(&lines, limit), lines.as_str());
        }
    }
}
