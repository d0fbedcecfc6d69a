//! The reader that reads YAML as Juju does.
//!
//! Every part of Juju, the hook tools included, is built with a fork of yaml.v2
//! (github.com/juju/yaml/v2 v2.0.0). Its only visible difference from yaml.v2 is that the exponent
//! of a float requires a sign.

mod read;

pub use read::{binaries, strings, value, value_keyed_by_text};

/// Returns `true` if a scalar without quotes and without a tag is a string, and not null, a
/// boolean, a number or a timestamp.
#[must_use]
pub fn is_text(text: &str) -> bool {
    super::resolve::is_text(text, super::dialect::Dialect::Juju)
}
