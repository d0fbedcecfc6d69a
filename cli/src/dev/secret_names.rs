//! The names that `add-secret` gave to secrets, for `secret:NAME` in place of a URI.

use std::collections::BTreeMap;

use super::spelling::nearest;
use crate::error::{Error, Result};

/// The scheme of a secret's URI.
const SCHEME: &str = "secret:";

/// The secrets that the commands of a run have added, with their URIs. It never holds a content.
#[derive(Debug, Default)]
pub struct SecretNames {
    uris: BTreeMap<String, String>,
}

impl SecretNames {
    /// Records the URI of a secret.
    pub fn insert(&mut self, name: &str, uri: &str) {
        self.uris.insert(name.to_owned(), uri.to_owned());
    }

    /// Forgets a secret that was removed.
    pub fn remove_uri(&mut self, uri: &str) {
        self.uris.retain(|_, known| known != uri);
    }

    /// Returns `true` if a secret has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.uris.contains_key(name)
    }

    /// Returns the name of a secret, if `add-secret` gave it one.
    pub fn name(&self, uri: &str) -> Option<&str> {
        self.uris.iter().find(|(_, known)| *known == uri).map(|(name, _)| name.as_str())
    }

    /// Returns every URI, sorted by name.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.uris.values().map(String::as_str)
    }

    /// Returns the URI of the secret of this name. A URI stands for itself.
    ///
    /// # Errors
    /// Names the secret that was probably meant, or all of them.
    pub fn uri(&self, name_or_uri: &str) -> Result<String> {
        let name = name_or_uri.strip_prefix(SCHEME).unwrap_or(name_or_uri);
        match self.uris.get(name) {
            Some(uri) => Ok(uri.clone()),
            None if is_uri(name_or_uri) => Ok(name_or_uri.to_owned()),
            None => Err(self.unknown(format!("cannot find secret {name:?}"), name)),
        }
    }

    /// Replaces a value `secret:NAME` by the URI of the secret of that name. Every other value
    /// stays as it is. `key` is what the value is for.
    ///
    /// # Errors
    /// Fails if the value looks like one but is neither a name nor a URI. The value is not quoted.
    pub fn resolve(&self, key: &str, value: String) -> Result<String> {
        let Some(name) = value.strip_prefix(SCHEME).filter(|name| !name.is_empty()) else {
            return Ok(value);
        };
        match self.uris.get(name) {
            Some(uri) => Ok(uri.clone()),
            None if is_uri(&value) => Ok(value),
            None => {
                let why = "its value is neither the URI of a secret nor the name of one";
                Err(self.unknown(format!("cannot set {key}: {why}"), name))
            }
        }
    }

    /// Returns the error about a name that is unknown.
    fn unknown(&self, attempt: String, name: &str) -> Error {
        let known: Vec<&str> = self.uris.keys().map(String::as_str).collect();
        Error::new(attempt).advice(match (nearest(name, known.iter().copied()), known.as_slice()) {
            (Some(meant), _) => format!("did you mean `secret:{meant}`?"),
            (None, []) => "`add-secret NAME KEY=VALUE...` adds one".to_owned(),
            (None, known) => format!("the names are: {}", known.join(", ")),
        })
    }
}

/// Returns `true` for the URI of a secret of this model (`secret:ID`) or of another one
/// (`secret://MODEL/ID`). An id has 20 letters and digits.
fn is_uri(text: &str) -> bool {
    let id = text.strip_prefix(SCHEME).map(|rest| rest.rsplit('/').next().unwrap_or(rest));
    id.is_some_and(|id| {
        id.len() == 20 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "secret:9m4e2mr0ui3e8a215n4g";

    #[test]
    fn a_name_stands_for_the_uri_and_nothing_else_is_touched() {
        let mut names = SecretNames::default();
        names.insert("pg/user", URI);
        let resolve = |value: &str| names.resolve("secret-user", value.to_owned());
        assert_eq!(resolve("secret:pg/user").unwrap(), URI);
        for same in [URI, "secret://4f5f/9m4e2mr0ui3e8a215n4g", "secret", "a secret:pg/user", ""] {
            assert_eq!(resolve(same).unwrap(), same);
        }
        let error = resolve("secret:pg/usr").unwrap_err().chain();
        assert!(error.contains("did you mean `secret:pg/user`?"), "{error}");
        let error = resolve("secret:HUNTER2").unwrap_err().chain();
        assert!(error.starts_with("cannot set secret-user:"), "{error}");
        assert!(!error.contains("HUNTER2"), "{error}");
        assert_eq!(names.uri("pg/user").unwrap(), URI);
        assert_eq!(names.uri(URI).unwrap(), URI);
        assert!(names.uri("pg/usr").unwrap_err().chain().contains("did you mean"));
    }
}
