//! The scanner's state, and its steps over one character.

use std::collections::VecDeque;

use crate::dialect::Dialect;
use crate::error::{Stage, SyntaxError};
use crate::input::Input;
use crate::token::{Token, TokenKind};

/// A place in the text, each part counted from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A token that is the key of a mapping, should a `:` follow it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub(super) is_possible: bool,
    pub(super) is_required: bool,
    pub(super) token_number: usize,
    pub(super) mark: Mark,
}

pub(crate) struct Scanner {
    pub(super) dialect: Dialect,
    pub(super) input: Input,
    pub(super) mark: Mark,
    pub(super) is_started: bool,
    pub(super) tokens: VecDeque<Token>,
    /// The number of tokens that were taken.
    pub(super) tokens_taken: usize,
    /// The column of the open block collection, and those around it; none outside of all.
    pub(super) indent: Option<usize>,
    pub(super) indents: Vec<Option<usize>>,
    pub(super) is_simple_key_allowed: bool,
    /// The possible key of the block context, and of each open flow collection.
    pub(super) simple_keys: Vec<SimpleKey>,
}

pub(super) type Scanned<T = ()> = Result<T, SyntaxError>;

impl Scanner {
    pub(crate) fn new(input: Input, dialect: Dialect) -> Self {
        Self {
            dialect,
            input,
            mark: Mark::default(),
            is_started: false,
            tokens: VecDeque::new(),
            tokens_taken: 0,
            indent: None,
            indents: Vec::new(),
            is_simple_key_allowed: false,
            simple_keys: Vec::new(),
        }
    }

    pub(super) fn at(&self, offset: usize) -> char {
        self.input.at(self.mark.index + offset)
    }

    pub(super) fn ensure(&self, count: usize) -> Scanned {
        self.input.check_decoded(self.mark.index + count)
    }

    pub(super) fn skip(&mut self) {
        self.mark.index += 1;
        self.mark.column += 1;
    }

    pub(super) fn skip_line(&mut self) {
        if !is_break(self.at(0)) {
            return;
        }
        self.mark.index += if self.at(0) == '\r' && self.at(1) == '\n' { 2 } else { 1 };
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Takes a line break into a text: each is a newline there, but for the separators of Unicode.
    pub(super) fn read_line(&mut self, text: &mut String) {
        match self.at(0) {
            '\u{2028}' => text.push('\u{2028}'),
            '\u{2029}' => text.push('\u{2029}'),
            other if is_break(other) => text.push('\n'),
            _ => return,
        }
        self.skip_line();
    }

    pub(super) fn skip_blanks(&mut self) -> Scanned {
        self.ensure(1)?;
        while is_blank(self.at(0)) {
            self.skip();
            self.ensure(1)?;
        }
        Ok(())
    }

    pub(super) fn skip_to_line_end(&mut self) -> Scanned {
        while !is_break_or_end(self.at(0)) {
            self.skip();
            self.ensure(1)?;
        }
        Ok(())
    }

    /// Skips what may follow a directive or the header of a block scalar, which began at `start`:
    /// blanks, a comment and the line's end.
    pub(super) fn skip_rest_of_line(&mut self, start: Mark) -> Scanned {
        self.skip_blanks()?;
        if self.at(0) == '#' {
            self.skip_to_line_end()?;
        }
        if !is_break_or_end(self.at(0)) {
            return Err(self.error(start, "did not find expected comment or line break"));
        }
        if is_break(self.at(0)) {
            self.ensure(2)?;
            self.skip_line();
        }
        Ok(())
    }

    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.column == 0
            && ['-', '.'].iter().any(|mark| (0..3).all(|offset| self.at(offset) == *mark))
            && is_blank_or_end(self.at(3))
    }

    pub(super) fn in_flow(&self) -> bool {
        self.simple_keys.len() > 1
    }

    pub(super) fn error(&self, context: Mark, problem: &'static str) -> SyntaxError {
        SyntaxError {
            stage: Stage::Scanner,
            problem,
            problem_line: self.mark.line,
            context_line: context.line,
        }
    }

    pub(super) fn push(&mut self, kind: TokenKind, start: Mark) {
        self.tokens.push_back(Token { kind, line: start.line });
    }
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_break_or_end(character: char) -> bool {
    character == '\0' || is_break(character)
}

pub(super) fn is_blank_or_end(character: char) -> bool {
    is_blank(character) || is_break_or_end(character)
}

/// Returns true for a letter in libyaml's sense: in the names of anchors, handles and directives.
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}
