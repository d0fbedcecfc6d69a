//! [`SecretContent`] is the content of one revision of a secret: keys with values in base64.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base64;
use crate::data::Data;
use crate::go_text::go_quote;

/// The suffix of a key whose value is read or written in base64.
pub(super) const BASE64_SUFFIX: &str = "#base64";

/// The content of a revision. Juju keeps each value in base64, as it came: a value with the suffix
/// `#base64` is not checked when it is stored (measured).
///
/// A clone shares the values, and `Debug` prints only how many keys there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct SecretContent {
    values: Arc<BTreeMap<String, String>>,
}

impl fmt::Debug for SecretContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretContent").field("keys", &self.values.len()).finish_non_exhaustive()
    }
}

impl SecretContent {
    /// Makes a content of keys with values in base64. The keys and sizes must be checked already.
    pub(crate) fn from_encoded(values: BTreeMap<String, String>) -> Self {
        Self { values: Arc::new(values) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns every key with its decoded value, as `secret-get` prints them.
    ///
    /// # Errors
    /// Returns Go's text if a value is not base64.
    pub(crate) fn data(&self) -> Result<Data, String> {
        let entries = self.values.iter().map(|(key, value)| Ok((key.clone(), decoded(value)?)));
        Ok(Data::map(entries.collect::<Result<Vec<_>, String>>()?))
    }

    /// Returns one value: decoded, or in base64 if the key has the suffix `#base64`.
    ///
    /// # Errors
    /// Returns Juju's text if there is no such key, and Go's if its value is not base64.
    pub(crate) fn value(&self, key: &str) -> Result<Data, String> {
        let (name, is_encoded) =
            key.strip_suffix(BASE64_SUFFIX).map_or((key, false), |name| (name, true));
        match self.values.get(name) {
            None => Err(format!("secret key value {} not found", go_quote(name))),
            Some(value) if is_encoded => Ok(Data::from(value.as_str())),
            Some(value) => decoded(value),
        }
    }
}

fn decoded(value: &str) -> Result<Data, String> {
    base64::decode(value)
        .map(Data::go_string)
        .map_err(|place| format!("illegal base64 data at input byte {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(pairs: &[(&str, &str)]) -> SecretContent {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        SecretContent::from_encoded(pairs.collect())
    }

    #[test]
    fn a_value_is_printed_as_text_as_bytes_or_in_base64() {
        let content = content(&[("text", "czNjcmV0"), ("bytes", "//4="), ("bad", "notb64!")]);
        assert_eq!(content.value("text"), Ok(Data::from("s3cret")));
        assert_eq!(content.value("text#base64"), Ok(Data::from("czNjcmV0")));
        assert_eq!(content.value("bytes"), Ok(Data::Bytes(vec![0xff, 0xfe])));
        assert_eq!(content.value("bad#base64"), Ok(Data::from("notb64!")));
        for (key, error) in [
            ("bad", "illegal base64 data at input byte 6"),
            ("nope", "secret key value \"nope\" not found"),
            ("#base64", "secret key value \"\" not found"),
            ("text#file", "secret key value \"text#file\" not found"),
        ] {
            assert_eq!(content.value(key), Err(error.to_owned()), "{key}");
        }
        assert_eq!(content.data(), Err("illegal base64 data at input byte 6".to_owned()));
    }

    #[test]
    fn debug_prints_no_content() {
        let shown = format!("{:?}", content(&[("password", "czNjcmV0")]));
        assert_eq!(shown, "SecretContent { keys: 1, .. }");
    }
}
