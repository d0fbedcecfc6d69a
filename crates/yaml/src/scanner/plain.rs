//! The scanner of plain scalars, which have no quotes.

use super::state::{Scanned, Scanner, is_blank, is_blank_or_end, is_break};
use crate::token::{Style, TokenKind};

/// The white space between two parts of a scalar. It is dropped if no other part follows.
#[derive(Default)]
pub(super) struct Whitespace {
    /// The blanks and tabs before the first line break.
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// True if there is a line break. Blanks after it are indentation and are dropped.
    pub(super) has_break: bool,
}

impl Whitespace {
    /// Adds the white space to `text` in its folded form: the blanks of one line, a blank for a
    /// single line break, or the line breaks after the first.
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
    /// Scans one blank or line break into `whitespace`.
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

    /// Scans a plain scalar.
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
            // A line that is not indented further than the collection belongs to the collection.
            if !self.in_flow() && self.mark.column < least_column {
                break;
            }
        }
        // The scalar ended at the start of a line, where a new key may start.
        if whitespace.has_break {
            self.is_simple_key_allowed = true;
        }
        let style = Style::Plain;
        self.push(TokenKind::Scalar { value, style }, start);
        Ok(())
    }

    /// Returns `true` if the character at this position ends a plain scalar.
    fn ends_plain(&self) -> bool {
        match self.at(0) {
            ':' => is_blank_or_end(self.at(1)),
            ',' | '?' | '[' | ']' | '{' | '}' => self.in_flow(),
            _ => false,
        }
    }
}
