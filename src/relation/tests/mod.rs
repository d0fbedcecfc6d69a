//! Tests of the codecs, and of what the content of a databag becomes.

mod codecs;
mod json;
mod versions;

use std::collections::BTreeMap;

/// Makes a databag.
fn bag<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}
