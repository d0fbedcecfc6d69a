//! The scanner of directives, such as `%YAML 1.1` and `%TAG !e! tag:example.org,2000:`.

use super::state::{Mark, Scanned, Scanner, is_blank, is_blank_or_end, is_word};
use crate::token::TokenKind;

/// The most digits that a number of a version may have. Two digits fit into a `u8`.
const VERSION_DIGITS: usize = 2;

impl Scanner {
    /// Scans a directive to the end of its line.
    pub(super) fn scan_directive(&mut self) -> Scanned {
        let start = self.mark;
        self.skip();
        let name = self.scan_directive_name(start)?;
        let token = match name.as_str() {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.error(start, "found unknown directive name")),
        };
        self.skip_rest_of_line(start)?;
        self.push(token, start);
        Ok(())
    }

    /// Scans the name of a directive.
    fn scan_directive_name(&mut self, start: Mark) -> Scanned<String> {
        let name = self.scan_word()?;
        if name.is_empty() {
            return Err(self.error(start, "could not find expected directive name"));
        }
        if !is_blank_or_end(self.at(0)) {
            return Err(self.error(start, "found unexpected non-alphabetical character"));
        }
        Ok(name)
    }

    /// Scans letters, digits, `-` and `_`. The result may be empty.
    pub(super) fn scan_word(&mut self) -> Scanned<String> {
        let mut word = String::new();
        self.ensure(1)?;
        while is_word(self.at(0)) {
            word.push(self.at(0));
            self.skip();
            self.ensure(1)?;
        }
        Ok(word)
    }

    /// Scans the version of a `%YAML` directive.
    fn scan_version(&mut self, start: Mark) -> Scanned<TokenKind> {
        self.skip_blanks()?;
        let major = self.scan_version_number(start)?;
        if self.at(0) != '.' {
            return Err(self.error(start, "did not find expected digit or '.' character"));
        }
        self.skip();
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    /// Scans one of the two numbers of a version.
    fn scan_version_number(&mut self, start: Mark) -> Scanned<u8> {
        let mut number = 0;
        let mut length = 0;
        self.ensure(1)?;
        while let Some(digit) = self.at(0).to_digit(10) {
            length += 1;
            if length > VERSION_DIGITS {
                return Err(self.error(start, "found extremely long version number"));
            }
            number = number * 10 + u8::try_from(digit).unwrap_or_default();
            self.skip();
            self.ensure(1)?;
        }
        if length == 0 {
            return Err(self.error(start, "did not find expected version number"));
        }
        Ok(number)
    }

    /// Scans the handle and the prefix of a `%TAG` directive.
    fn scan_tag_directive(&mut self, start: Mark) -> Scanned<TokenKind> {
        self.skip_blanks()?;
        let handle = self.scan_tag_handle(true, start)?;
        self.ensure(1)?;
        if !is_blank(self.at(0)) {
            return Err(self.error(start, "did not find expected whitespace"));
        }
        self.skip_blanks()?;
        let prefix = self.scan_tag_uri("", start)?;
        if !is_blank_or_end(self.at(0)) {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }
}
