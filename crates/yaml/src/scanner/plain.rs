//! Scalars without quotes.

use super::state::{Scanned, Scanner, is_blank, is_blank_or_end, is_break};
use crate::token::{Style, TokenKind};

/// The white space between two pieces of a scalar, which is kept, folded or dropped once the next
/// piece is found.
#[derive(Default)]
pub(super) struct Gap {
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// True if it holds a line break; blanks after one are indentation.
    pub(super) has_break: bool,
}

impl Gap {
    /// Writes what the gap stands for: its blanks, one blank for a single line break, or the breaks
    /// after the first.
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
    /// Takes one blank or line break into a gap.
    pub(super) fn scan_gap(&mut self, gap: &mut Gap) -> Scanned {
        if is_blank(self.at(0)) {
            if !gap.has_break {
                gap.blanks.push(self.at(0));
            }
            self.skip();
        } else {
            self.need(2)?;
            if gap.has_break {
                self.read_line(&mut gap.more_breaks);
            } else {
                gap.has_break = true;
                self.read_line(&mut gap.first_break);
            }
        }
        self.need(1)
    }

    pub(super) fn scan_plain(&mut self) -> Scanned {
        let start = self.mark;
        let least_column = self.indent.map_or(0, |indent| indent + 1);
        let mut value = String::new();
        let mut gap = Gap::default();
        loop {
            self.need(4)?;
            if self.is_document_indicator() || self.at(0) == '#' {
                break;
            }
            while !is_blank_or_end(self.at(0)) && !self.ends_plain() {
                gap.fold_into(&mut value);
                value.push(self.at(0));
                self.skip();
                self.need(2)?;
            }
            if !(is_blank(self.at(0)) || is_break(self.at(0))) {
                break;
            }
            self.need(1)?;
            while is_blank(self.at(0)) || is_break(self.at(0)) {
                if gap.has_break && self.mark.column < least_column && self.at(0) == '\t' {
                    return Err(
                        self.error(start, "found a tab character that violates indentation")
                    );
                }
                self.scan_gap(&mut gap)?;
            }
            if !self.in_flow() && self.mark.column < least_column {
                break;
            }
        }
        if gap.has_break {
            self.is_key_allowed = true;
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
