//! [`encode`] checks the keys and the sizes of a content.
//!
//! Source: Juju, `core/secrets`; reference `juju-agent-measured.md` 3.6.

use std::collections::BTreeMap;

use super::content::{BASE64_SUFFIX, SecretContent};
use crate::base64;
use crate::go_text::go_quote;

/// The most bytes, in base64, of one value and of all values together.
pub(crate) const CONTENT_LIMIT: usize = 1_000_000;

/// Each key with its suffix, and its value: bytes, or text in base64 if the key says so. Of two
/// equal keys the last one counts.
pub(crate) type Entries = BTreeMap<String, Vec<u8>>;

/// Reads the content that the operator gives: keys, which may have the suffix `#base64`, with
/// values.
///
/// # Errors
/// Returns Juju's text for a key or a size that it refuses.
pub(crate) fn content_of(pairs: &[(&str, &str)]) -> Result<SecretContent, String> {
    let entries = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    encode(entries.collect()).map(SecretContent::from_encoded)
}

/// Reads the content that stands in the arguments of a `juju` command.
///
/// # Errors
/// As [`content_of`], and also for a value that is empty or has nothing but `=`, which Juju takes
/// for the padding of base64. In a file such a value is allowed.
pub(crate) fn content_of_arguments(pairs: &[(&str, &str)]) -> Result<SecretContent, String> {
    let is_empty = |value: &str| value.trim_end_matches('=').is_empty();
    match pairs.iter().find(|(_, value)| is_empty(value)) {
        Some((key, value)) => {
            Err(format!("key value {} not valid", go_quote(&format!("{key}={value}"))))
        }
        None => content_of(pairs),
    }
}

/// Encodes the values in base64, and checks the keys and the sizes. Juju does not check a value
/// with the suffix `#base64` (measured).
///
/// # Errors
/// Returns Juju's text for a key or a size that it refuses.
pub(crate) fn encode(entries: Entries) -> Result<BTreeMap<String, String>, String> {
    let mut content = BTreeMap::new();
    let mut total = 0_usize;
    for (key, value) in entries {
        let (key, value) = match key.strip_suffix(BASE64_SUFFIX) {
            Some(key) => (key.to_owned(), String::from_utf8_lossy(&value).into_owned()),
            None => (key, base64::encode(&value)),
        };
        if !is_key(&key) {
            return Err(format!("key {} not valid", go_quote(&key)));
        }
        let length = value.len();
        if length > CONTENT_LIMIT {
            return Err(format!(
                "base64 encoded secret content for key {} too large: {length} bytes",
                go_quote(&key)
            ));
        }
        total = total.saturating_add(length);
        content.insert(key, value);
    }
    if total > CONTENT_LIMIT {
        return Err(format!("base64 encoded secret content too large: {total} bytes"));
    }
    Ok(content)
}

/// Returns `true` for a key of a secret: a lower-case letter, then at least two letters or digits,
/// each with at most one hyphen before it.
fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
        && text.bytes().filter(|byte| plain(*byte)).count() >= 3
        && !text.contains("--")
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_jujus_rule() {
        for good in ["abc", "a1b", "a-bc", "a-b-c", "password"] {
            assert!(is_key(good), "{good}");
        }
        for bad in
            ["", "ab", "a-b", "Abc", "1bc", "a_bc", "abc-", "-abc", "a--bc", "abc#zip", "äbc"]
        {
            assert!(!is_key(bad), "{bad}");
        }
    }
}
