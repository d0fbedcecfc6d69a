//! YAML as Juju has it. Juju builds every part of it, the hook tools too, with a fork of yaml.v2
//! (github.com/juju/yaml/v2 v2.0.0), whose one difference that can be seen is that an exponent
//! needs a sign.

mod read;

pub use read::{strings, value, value_keyed_by_text};

/// Returns true if a scalar without quotes or tag stands for its own text, and not for null, a
/// boolean, a number or a moment.
#[must_use]
pub fn is_text(text: &str) -> bool {
    super::resolve::is_text(text, super::dialect::Dialect::Juju)
}
