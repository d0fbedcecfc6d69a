//! [`Writer`] holds the text that is being written, and libyaml's flags about its last character.

/// The number of columns by which the content of a map or a list is indented.
pub(super) const INDENT_STEP: usize = 2;

/// The place of a node in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    Item,
    /// The node is a key on one line with its `:`.
    Key,
    /// The node is a key after `?`, or a value of a map.
    Entry,
}

pub(super) struct Writer {
    pub(super) text: String,
    /// The column of the next character, counted in characters from 0.
    pub(super) column: usize,
    /// The indentation of the innermost open map or list; `None` outside of any.
    pub(super) indent: Option<usize>,
    /// `true` after a space, and at the start, where no space is needed (libyaml's `whitespace`).
    pub(super) is_after_space: bool,
    /// `true` while the line has only spaces, `-`, `?` and `:` (libyaml's `indention`).
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

    /// Moves to the indentation of the innermost map or list, on a new line if the current line has
    /// other text already.
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

    /// Writes a space unless one was just written.
    pub(super) fn space(&mut self) {
        if !self.is_after_space {
            self.put(' ');
        }
    }

    /// Writes a piece of YAML's syntax. `is_block` is `true` for those after which the indentation
    /// goes on.
    pub(super) fn indicator(&mut self, indicator: &str, is_block: bool) {
        for character in indicator.chars() {
            self.put(character);
        }
        self.is_after_space = false;
        self.is_at_indentation &= is_block;
    }
}
