//! The scanner of block scalars, `|` and `>`.

use super::state::{Mark, Scanned, Scanner, is_blank, is_break, is_break_or_end};
use crate::token::{Style, TokenKind};

/// The number of line breaks that stay at the end of a block scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// One line break stays.
    Clip,
    /// No line break stays (`-`).
    Strip,
    /// All line breaks stay (`+`).
    Keep,
}

impl Scanner {
    /// Scans a block scalar, with its indicator and its header.
    pub(super) fn scan_block_scalar(&mut self, is_literal: bool) -> Scanned {
        let start = self.mark;
        self.skip();
        let (chomping, increment) = self.scan_block_header(start)?;
        let mut indent = increment.map(|increment| self.indent.unwrap_or_default() + increment);
        let mut value = String::new();
        let mut last_break = String::new();
        let mut breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut breaks, start)?;
        self.ensure(1)?;
        let mut was_blank = false;
        while indent == Some(self.mark.column) && self.at(0) != '\0' {
            let is_blank = is_blank(self.at(0));
            // A folded scalar joins two lines with a blank, unless one of them is indented further
            // or an empty line stands between them.
            if !is_literal && !was_blank && !is_blank && last_break.starts_with('\n') {
                if breaks.is_empty() {
                    value.push(' ');
                }
            } else {
                value.push_str(&last_break);
            }
            last_break.clear();
            value.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            while !is_break_or_end(self.at(0)) {
                value.push(self.at(0));
                self.skip();
                self.ensure(1)?;
            }
            self.ensure(2)?;
            self.read_line(&mut last_break);
            self.scan_block_breaks(&mut indent, &mut breaks, start)?;
        }
        if chomping != Chomping::Strip {
            value.push_str(&last_break);
        }
        if chomping == Chomping::Keep {
            value.push_str(&breaks);
        }
        let style = if is_literal { Style::Literal } else { Style::Folded };
        self.push(TokenKind::Scalar { value, style }, start);
        Ok(())
    }

    /// Scans the header of a block scalar to the end of its line: the indicators for chomping and
    /// indentation, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Scanned<(Chomping, Option<usize>)> {
        self.ensure(1)?;
        let mut chomping = self.scan_chomping();
        self.ensure(1)?;
        let increment = match self.at(0).to_digit(10) {
            Some(0) => return Err(self.error(start, "found an indentation indicator equal to 0")),
            Some(digit) => {
                self.skip();
                usize::try_from(digit).ok()
            }
            None => None,
        };
        if chomping.is_none() && increment.is_some() {
            self.ensure(1)?;
            chomping = self.scan_chomping();
        }
        self.skip_rest_of_line(start)?;
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    /// Scans the indicator for chomping, if there is one.
    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.at(0) {
            '+' => Chomping::Keep,
            '-' => Chomping::Strip,
            _ => return None,
        };
        self.skip();
        Some(chomping)
    }

    /// Scans empty lines and the indentation of the line after them. Without an indicator in the
    /// header, that line sets the indentation of the scalar.
    fn scan_block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
        start: Mark,
    ) -> Scanned {
        let mut deepest = 0;
        loop {
            self.ensure(1)?;
            let is_indentation = |column: usize| indent.is_none_or(|indent| column < indent);
            while is_indentation(self.mark.column) && self.at(0) == ' ' {
                self.skip();
                self.ensure(1)?;
            }
            deepest = deepest.max(self.mark.column);
            if is_indentation(self.mark.column) && self.at(0) == '\t' {
                return Err(self
                    .error(start, "found a tab character where an indentation space is expected"));
            }
            if !is_break(self.at(0)) {
                break;
            }
            self.ensure(2)?;
            self.read_line(breaks);
        }
        if indent.is_none() {
            // An empty line may be indented further than the text, and libyaml then takes the
            // deepest of them.
            let least = self.indent.map_or(1, |indent| indent + 1);
            *indent = Some(deepest.max(least).max(1));
        }
        Ok(())
    }
}
