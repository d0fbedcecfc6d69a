//! Texts for one line of a status table or a failure message.

use std::error::Error as StdError;
use std::fmt::{self, Display};

use charmwright_yaml::text;

/// The longest text that the framework itself puts in a status or in a stored event, in bytes.
pub(crate) const LONGEST: usize = 512;

/// The text on one line, cleaned, at most [`LONGEST`] bytes.
pub(crate) fn one_line(value: &(impl Display + ?Sized)) -> String {
    text::one_line(value, LONGEST)
}

/// The lengths, in bytes, to which texts are cut one after another until all that is stored fits.
pub(crate) const CUTS: [usize; 5] = [256, 128, 64, 48, SHORTEST];

/// The length, in bytes, to which a stored text is cut at most.
pub(crate) const SHORTEST: usize = 32;

/// The text on one line, cleaned, of at most `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    text::clean(text, limit).into_owned()
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

/// The text on one line, cleaned, of at most the length that a chain of errors may have.
pub(crate) fn long_line(value: &(impl Display + ?Sized)) -> String {
    text::one_line(value, 8 * LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut() {
        let line = one_line(&"é".repeat(LONGEST));
        assert!(line.len() <= LONGEST, "{}", line.len());
        assert!(line.ends_with('…'));
    }
}
