//! The text that is being written, and the marks on what was written last.

/// The columns by which what is inside of something is indented.
pub(super) const INDENT_STEP: usize = 2;

/// The place of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    Item,
    /// A key on one line with its `:`.
    Key,
    /// A key after `?`, or a value.
    Entry,
}

pub(super) struct Writer {
    pub(super) text: String,
    /// In characters, from 0.
    pub(super) column: usize,
    /// The column at which the open collection stands; none outside of all.
    pub(super) indent: Option<usize>,
    /// True after a space, or an indicator that needs none after it.
    pub(super) is_after_space: bool,
    /// True while this line holds only spaces and the indicators of block collections.
    pub(super) is_at_indentation: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            column: 0,
            indent: None,
            is_after_space: true,
            is_at_indentation: true,
        }
    }

    pub(super) fn put(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    pub(super) fn line_end(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }

    /// Goes to the column of the open collection, on a new line where this one is in use.
    pub(super) fn indentation(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.is_at_indentation
            || self.column > indent
            || (self.column == indent && !self.is_after_space)
        {
            self.line_end();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.is_after_space = true;
        self.is_at_indentation = true;
    }

    pub(super) fn space(&mut self) {
        if !self.is_after_space {
            self.put(' ');
        }
    }

    pub(super) fn indicator(&mut self, indicator: &str, is_block: bool) {
        for character in indicator.chars() {
            self.put(character);
        }
        self.is_after_space = false;
        self.is_at_indentation &= is_block;
    }
}
