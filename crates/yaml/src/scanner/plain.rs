//! Scalars without quotes.

use super::state::{Scanned, Scanner, is_blank, is_blank_or_end, is_break};
use crate::token::{Style, TokenKind};

/// The white space between two pieces of a scalar, which is kept, folded or dropped once the next
/// piece is found.
#[derive(Default)]
pub(super) struct Whitespace {
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// True if it holds a line break; blanks after one are indentation.
    pub(super) has_break: bool,
}

impl Whitespace {
    /// Writes what the white space stands for: its blanks, one blank for a single line break, or
    /// the breaks after the first.
    pub(super) fn fold_into(&mut self, text: &mut String) {
        if !self.has_break {
            text.push_str(&self.blanks);
        } else if !self.first_break.starts_with('\n') {
            text.push_str(&self.first_break);
            text.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            text.push(' ');
        } else {
            text.push_str(&self.more_breaks);
        }
        *self = Self::default();
    }
}

impl Scanner {
    /// Takes one blank or line break into a whitespace.
    pub(super) fn scan_whitespace(&mut self, whitespace: &mut Whitespace) -> Scanned {
        if is_blank(self.at(0)) {
            if !whitespace.has_break {
                whitespace.blanks.push(self.at(0));
            }
            self.skip();
        } else {
            self.ensure(2)?;
            if whitespace.has_break {
                self.read_line(&mut whitespace.more_breaks);
            } else {
                whitespace.has_break = true;
                self.read_line(&mut whitespace.first_break);
            }
        }
        self.ensure(1)
    }

    pub(super) fn scan_plain(&mut self) -> Scanned {
        let start = self.mark;
        let least_column = self.indent.map_or(0, |indent| indent + 1);
        let mut value = String::new();
        let mut whitespace = Whitespace::default();
        loop {
            self.ensure(4)?;
            if self.is_document_indicator() || self.at(0) == '#' {
                break;
            }
            while !is_blank_or_end(self.at(0)) && !self.ends_plain() {
                whitespace.fold_into(&mut value);
                value.push(self.at(0));
                self.skip();
                self.ensure(2)?;
            }
            if !(is_blank(self.at(0)) || is_break(self.at(0))) {
                break;
            }
            self.ensure(1)?;
            while is_blank(self.at(0)) || is_break(self.at(0)) {
                if whitespace.has_break && self.mark.column < least_column && self.at(0) == '\t' {
                    return Err(
                        self.error(start, "found a tab character that violates indentation")
                    );
                }
                self.scan_whitespace(&mut whitespace)?;
            }
            if !self.in_flow() && self.mark.column < least_column {
                break;
            }
        }
        if whitespace.has_break {
            self.is_simple_key_allowed = true;
        }
        let style = Style::Plain;
        self.push(TokenKind::Scalar { value, style }, start);
        Ok(())
    }

    fn ends_plain(&self) -> bool {
        match self.at(0) {
            ':' => is_blank_or_end(self.at(1)),
            ',' | '?' | '[' | ']' | '{' | '}' => self.in_flow(),
            _ => false,
        }
    }
}
