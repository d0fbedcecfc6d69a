//! The content of a secret: values that cannot be printed, by key.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// A value of a secret that is text, such as a password.
///
/// It has neither `Display` nor serde's `Serialize`, so it gets into no log, databag or state by
/// accident. Its `Debug` prints `SecretText(..)`, so that a struct with such a field can derive
/// `Debug` and still shows nothing. The text is overwritten with zeros when the value is dropped;
/// copies that [`expose`](Self::expose) leads to are the caller's.
///
/// ```
/// use charmwright_juju::SecretText;
///
/// let password = SecretText::from("hunter2");
/// assert_eq!(password.expose(), "hunter2");
/// assert_eq!(format!("{password:?}"), "SecretText(..)");
/// ```
///
/// ```compile_fail,E0277
/// # let password = charmwright_juju::SecretText::from("hunter2");
/// println!("{password}");
/// ```
///
/// ```compile_fail,E0277
/// # let password = charmwright_juju::SecretText::from("hunter2");
/// let _ = serde_json::to_string(&password);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

/// A value of a secret that is any bytes, such as a keystore.
///
/// It is to bytes what [`SecretText`] is to text.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretText {
    /// Returns the text. It is a secret: pass it on, but do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl SecretBytes {
    /// Returns the bytes. They are a secret: pass them on, but do not log them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Makes a value from bytes that are wiped already when they are dropped.
    pub(crate) fn from_wiped(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_owned().into()
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// A type that the value of one key of a secret has: [`SecretText`], [`SecretBytes`], or an
/// `Option` of one, which is `None` if the secret lacks the key.
///
/// `String` is none of them, because it prints.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a secret's key",
    note = "use SecretText, SecretBytes or an Option of one: they do not print their content"
)]
pub trait SecretValue: Sized {
    /// Makes the value from the bytes of a key; `None` stands for a key that the secret lacks.
    ///
    /// # Errors
    ///
    /// Returns what was expected instead, such as `a text`.
    fn from_bytes(bytes: Option<&SecretBytes>) -> Result<Self, &'static str>;

    /// Returns the bytes of the value; `None` leaves the key out.
    fn to_bytes(&self) -> Option<SecretBytes>;
}

impl SecretValue for SecretText {
    fn from_bytes(bytes: Option<&SecretBytes>) -> Result<Self, &'static str> {
        let bytes = bytes.ok_or("a text")?;
        std::str::from_utf8(bytes.expose())
            .map(Self::from)
            .map_err(|_| "a text, and the value has bytes that are not UTF-8")
    }

    fn to_bytes(&self) -> Option<SecretBytes> {
        Some(self.0.as_bytes().into())
    }
}

impl SecretValue for SecretBytes {
    fn from_bytes(bytes: Option<&SecretBytes>) -> Result<Self, &'static str> {
        bytes.cloned().ok_or("any bytes")
    }

    fn to_bytes(&self) -> Option<SecretBytes> {
        Some(self.clone())
    }
}

impl<T: SecretValue> SecretValue for Option<T> {
    fn from_bytes(bytes: Option<&SecretBytes>) -> Result<Self, &'static str> {
        bytes.map(|bytes| T::from_bytes(Some(bytes))).transpose()
    }

    fn to_bytes(&self) -> Option<SecretBytes> {
        self.as_ref()?.to_bytes()
    }
}

/// The content of a secret: its values by key.
///
/// Its `Debug` shows the keys and no value. A key has at least three characters: lower-case
/// letters, digits and single hyphens, a letter first ([`check_secret_key`]). Keys and sizes are
/// checked when the content is sent to Juju.
///
/// ```
/// use charmwright_juju::{SecretFields, SecretText};
///
/// let fields = SecretFields::new()
///     .with("username", &SecretText::from("admin"))
///     .with("password", &SecretText::from("hunter2"));
/// let password: SecretText = fields.get("password")?;
/// assert_eq!(password.expose(), "hunter2");
/// assert_eq!(format!("{fields:?}"), r#"SecretFields(["password", "username"])"#);
/// # Ok::<(), charmwright_juju::SecretFieldError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretFields(BTreeMap<String, SecretBytes>);

impl SecretFields {
    /// Makes a content without any key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of a key, or replaces it. A value that is `None` adds nothing.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: &impl SecretValue) -> Self {
        self.insert(key, value);
        self
    }

    /// Adds the value of a key, or replaces it. A value that is `None` adds nothing.
    pub fn insert(&mut self, key: impl Into<String>, value: &impl SecretValue) {
        if let Some(bytes) = value.to_bytes() {
            self.0.insert(key.into(), bytes);
        }
    }

    /// Returns the value of a key as the type `T`.
    ///
    /// # Errors
    ///
    /// The content lacks the key and `T` is not an `Option`, or the value is not a text and `T` is
    /// one. The error names the key and does not show the value.
    pub fn get<T: SecretValue>(&self, key: &str) -> Result<T, SecretFieldError> {
        let bytes = self.0.get(key);
        T::from_bytes(bytes).map_err(|expected| SecretFieldError {
            key: excerpt(key),
            expected,
            is_missing: bytes.is_none(),
        })
    }

    /// Iterates over the keys and their values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretBytes)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.0.keys().collect();
        f.debug_tuple("SecretFields").field(&format_args!("{keys:?}")).finish()
    }
}

/// The error for a secret whose content is not what was expected. It names the key and never shows
/// the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFieldError {
    key: String,
    expected: &'static str,
    is_missing: bool,
}

impl SecretFieldError {
    /// Returns the key at fault.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what was expected of the value, such as `a text`.
    #[must_use]
    pub fn expected(&self) -> &str {
        self.expected
    }

    /// Returns `true` if the secret lacks the key.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }
}

impl fmt::Display for SecretFieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, expected, is_missing } = self;
        let fault = if *is_missing { "it is missing" } else { "its value does not fit" };
        write!(f, "cannot use the key {key:?} of the secret: {fault}; expected {expected}")
    }
}

impl std::error::Error for SecretFieldError {}

/// The error for a key that Juju does not accept in a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {key:?} as the key of a secret: {rule}")]
pub struct InvalidSecretKey {
    key: String,
    rule: &'static str,
}

impl InvalidSecretKey {
    pub(crate) fn rule(&self) -> &'static str {
        self.rule
    }
}

/// Checks that Juju accepts `key` in a secret (`^[a-z](?:-?[a-z0-9]){2,}$`; Juju 3.6, measured).
///
/// # Errors
///
/// [`InvalidSecretKey`] names the rule.
pub fn check_secret_key(key: &str) -> Result<(), InvalidSecretKey> {
    let refused = |rule| Err(InvalidSecretKey { key: excerpt(key), rule });
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !key.bytes().all(fits) || !key.starts_with(|first: char| first.is_ascii_lowercase()) {
        return refused("it may have lower-case letters, digits and hyphens, and a letter first");
    }
    if key.ends_with('-') || key.contains("--") {
        return refused("a hyphen must stand between two letters or digits");
    }
    // The hyphens do not count: `a-b` has two letters.
    if key.bytes().filter(|byte| *byte != b'-').count() < 3 {
        return refused("it must have at least three letters and digits");
    }
    Ok(())
}

/// Returns the start of a key for an error's text. A key is no secret, but it may be very long.
pub(crate) fn excerpt(key: &str) -> String {
    key.chars().take(60).collect()
}

#[cfg(test)]
#[path = "tests/content.rs"]
mod tests;
