//! Texts for one line of a status table or a failure message.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::fmt::{self, Display};

/// The longest text that the framework itself puts in a status or in a stored event, in bytes.
pub(crate) const LONGEST: usize = 512;

/// The text on one line, without control characters, at most [`LONGEST`] bytes.
pub(crate) fn one_line(text: &(impl Display + ?Sized)) -> String {
    let mut line = Line {
        text: String::new(),
        pending_blank: false,
        limit: LONGEST,
    };
    // A full line answers with an error to stop the formatting early: that is no failure.
    let _ = write!(line, "{text}");
    line.text
}

/// The lengths, in bytes, to which texts are cut one after another until all that is stored fits.
pub(crate) const CUTS: [usize; 5] = [256, 128, 64, 48, SHORTEST];

/// The length, in bytes, to which a stored text is cut at most.
pub(crate) const SHORTEST: usize = 32;

/// The text on one line of at most `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let mut line = Line {
        text: String::new(),
        pending_blank: false,
        limit,
    };
    // As above: a full line is no failure.
    let _ = line.write_str(text);
    line.text
}

/// The error and its causes on one line: `cannot a: cannot b: connection refused`.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    struct Chain<'a>(&'a (dyn StdError + 'static));
    impl Display for Chain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)?;
            let mut next = self.0.source();
            while let Some(error) = next {
                write!(f, ": {error}")?;
                next = error.source();
            }
            Ok(())
        }
    }
    long_line(&Chain(error))
}

/// The text on one line, of at most the length that a chain of errors may have.
pub(crate) fn long_line(text: &(impl Display + ?Sized)) -> String {
    let mut line = Line {
        text: String::new(),
        pending_blank: false,
        limit: 8 * LONGEST,
    };
    let _ = write!(line, "{text}");
    line.text
}

struct Line {
    text: String,
    pending_blank: bool,
    limit: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars() {
            if character.is_whitespace() || character.is_control() {
                self.pending_blank = !self.text.is_empty();
                continue;
            }
            let blank = usize::from(std::mem::take(&mut self.pending_blank));
            if self.text.len() + blank + character.len_utf8() > self.limit - '…'.len_utf8() {
                self.text.push('…');
                return Err(fmt::Error);
            }
            if blank == 1 {
                self.text.push(' ');
            }
            self.text.push(character);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_becomes_one_blank() {
        assert_eq!(one_line("  cannot\n\tdo \r\n that \n"), "cannot do that");
    }

    #[test]
    fn a_long_text_ends_with_an_ellipsis() {
        let line = one_line(&"é".repeat(LONGEST));
        assert!(line.len() <= LONGEST, "{}", line.len());
        assert!(line.ends_with('…'));
    }

    proptest! {
        #[test]
        fn any_text_fits_one_line(text in "\\PC{0,400}|(?s).{0,400}") {
            let line = one_line(&text);
            prop_assert!(line.len() <= LONGEST);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(one_line(&line), line.clone());
        }
    }
}
