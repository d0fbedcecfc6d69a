//! Simple keys, and the indentation that opens and closes block collections.
//!
//! A *simple key* is a key without a `?` before it. The scanner only knows that a token was a key
//! when it finds the `:` after it, so it remembers each token that may still become one.

use super::state::{Mark, Scanned, Scanner, SimpleKey};
use crate::token::{Token, TokenKind};

/// The largest distance from the start of a simple key to its `:`, in characters (libyaml).
const MAX_SIMPLE_KEY_LENGTH: usize = 1024;

impl Scanner {
    /// Returns the index of the possible key that is the next token, if there is one.
    pub(super) fn key_of_next_token(&self) -> Option<usize> {
        self.simple_keys
            .iter()
            .position(|key| key.is_possible && key.token_number == self.tokens_taken)
    }

    /// Drops every possible key that no `:` can follow any more.
    pub(super) fn drop_stale_keys(&mut self) -> Scanned {
        for index in 0..self.simple_keys.len() {
            self.is_key_valid(index)?;
        }
        Ok(())
    }

    /// Returns `true` if a `:` may still follow the possible key at this index: the key is on the
    /// current line and not too long. Otherwise the key is dropped, or is an error if it was
    /// required.
    pub(super) fn is_key_valid(&mut self, index: usize) -> Scanned<bool> {
        let mark = self.mark;
        let Some(key) = self.simple_keys.get_mut(index).filter(|key| key.is_possible) else {
            return Ok(false);
        };
        if key.mark.line == mark.line && mark.index <= key.mark.index + MAX_SIMPLE_KEY_LENGTH {
            return Ok(true);
        }
        let (start, is_required) = (key.mark, key.is_required);
        if is_required {
            return Err(self.error(start, "could not find expected ':'"));
        }
        key.is_possible = false;
        Ok(false)
    }

    /// Remembers the next token as a possible key, if a key may start here.
    pub(super) fn save_simple_key(&mut self) -> Scanned {
        if !self.is_simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            is_possible: true,
            // On the column of the open collection, a text that is not a key belongs to nothing.
            is_required: !self.in_flow() && self.indent == Some(self.mark.column),
            token_number: self.tokens_taken + self.tokens.len(),
            mark: self.mark,
        };
        self.remove_simple_key()?;
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    /// Drops the possible key of the current context. It is an error if the key was required.
    pub(super) fn remove_simple_key(&mut self) -> Scanned {
        let Some(key) = self.simple_keys.last_mut() else { return Ok(()) };
        let was = *key;
        key.is_possible = false;
        if was.is_possible && was.is_required {
            return Err(self.error(was.mark, "could not find expected ':'"));
        }
        Ok(())
    }

    /// Opens a block collection if the column is deeper than the one of the open collection.
    ///
    /// The token for its start goes before the token with the number `before`, or to the end.
    pub(super) fn roll_indent(
        &mut self,
        column: usize,
        before: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) {
        // Inside brackets, indentation has no meaning.
        if self.in_flow() || self.indent.is_some_and(|indent| indent >= column) {
            return;
        }
        self.indents.push(self.indent);
        self.indent = Some(column);
        let token = Token { kind, line: mark.line };
        let index =
            before.map_or(self.tokens.len(), |number| number.saturating_sub(self.tokens_taken));
        self.tokens.insert(index.min(self.tokens.len()), token);
    }

    /// Closes the block collections that are deeper than the column, or all of them for `None`.
    pub(super) fn unroll_indent(&mut self, column: Option<usize>) {
        if self.in_flow() {
            return;
        }
        // `None` is less than every column, so without a column all collections are closed, and
        // the loop ends when none is open.
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark);
            self.indent = self.indents.pop().flatten();
        }
    }
}
