//! Keys that no `?` marks, which only a later `:` makes keys, and the indentation that opens and
//! closes block collections.

use super::state::{Mark, Scanned, Scanner, SimpleKey};
use crate::token::{Token, TokenKind};

/// The characters after which a text on one line can no longer be the key of a `: `.
const MAX_SIMPLE_KEY_LENGTH: usize = 1024;

impl Scanner {
    pub(super) fn key_of_next_token(&self) -> Option<usize> {
        self.simple_keys
            .iter()
            .position(|key| key.is_possible && key.token_number == self.tokens_taken)
    }

    pub(super) fn drop_stale_keys(&mut self) -> Scanned {
        for place in 0..self.simple_keys.len() {
            self.is_key_valid(place)?;
        }
        Ok(())
    }

    /// Returns true if the key at this place is still possible: it stands on one line, and its `:`
    /// is not far.
    pub(super) fn is_key_valid(&mut self, place: usize) -> Scanned<bool> {
        let mark = self.mark;
        let Some(key) = self.simple_keys.get_mut(place).filter(|key| key.is_possible) else {
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

    pub(super) fn save_simple_key(&mut self) -> Scanned {
        if !self.is_simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            is_possible: true,
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

    pub(super) fn remove_simple_key(&mut self) -> Scanned {
        let Some(key) = self.simple_keys.last_mut() else { return Ok(()) };
        let was = *key;
        key.is_possible = false;
        if was.is_possible && was.is_required {
            return Err(self.error(was.mark, "could not find expected ':'"));
        }
        Ok(())
    }

    /// Opens a block collection if this column is deeper than the open one.
    pub(super) fn roll_indent(
        &mut self,
        column: usize,
        before: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) {
        if self.in_flow() || self.indent.is_some_and(|indent| indent >= column) {
            return;
        }
        self.indents.push(self.indent);
        self.indent = Some(column);
        let token = Token { kind, line: mark.line };
        let place =
            before.map_or(self.tokens.len(), |number| number.saturating_sub(self.tokens_taken));
        self.tokens.insert(place.min(self.tokens.len()), token);
    }

    /// Closes the block collections that are deeper than this column; without one, all.
    pub(super) fn unroll_indent(&mut self, column: Option<usize>) {
        if self.in_flow() {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark);
            self.indent = self.indents.pop().flatten();
        }
    }
}
