//! [`document`] writes YAML byte for byte as Juju's fork of yaml.v2 does (github.com/juju/yaml/v2
//! v2.0.0).
//!
//! libyaml, from which yaml.v2 comes, keeps a few flags about the last character that it wrote, and
//! decides by them where a space or a newline goes. The [`Writer`] keeps the same flags. A writer
//! without them would differ in keys that need `?`, in block scalars and in long lines.

mod order;
mod scalar;
#[cfg(test)]
mod tests;
mod writer;

use super::data::{Data, Fields};
use super::go_number::yaml_number;
use writer::{INDENT_STEP, Place, Writer};

/// Writes a value as one YAML document, with a newline at its end.
pub(super) fn document(data: &Data) -> String {
    let mut writer = Writer::new();
    writer.node(data, Place::Root);
    writer.indentation();
    writer.text
}

impl Writer {
    fn node(&mut self, data: &Data, place: Place) {
        match data {
            Data::Array(items) if items.is_empty() => self.empty("[]"),
            Data::Array(items) => self.list(items, place),
            Data::Object(map) if map.is_empty() => self.empty("{}"),
            Data::Object(map) => self.map(map),
            Data::String(text) => self.string(text, place),
            Data::Bytes(bytes) => self.binary(bytes, place),
            // yaml.v2 writes a time without quotes, and a text that looks like one with them.
            Data::Time(time) => self.plain(time, place),
            Data::Null => self.plain("null", place),
            Data::Bool(true) => self.plain("true", place),
            Data::Bool(false) => self.plain("false", place),
            Data::Number(number) => {
                self.plain(&yaml_number(number.as_f64().unwrap_or_default()), place);
            }
        }
    }

    /// Writes an empty list or map, which yaml.v2 always writes in flow style.
    fn empty(&mut self, collection: &str) {
        self.space();
        self.indicator(collection, false);
    }

    fn list(&mut self, items: &[Data], place: Place) {
        let outer_indent = self.indent;
        // yaml.v2 does not indent a list below its key.
        let is_under_key = place == Place::Entry && !self.is_at_indentation;
        self.indent = match outer_indent {
            None => Some(0),
            Some(indent) if is_under_key => Some(indent),
            Some(indent) => Some(indent + INDENT_STEP),
        };
        for item in items {
            self.indentation();
            self.indicator("-", true);
            self.node(item, Place::Item);
        }
        self.indent = outer_indent;
    }

    fn map(&mut self, map: &Fields) {
        let outer_indent = self.indent;
        self.indent = Some(outer_indent.map_or(0, |indent| indent + INDENT_STEP));
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
        self.indent = outer_indent;
    }
}
