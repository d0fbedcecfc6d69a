//! The scanner: characters to tokens, by the rules of libyaml, which Go's yaml packages have taken
//! over with their own few changes.
//!
//! YAML's grammar (1.1, with what 1.2 changed later) is not what these readers follow to the
//! letter: a text after a shallower indentation ends the document, a tab is blank in some places
//! only, and each mistake has its own words. A reader that keeps to the specification answers
//! otherwise.

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

/// The characters that yaml.v3 looks through for the next comment.
const COMMENT_SEARCH: usize = 512;

impl Scanner {
    /// Shows the next token. After the last one it shows the end of the stream again.
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

    /// Takes the token that [`Self::peek`] showed. The end of the stream stays.
    pub(crate) fn skip_token(&mut self) {
        if self.tokens.front().is_some_and(|token| token.kind != TokenKind::StreamEnd) {
            self.tokens.pop_front();
            self.tokens_taken += 1;
        }
    }

    /// Returns true if a later token may still change the next one: a `:` makes a key of it, which
    /// puts tokens before it.
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
                // For its comments yaml.v3 has always three tokens at hand.
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
        if self.dialect == Dialect::Juju {
            self.drop_stale_keys()?;
        }
        self.unroll_indent(Some(self.mark.column));
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

    fn skip_to_next_token(&mut self) -> Scanned {
        loop {
            self.ensure(1)?;
            // A byte order mark after the one that says the encoding; further on it is a letter.
            if self.mark.index == 0 && self.at(0) == '\u{feff}' {
                self.skip();
                self.ensure(1)?;
            }
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

    /// Skips to the end of the last of several comments in a row, as yaml.v3 does: a tab before
    /// each of the later ones is then no mistake.
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

    // One token each.

    fn fetch_stream_end(&mut self) -> Scanned {
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

    fn fetch_directive(&mut self) -> Scanned {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.is_simple_key_allowed = false;
        self.scan_directive()
    }

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

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Scanned {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey::default());
        self.is_simple_key_allowed = true;
        self.push(kind, self.mark);
        self.skip();
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Scanned {
        self.remove_simple_key()?;
        if self.in_flow() {
            self.simple_keys.pop();
        }
        self.is_simple_key_allowed = false;
        self.push(kind, self.mark);
        self.skip();
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scanned {
        self.remove_simple_key()?;
        self.is_simple_key_allowed = true;
        self.push(TokenKind::FlowEntry, self.mark);
        self.skip();
        Ok(())
    }

    /// Opens a block collection for a `-`, `?` or `:` that stands here, where one may.
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
