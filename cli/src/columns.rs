//! Text in the columns of a terminal: its width, cutting it, and padding it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The mark that says that text was cut off.
const CUT: &str = "…";
/// The number of characters without a width of their own (accents, joiners) that are let through
/// for one column. Without a limit, one column could hold megabytes.
const CHARACTERS_PER_COLUMN: usize = 4;

/// Returns the number of columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns `text`, or as much of its beginning as fits in `columns` together with a mark that it
/// was cut.
pub fn cut(text: &str, columns: usize) -> String {
    let limit = columns.saturating_mul(CHARACTERS_PER_COLUMN);
    let is_short = text.chars().nth(limit).is_none();
    if is_short && width(text) <= columns {
        return text.to_owned();
    }
    let available = columns.saturating_sub(width(CUT));
    let mut used = 0;
    let mut kept: String = text
        .chars()
        .take(limit)
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= available
        })
        .collect();
    kept.push_str(CUT);
    kept
}

/// Returns `text` with blanks at its end that bring it to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_the_columns_it_takes() {
        assert_eq!(cut("", 3), "");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("漢字漢字", 8), "漢字漢字");
        assert_eq!(cut("漢字漢字", 7), "漢字漢…");
        assert_eq!(cut("漢字漢字", 6), "漢字…");
        assert_eq!(width(&cut(&"x".repeat(1 << 20), 240)), 240);
        let accents = "a".to_owned() + &"\u{301}".repeat(1 << 20);
        assert!(cut(&accents, 10).chars().count() <= 41);
    }

    #[test]
    fn text_is_filled_up_by_the_columns_it_takes() {
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(pad("漢", 4), "漢  ");
        assert_eq!(pad("abcde", 4), "abcde");
        assert_eq!(pad("e\u{301}", 2), "e\u{301} ");
    }
}
