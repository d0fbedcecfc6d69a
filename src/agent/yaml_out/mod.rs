//! YAML as Juju writes it: byte for byte what its fork of yaml.v2 (github.com/juju/yaml/v2 v2.0.0) does.
//!
//! Where a space or a line end comes is decided by libyaml's few marks on what was written last, so those are kept here too; a writer that puts
//! each piece where it belongs would differ in keys that need `?`, in blocks and in long lines.

mod order;
mod scalar;
#[cfg(test)]
mod tests;

use super::data::{Data, Fields};
use super::output::yaml_number;

/// The columns by which what is inside of something is indented.
const STEP: usize = 2;

/// One document; ends with a line end.
pub(super) fn document(data: &Data) -> String {
    let mut writer = Writer {
        text: String::new(),
        column: 0,
        indent: None,
        is_after_space: true,
        is_at_indentation: true,
    };
    writer.node(data, Place::Root);
    writer.indentation();
    writer.text
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    /// A key on one line with its `:`.
    Key,
    /// A key after `?`, or a value.
    Entry,
}

struct Writer {
    text: String,
    /// In characters, from 0.
    column: usize,
    /// The column at which the open collection stands; none outside of all.
    indent: Option<usize>,
    /// Whether a space was written last, or an indicator that needs none after it.
    is_after_space: bool,
    /// Whether only spaces and the indicators of block collections stand before, on this line.
    is_at_indentation: bool,
}

impl Writer {
    fn put(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    fn line_end(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }

    /// Goes to the column of the open collection, on a new line where this one is in use.
    fn indentation(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.is_at_indentation || self.column > indent || (self.column == indent && !self.is_after_space) {
            self.line_end();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.is_after_space = true;
        self.is_at_indentation = true;
    }

    fn space(&mut self) {
        if !self.is_after_space {
            self.put(' ');
        }
    }

    fn indicator(&mut self, indicator: &str, is_block: bool) {
        for character in indicator.chars() {
            self.put(character);
        }
        self.is_after_space = false;
        self.is_at_indentation &= is_block;
    }

    fn node(&mut self, data: &Data, place: Place) {
        match data {
            Data::Array(items) if items.is_empty() => self.empty("[]"),
            Data::Array(items) => self.list(items, place),
            Data::Object(map) if map.is_empty() => self.empty("{}"),
            Data::Object(map) => self.map(map),
            Data::String(text) => self.string(text, place),
            Data::Null => self.plain("null", place),
            Data::Bool(true) => self.plain("true", place),
            Data::Bool(false) => self.plain("false", place),
            Data::Number(number) => self.plain(&yaml_number(number.as_f64().unwrap_or_default()), place),
        }
    }

    fn empty(&mut self, collection: &str) {
        self.space();
        self.indicator(collection, false);
    }

    fn list(&mut self, items: &[Data], place: Place) {
        let around = self.indent;
        // A list under its key is not indented.
        let is_under_key = place == Place::Entry && !self.is_at_indentation;
        self.indent = match around {
            None => Some(0),
            Some(indent) if is_under_key => Some(indent),
            Some(indent) => Some(indent + STEP),
        };
        for item in items {
            self.indentation();
            self.indicator("-", true);
            self.node(item, Place::Item);
        }
        self.indent = around;
    }

    fn map(&mut self, map: &Fields) {
        let around = self.indent;
        self.indent = Some(around.map_or(0, |indent| indent + STEP));
        for (key, value) in order::sorted(map) {
            self.indentation();
            if scalar::is_simple_key(key) {
                self.string(key, Place::Key);
                self.indicator(":", false);
            } else {
                self.space();
                self.indicator("?", true);
                self.string(key, Place::Entry);
                self.indentation();
                self.indicator(":", true);
            }
            self.node(value, Place::Entry);
        }
        self.indent = around;
    }
}
