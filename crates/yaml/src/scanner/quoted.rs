//! The scanner of scalars in single and double quotes.

use super::plain::Whitespace;
use super::state::{Mark, Scanned, Scanner, is_blank, is_blank_or_end, is_break};
use crate::token::{Style, TokenKind};

impl Scanner {
    /// Scans a scalar in quotes.
    pub(super) fn scan_quoted(&mut self, is_single: bool) -> Scanned {
        let start = self.mark;
        let quote = self.at(0);
        self.skip();
        let mut value = String::new();
        loop {
            // A document indicator is an error within quotes, so that a missing quote does not
            // swallow the next document.
            self.ensure(4)?;
            if self.is_document_indicator() {
                return Err(self.error(start, "found unexpected document indicator"));
            }
            if self.at(0) == '\0' {
                return Err(self.error(start, "found unexpected end of stream"));
            }
            let mut whitespace = Whitespace::default();
            while !is_blank_or_end(self.at(0)) {
                if is_single && self.at(0) == '\'' && self.at(1) == '\'' {
                    value.push('\'');
                    self.skip();
                    self.skip();
                } else if self.at(0) == quote {
                    break;
                } else if !is_single && self.at(0) == '\\' && is_break(self.at(1)) {
                    // An escaped line break is dropped, with the indentation after it.
                    self.ensure(3)?;
                    self.skip();
                    self.skip_line();
                    whitespace.has_break = true;
                    break;
                } else if !is_single && self.at(0) == '\\' {
                    value.push(self.scan_escape(start)?);
                } else {
                    value.push(self.at(0));
                    self.skip();
                }
                self.ensure(2)?;
            }
            self.ensure(1)?;
            if self.at(0) == quote {
                break;
            }
            while is_blank(self.at(0)) || is_break(self.at(0)) {
                self.scan_whitespace(&mut whitespace)?;
            }
            whitespace.fold_into(&mut value);
        }
        self.skip();
        let style = if is_single { Style::SingleQuoted } else { Style::DoubleQuoted };
        self.push(TokenKind::Scalar { value, style }, start);
        Ok(())
    }

    /// Scans an escape of a scalar in double quotes.
    fn scan_escape(&mut self, start: Mark) -> Scanned<char> {
        let (character, digits) = match self.at(1) {
            '0' => ('\0', 0),
            'a' => ('\u{7}', 0),
            'b' => ('\u{8}', 0),
            't' | '\t' => ('\t', 0),
            'n' => ('\n', 0),
            'v' => ('\u{b}', 0),
            'f' => ('\u{c}', 0),
            'r' => ('\r', 0),
            'e' => ('\u{1b}', 0),
            'N' => ('\u{85}', 0),
            '_' => ('\u{a0}', 0),
            'L' => ('\u{2028}', 0),
            'P' => ('\u{2029}', 0),
            plain @ (' ' | '"' | '\'' | '\\') => (plain, 0),
            'x' => ('\0', 2),
            'u' => ('\0', 4),
            'U' => ('\0', 8),
            _ => return Err(self.error(start, "found unknown escape character")),
        };
        self.skip();
        self.skip();
        if digits == 0 {
            return Ok(character);
        }
        self.ensure(digits)?;
        let mut code: u32 = 0;
        for offset in 0..digits {
            let Some(digit) = self.at(offset).to_digit(16) else {
                return Err(self.error(start, "did not find expected hexdecimal number"));
            };
            code = (code << 4) | digit;
        }
        // Half of a surrogate pair is not a character, in libyaml too. It therefore refuses JSON
        // that escapes a character beyond the basic plane.
        let Some(character) = char::from_u32(code) else {
            return Err(self.error(start, "found invalid Unicode character escape code"));
        };
        for _ in 0..digits {
            self.skip();
        }
        Ok(character)
    }
}
