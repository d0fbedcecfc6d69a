//! The state of the scanner, and its operations on single characters and line breaks.

use std::collections::VecDeque;

use crate::dialect::Dialect;
use crate::error::{Stage, SyntaxError};
use crate::input::Input;
use crate::token::{Token, TokenKind};

/// A position in the text. The index, the line and the column count from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A token that becomes the key of a mapping if a `:` follows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SimpleKey {
    /// True while a `:` may still follow.
    pub(super) is_possible: bool,
    /// True if the token can only be a key, so that a missing `:` is an error.
    pub(super) is_required: bool,
    /// The number of the token, counted from the start of the stream.
    pub(super) token_number: usize,
    /// The position at which the token begins.
    pub(super) mark: Mark,
}

/// The scanner of one text.
pub(crate) struct Scanner {
    pub(super) dialect: Dialect,
    pub(super) input: Input,
    /// The position of the next character.
    pub(super) mark: Mark,
    /// True once the token for the start of the stream is scanned.
    pub(super) is_started: bool,
    /// The tokens that are scanned but not taken.
    pub(super) tokens: VecDeque<Token>,
    /// The number of tokens that were taken.
    pub(super) tokens_taken: usize,
    /// The column of the innermost open block collection; `None` if none is open.
    pub(super) indent: Option<usize>,
    /// The values of `indent` for the collections around it.
    pub(super) indents: Vec<Option<usize>>,
    /// True if a simple key may start at this position.
    pub(super) is_simple_key_allowed: bool,
    /// The possible key of the block context, then of each open flow collection.
    pub(super) simple_keys: Vec<SimpleKey>,
}

/// The result of scanning.
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

    /// Returns the character at this offset from the position.
    pub(super) fn at(&self, offset: usize) -> char {
        self.input.at(self.mark.index + offset)
    }

    /// Returns the decoder's error if one of the next `count` characters could not be decoded.
    ///
    /// libyaml decodes its input just before it looks at it. The calls stand at the same places, so
    /// that of a bad byte and a syntax error the same one is reported first.
    pub(super) fn ensure(&self, count: usize) -> Scanned {
        self.input.check_decoded(self.mark.index + count)
    }

    /// Skips one character that is not a line break.
    pub(super) fn skip(&mut self) {
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Skips one line break, if there is one here.
    pub(super) fn skip_line(&mut self) {
        if !is_break(self.at(0)) {
            return;
        }
        self.mark.index += if self.at(0) == '\r' && self.at(1) == '\n' { 2 } else { 1 };
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Scans one line break and adds it to `text`. Unicode's two separators stay as they are, and
    /// every other line break becomes a line feed.
    pub(super) fn read_line(&mut self, text: &mut String) {
        match self.at(0) {
            '\u{2028}' => text.push('\u{2028}'),
            '\u{2029}' => text.push('\u{2029}'),
            other if is_break(other) => text.push('\n'),
            _ => return,
        }
        self.skip_line();
    }

    /// Skips blanks and tabs.
    pub(super) fn skip_blanks(&mut self) -> Scanned {
        self.ensure(1)?;
        while is_blank(self.at(0)) {
            self.skip();
            self.ensure(1)?;
        }
        Ok(())
    }

    /// Skips all characters before the next line break.
    pub(super) fn skip_to_line_end(&mut self) -> Scanned {
        while !is_break_or_end(self.at(0)) {
            self.skip();
            self.ensure(1)?;
        }
        Ok(())
    }

    /// Skips blanks, a comment and the line break after a directive or the header of a block
    /// scalar, which began at `start`. Any other text is an error.
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

    /// Returns `true` if `---` or `...` is at the start of this line, with white space or the end
    /// of the input after it.
    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.column == 0
            && ['-', '.'].iter().any(|mark| (0..3).all(|offset| self.at(offset) == *mark))
            && is_blank_or_end(self.at(3))
    }

    /// Returns `true` inside brackets or braces.
    pub(super) fn in_flow(&self) -> bool {
        // The first element belongs to the block context.
        self.simple_keys.len() > 1
    }

    /// Makes a syntax error at this position, in a token that began at `context`.
    pub(super) fn error(&self, context: Mark, problem: &'static str) -> SyntaxError {
        SyntaxError {
            stage: Stage::Scanner,
            problem,
            problem_line: self.mark.line,
            context_line: context.line,
        }
    }

    /// Adds a token that began at `start`.
    pub(super) fn push(&mut self, kind: TokenKind, start: Mark) {
        self.tokens.push_back(Token { kind, line: start.line });
    }
}

/// Returns `true` for a blank or a tab.
pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// Returns `true` for a line break of YAML 1.1, which has more of them than YAML 1.2.
pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns `true` for a line break or the NUL at the end of the input.
pub(super) fn is_break_or_end(character: char) -> bool {
    character == '\0' || is_break(character)
}

/// Returns `true` for a blank, a tab, a line break or the NUL at the end of the input.
pub(super) fn is_blank_or_end(character: char) -> bool {
    is_blank(character) || is_break_or_end(character)
}

/// Returns `true` for a character that libyaml allows in the name of an anchor, a handle or a
/// directive.
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}
