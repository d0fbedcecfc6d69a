//! Cleans and shortens texts so that each is one line of a status or of a failure message.

use std::error::Error as StdError;
use std::fmt::{self, Display};

use charmwright_yaml::text;

/// The limit for a text that the framework puts in a status or in a stored event, in bytes.
pub(crate) const LONGEST: usize = 512;

/// Returns the text as one line without control characters, of at most [`LONGEST`] bytes.
pub(crate) fn one_line(value: &(impl Display + ?Sized)) -> String {
    text::one_line(value, LONGEST)
}

/// The limits, in bytes, to which texts are cut one after another until a document fits.
pub(crate) const CUTS: [usize; 5] = [256, 128, 64, 48, SHORTEST];

/// The smallest limit to which a stored text is cut, in bytes.
pub(crate) const SHORTEST: usize = 32;

/// Returns the text as one line without control characters, of at most `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    text::clean(text, limit).into_owned()
}

/// Returns the error and its sources as one line: `cannot a: cannot b: connection refused`.
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

/// Returns the text as one line without control characters, of at most 4 KiB. A chain of errors has
/// this larger limit because it goes to the log, and its last cause is the one that tells most.
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
