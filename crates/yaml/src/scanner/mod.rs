//! The scanner that turns characters into tokens, by the rules of libyaml.
//!
//! Go's YAML packages are ports of libyaml with a few changes of their own. Neither follows the
//! specification (YAML 1.1, in parts 1.2) to the letter: a text after a shallower indentation ends
//! the document, a tab is white space in some places only, and each error has its own text. A
//! scanner that follows the specification would read some documents differently from Pebble and
//! Juju.

mod block;
mod directive;
mod plain;
mod quoted;
mod simple_keys;
mod state;
mod tag;

pub(super) use state::Scanner;

use super::dialect::Dialect;
use super::error::{Stage, SyntaxError};
use super::token::{Token, TokenKind};
use state::{Scanned, SimpleKey, is_blank, is_blank_or_end, is_break};

/// The number of characters in which yaml.v3 looks for the next comment.
const COMMENT_SEARCH: usize = 512;

impl Scanner {
    /// Returns the next token without taking it. After the last token it returns the end of the
    /// stream each time.
    pub(crate) fn peek(&mut self) -> Scanned<&Token> {
        while self.needs_more_tokens()? {
            self.fetch_token()?;
        }
        self.tokens.front().ok_or(SyntaxError {
            stage: Stage::Parser,
            problem: "attempted to go past the end of stream",
            problem_line: 0,
            context_line: 0,
        })
    }

    /// Takes the token that [`peek`](Self::peek) returned. The end of the stream is never taken.
    pub(crate) fn skip_token(&mut self) {
        if self.tokens.front().is_some_and(|token| token.kind != TokenKind::StreamEnd) {
            self.tokens.pop_front();
            self.tokens_taken += 1;
        }
    }

    /// Returns `true` if the scanner has to read more before the next token is final. A later `:`
    /// can turn the next token into a key, and the tokens for the key and its mapping then come
    /// before it.
    fn needs_more_tokens(&mut self) -> Scanned<bool> {
        let is_at_end = self.tokens.back().is_some_and(|token| token.kind == TokenKind::StreamEnd);
        let may_be_key = match self.dialect {
            Dialect::Juju => {
                if self.tokens.is_empty() {
                    return Ok(true);
                }
                self.drop_stale_keys()?;
                self.key_of_next_token().is_some()
            }
            Dialect::Pebble => {
                // yaml.v3 always reads three tokens ahead, to attach comments to them. The
                // difference shows in which of two errors comes first.
                if self.tokens.len() < 3 {
                    return Ok(!is_at_end);
                }
                match self.key_of_next_token() {
                    Some(place) => self.is_key_valid(place)?,
                    None => false,
                }
            }
        };
        Ok(may_be_key && !is_at_end)
    }

    /// Scans the next token, or the few tokens that one character stands for.
    fn fetch_token(&mut self) -> Scanned {
        self.ensure(1)?;
        if !self.is_started {
            self.is_started = true;
            self.is_simple_key_allowed = true;
            self.simple_keys.push(SimpleKey::default());
            self.push(TokenKind::StreamStart, self.mark);
            return Ok(());
        }
        self.skip_to_next_token()?;
        // yaml.v3 checks a possible key later: when it is the next token, or when a `:` follows.
        if self.dialect == Dialect::Juju {
            self.drop_stale_keys()?;
        }
        self.unroll_indent(Some(self.mark.column));
        // The longest indicator, `---` with the character after it, has four characters.
        self.ensure(4)?;
        let (first, second) = (self.at(0), self.at(1));
        let in_flow = self.in_flow();
        match first {
            '\0' => self.fetch_stream_end(),
            '%' if self.mark.column == 0 => self.fetch_directive(),
            '-' if self.is_document_indicator() => {
                self.fetch_document_indicator(TokenKind::DocumentStart)
            }
            '.' if self.is_document_indicator() => {
                self.fetch_document_indicator(TokenKind::DocumentEnd)
            }
            '[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            '{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            ']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            '}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            ',' => self.fetch_flow_entry(),
            '-' if is_blank_or_end(second) => self.fetch_block_entry(),
            '?' if in_flow || is_blank_or_end(second) => self.fetch_key(),
            ':' if in_flow || is_blank_or_end(second) => self.fetch_value(),
            '*' | '&' => {
                self.save_simple_key()?;
                self.is_simple_key_allowed = false;
                self.scan_anchor(first == '*')
            }
            '!' => {
                self.save_simple_key()?;
                self.is_simple_key_allowed = false;
                self.scan_tag()
            }
            '|' | '>' if !in_flow => {
                self.remove_simple_key()?;
                self.is_simple_key_allowed = true;
                self.scan_block_scalar(first == '|')
            }
            '\'' | '"' => {
                self.save_simple_key()?;
                self.is_simple_key_allowed = false;
                self.scan_quoted(first == '\'')
            }
            _ if self.can_start_plain(first, second) => {
                self.save_simple_key()?;
                self.is_simple_key_allowed = false;
                self.scan_plain()
            }
            _ => Err(self.error(self.mark, "found character that cannot start any token")),
        }
    }

    /// Returns `true` if a plain scalar may start with these two characters.
    fn can_start_plain(&self, first: char, second: char) -> bool {
        let is_indicator = is_blank_or_end(first)
            || matches!(
                first,
                '-' | '?'
                    | ':'
                    | ','
                    | '['
                    | ']'
                    | '{'
                    | '}'
                    | '#'
                    | '&'
                    | '*'
                    | '!'
                    | '|'
                    | '>'
                    | '\''
                    | '"'
                    | '%'
                    | '@'
                    | '`'
            );
        !is_indicator
            || (first == '-' && !is_blank(second))
            || (!self.in_flow() && matches!(first, '?' | ':') && !is_blank_or_end(second))
    }

    /// Skips white space, line breaks and comments.
    fn skip_to_next_token(&mut self) -> Scanned {
        loop {
            self.ensure(1)?;
            // The decoder has removed the byte order mark that names the encoding. A second one at
            // the start is skipped; anywhere else it is an ordinary character.
            if self.mark.index == 0 && self.at(0) == '\u{feff}' {
                self.skip();
                self.ensure(1)?;
            }
            // Outside brackets, a tab is white space only where no key may start: the indentation
            // of a key must not depend on the width of a tab.
            while self.at(0) == ' '
                || (self.at(0) == '\t' && (self.in_flow() || !self.is_simple_key_allowed))
            {
                self.skip();
                self.ensure(1)?;
            }
            if self.at(0) == '#' {
                self.skip_to_line_end()?;
                if self.dialect == Dialect::Pebble {
                    self.skip_following_comments()?;
                }
            }
            if !is_break(self.at(0)) {
                return Ok(());
            }
            self.ensure(2)?;
            self.skip_line();
            if !self.in_flow() {
                self.is_simple_key_allowed = true;
            }
        }
    }

    /// Skips to the end of the last of several comments in a row, as yaml.v3 does. A tab before the
    /// later comments is then not an error, as it is in yaml.v2.
    fn skip_following_comments(&mut self) -> Scanned {
        loop {
            let is_empty =
                |offset: &usize| is_blank(self.at(*offset)) || is_break(self.at(*offset));
            let blanks = (0..COMMENT_SEARCH).take_while(is_empty).count();
            if self.at(blanks) != '#' {
                return Ok(());
            }
            let comment = self.mark.index + blanks;
            while self.mark.index < comment {
                if is_break(self.at(0)) {
                    self.skip_line();
                } else {
                    self.skip();
                }
            }
            self.skip_to_line_end()?;
        }
    }

    /// Scans the end of the stream.
    fn fetch_stream_end(&mut self) -> Scanned {
        // libyaml ends the last line even without a line break, and its errors count that line.
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.is_simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.mark);
        Ok(())
    }

    /// Scans a directive.
    fn fetch_directive(&mut self) -> Scanned {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.is_simple_key_allowed = false;
        self.scan_directive()
    }

    /// Scans `---` or `...`.
    fn fetch_document_indicator(&mut self, kind: TokenKind) -> Scanned {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.is_simple_key_allowed = false;
        self.push(kind, self.mark);
        for _ in 0..3 {
            self.skip();
        }
        Ok(())
    }

    /// Scans `[` or `{`.
    fn fetch_flow_start(&mut self, kind: TokenKind) -> Scanned {
        // The collection itself may be a key, and each item in it may be one of its own.
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey::default());
        self.is_simple_key_allowed = true;
        self.push(kind, self.mark);
        self.skip();
        Ok(())
    }

    /// Scans `]` or `}`.
    fn fetch_flow_end(&mut self, kind: TokenKind) -> Scanned {
        self.remove_simple_key()?;
        // A closing bracket without an opening one is an error of the parser, and must not remove
        // the key of the block context.
        if self.in_flow() {
            self.simple_keys.pop();
        }
        self.is_simple_key_allowed = false;
        self.push(kind, self.mark);
        self.skip();
        Ok(())
    }

    /// Scans `,`.
    fn fetch_flow_entry(&mut self) -> Scanned {
        self.remove_simple_key()?;
        self.is_simple_key_allowed = true;
        self.push(TokenKind::FlowEntry, self.mark);
        self.skip();
        Ok(())
    }

    /// Opens a block collection for the `-`, `?` or `:` at this position, unless one is open at
    /// this column. `refusal` is the error if no block collection may start here.
    fn open_block_collection(&mut self, kind: TokenKind, refusal: &'static str) -> Scanned {
        if self.in_flow() {
            return Ok(());
        }
        if !self.is_simple_key_allowed {
            return Err(self.error(self.mark, refusal));
        }
        self.roll_indent(self.mark.column, None, kind, self.mark);
        Ok(())
    }

    /// Scans the `-` of a block sequence.
    fn fetch_block_entry(&mut self) -> Scanned {
        self.open_block_collection(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.remove_simple_key()?;
        self.is_simple_key_allowed = true;
        self.push(TokenKind::BlockEntry, self.mark);
        self.skip();
        Ok(())
    }

    /// Scans the `?` before a key.
    fn fetch_key(&mut self) -> Scanned {
        self.open_block_collection(
            TokenKind::BlockMappingStart,
            "mapping keys are not allowed in this context",
        )?;
        self.remove_simple_key()?;
        self.is_simple_key_allowed = !self.in_flow();
        self.push(TokenKind::Key, self.mark);
        self.skip();
        Ok(())
    }

    /// Scans the `:` before a value. If the text before it is a simple key, the token for the key
    /// is inserted before that text.
    fn fetch_value(&mut self) -> Scanned {
        let last = self.simple_keys.len().saturating_sub(1);
        let is_key = match self.dialect {
            Dialect::Juju => self.simple_keys.last().is_some_and(|key| key.is_possible),
            Dialect::Pebble => self.is_key_valid(last)?,
        };
        match self.simple_keys.last_mut().filter(|_| is_key) {
            Some(key) => {
                key.is_possible = false;
                let key = *key;
                // The token for the key goes before the token that turned out to be one.
                let place =
                    key.token_number.saturating_sub(self.tokens_taken).min(self.tokens.len());
                let token = Token { kind: TokenKind::Key, line: key.mark.line };
                self.tokens.insert(place, token);
                self.roll_indent(
                    key.mark.column,
                    Some(key.token_number),
                    TokenKind::BlockMappingStart,
                    key.mark,
                );
                self.is_simple_key_allowed = false;
            }
            None => {
                self.open_block_collection(
                    TokenKind::BlockMappingStart,
                    "mapping values are not allowed in this context",
                )?;
                self.is_simple_key_allowed = !self.in_flow();
            }
        }
        self.push(TokenKind::Value, self.mark);
        self.skip();
        Ok(())
    }
}
