//! The scanner of anchors (`&a`), aliases (`*a`) and tags (`!!str`).

use super::state::{Mark, Scanned, Scanner, is_blank_or_end, is_word};
use crate::token::TokenKind;

impl Scanner {
    /// Scans an anchor or an alias.
    pub(super) fn scan_anchor(&mut self, is_alias: bool) -> Scanned {
        let start = self.mark;
        self.skip();
        let name = self.scan_word()?;
        let after = self.at(0);
        let ends = is_blank_or_end(after)
            || matches!(after, '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`');
        if name.is_empty() || !ends {
            return Err(self.error(start, "did not find expected alphabetic or numeric character"));
        }
        let kind = if is_alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        self.push(kind, start);
        Ok(())
    }

    /// Scans a tag.
    pub(super) fn scan_tag(&mut self) -> Scanned {
        let start = self.mark;
        self.ensure(2)?;
        let (handle, suffix) = if self.at(1) == '<' {
            self.skip();
            self.skip();
            let suffix = self.scan_tag_uri("", start)?;
            if self.at(0) != '>' {
                return Err(self.error(start, "did not find the expected '>'"));
            }
            self.skip();
            (String::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_tag_uri("", start)?;
                (handle, suffix)
            } else {
                // There is no second `!`, so the text that looked like a handle is the start of the
                // name of a tag with the handle `!`.
                let suffix = self.scan_tag_uri(&handle, start)?;
                // A lone `!` is a tag of its own.
                if suffix.is_empty() {
                    (String::new(), "!".to_owned())
                } else {
                    ("!".to_owned(), suffix)
                }
            }
        };
        self.ensure(1)?;
        if !is_blank_or_end(self.at(0)) {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    /// Scans the handle of a tag, such as `!`, `!!` or `!e!`.
    pub(super) fn scan_tag_handle(&mut self, in_directive: bool, start: Mark) -> Scanned<String> {
        self.ensure(1)?;
        if self.at(0) != '!' {
            return Err(self.error(start, "did not find expected '!'"));
        }
        self.skip();
        let mut handle = format!("!{}", self.scan_word()?);
        if self.at(0) == '!' {
            self.skip();
            handle.push('!');
        } else if in_directive && handle != "!" {
            return Err(self.error(start, "did not find expected '!'"));
        }
        Ok(handle)
    }

    /// Scans the name or the URI of a tag. `head` is a start of the name that was scanned as a
    /// handle; its leading `!` is dropped.
    pub(super) fn scan_tag_uri(&mut self, head: &str, start: Mark) -> Scanned<String> {
        let mut uri: Vec<u8> = head.bytes().skip(1).collect();
        let mut is_present = !head.is_empty();
        self.ensure(1)?;
        loop {
            match self.at(0) {
                '%' => self.scan_uri_escapes(start, &mut uri)?,
                other if is_uri(other) => {
                    uri.extend(u8::try_from(other));
                    self.skip();
                }
                _ => break,
            }
            self.ensure(1)?;
            is_present = true;
        }
        if !is_present {
            return Err(self.error(start, "did not find expected tag URI"));
        }
        Ok(String::from_utf8_lossy(&uri).into_owned())
    }

    /// Scans the escapes `%XX` of one character, which may have several bytes in UTF-8.
    fn scan_uri_escapes(&mut self, start: Mark, uri: &mut Vec<u8>) -> Scanned {
        // The number of bytes that the character still needs; `None` before its first byte.
        let mut left = None;
        while left != Some(0) {
            self.ensure(3)?;
            let digits = (self.at(0), self.at(1).to_digit(16), self.at(2).to_digit(16));
            let ('%', Some(high), Some(low)) = digits else {
                return Err(self.error(start, "did not find URI escaped octet"));
            };
            let octet = u8::try_from(high * 16 + low).unwrap_or_default();
            let width = match (left, octet) {
                (Some(left), 0x80..=0xbf) => left,
                (Some(_), _) => {
                    return Err(self.error(start, "found an incorrect trailing UTF-8 octet"));
                }
                (None, 0..=0x7f) => 1,
                (None, 0xc0..=0xdf) => 2,
                (None, 0xe0..=0xef) => 3,
                (None, 0xf0..=0xf7) => 4,
                (None, _) => {
                    return Err(self.error(start, "found an incorrect leading UTF-8 octet"));
                }
            };
            uri.push(octet);
            for _ in 0..3 {
                self.skip();
            }
            left = Some(width - 1);
        }
        Ok(())
    }
}

/// Returns `true` for a character that libyaml allows in the URI of a tag.
fn is_uri(character: char) -> bool {
    is_word(character)
        || matches!(
            character,
            ';' | '/'
                | '?'
                | ':'
                | '@'
                | '&'
                | '='
                | '+'
                | '$'
                | ','
                | '.'
                | '!'
                | '~'
                | '*'
                | '\''
                | '('
                | ')'
                | '['
                | ']'
        )
}
