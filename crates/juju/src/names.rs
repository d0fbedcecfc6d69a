//! The names and ids that Juju uses, each with its own type. A text is checked when it becomes a
//! name, and never again.
//!
//! The rules refuse a name that could do harm (an empty one, a path, a control character) and a
//! name that Juju cannot have meant. Some rules accept more than Juju does today: a newer Juju may
//! widen its own rule, and this crate must still read its names.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The error for a text that is not a valid name or id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {value:?} as {what}: {rule}")]
pub struct InvalidName {
    what: &'static str,
    value: String,
    rule: &'static str,
}

impl InvalidName {
    pub(super) fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        // The error quotes the text, which may be very long. The first characters show the fault.
        Self { what, value: value.chars().take(60).collect(), rule }
    }
}

/// The name of an application in its model, such as `web`.
///
/// It has lower-case letters, digits and hyphens. It starts with a letter and does not end with a
/// hyphen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ApplicationName(Box<str>);

/// The name of a unit, `APPLICATION/NUMBER`, such as `web/0`. The number has no leading zero.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName {
    application: ApplicationName,
    number: u32,
}

/// The name of a workload container in the charm's metadata, such as `workload`.
///
/// It has letters, digits, `-`, `_` and `.`, and starts with a letter or digit. It has at most 255
/// bytes and neither a slash nor `..`, because it is part of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ContainerName(Cow<'static, str>);

/// The name of a hook, such as `config-changed` or `workload-pebble-ready`. Its rule is the one of
/// [`ContainerName`], because it is part of a path too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct HookName(Box<str>);

/// The name of an action in the charm's `actions.yaml`, such as `restart`. Its rule is the one of
/// [`ContainerName`], because it is part of a path too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ActionName(Box<str>);

/// The id of one run of an action.
///
/// It is a small number in current versions of Juju, although its variable is called
/// `JUJU_ACTION_UUID`. Ids compare as numbers do: a later run has a greater id.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ActionId(Box<str>);

/// The name of a check in a Pebble plan. It has at least one character and no control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CheckName(Box<str>);

/// The name of an endpoint in the charm's metadata, such as `db`.
///
/// Juju's own rule is narrower than that of this type, the one of [`ContainerName`]: lower-case
/// letters and digits in words with `-` or `_` between them, a letter first (Juju 3.6 and 4.0).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointName(Cow<'static, str>);

/// The name of a storage in the charm's metadata, such as `data`.
///
/// Juju's own rule is narrower than that of this type, the one of [`ContainerName`]: lower-case
/// letters and digits in words with `-` between them, a letter first and a letter in each word
/// (Juju 3.6 and 4.0).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct StorageName(Cow<'static, str>);

/// The id of a relation: the name of this unit's endpoint and a number, such as `db:7`. A bare
/// number is valid too, because the hook tools accept one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelationId {
    number: u32,
    endpoint: Option<EndpointName>,
}

/// The id of a secret: `secret:ID`, `secret://MODEL/ID` or a bare `ID`. The id itself is not
/// secret.
///
/// Two spellings of one secret are equal, such as that of an event and that of a databag.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretId(Box<str>);

/// The id of a storage instance, `NAME/NUMBER`, such as `data/0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorageId {
    name: StorageName,
    number: u32,
}

/// Implements the methods and traits of a name that is stored as one text. `$is_valid` is the rule
/// of the name.
macro_rules! impl_text_name {
    ($name:ident, $what:literal, $is_valid:expr, $rule:literal) => {
        impl $name {
            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if $is_valid(text) {
                    Ok(Self(text.to_owned().into()))
                } else {
                    Err(InvalidName::new($what, text, $rule))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Implements the conversions that serde needs, and `Debug`, which shows a name as a quoted text.
macro_rules! impl_text_conversions {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.to_string())
            }
        }
    )*};
}

impl_text_name!(
    ApplicationName,
    "the name of an application",
    is_application_name,
    "lower-case letters, digits and hyphens, a letter first"
);
impl_text_name!(
    ContainerName,
    "the name of a container",
    is_file_name,
    "letters, digits, `-`, `_` and `.`, a letter or digit first"
);
impl_text_name!(
    HookName,
    "the name of a hook",
    is_file_name,
    "letters, digits, `-`, `_` and `.`, a letter or digit first, and no `..`"
);
impl_text_name!(
    ActionName,
    "the name of an action",
    is_file_name,
    "letters, digits, `-`, `_` and `.`, a letter or digit first"
);
impl_text_name!(
    ActionId,
    "the id of an action",
    is_printable,
    "one or more characters, none of them white space or a control character"
);
impl_text_name!(
    CheckName,
    "the name of a check",
    is_one_line,
    "one or more characters, none of them a control character"
);
impl_text_name!(
    EndpointName,
    "the name of an endpoint",
    is_file_name,
    "letters, digits, `-`, `_` and `.`, a letter or digit first"
);
impl_text_name!(
    StorageName,
    "the name of a storage",
    is_file_name,
    "letters, digits, `-`, `_` and `.`, a letter or digit first"
);
impl_text_name!(
    SecretId,
    "a secret's id",
    is_secret_id,
    "secret:ID, secret://MODEL/ID or ID, where ID is 20 letters and digits"
);
impl_text_conversions!(
    ApplicationName,
    UnitName,
    ContainerName,
    HookName,
    ActionName,
    ActionId,
    CheckName,
    EndpointName,
    StorageName,
    RelationId,
    SecretId,
    StorageId
);

/// Implements the constructor of a name that is known when the program is compiled.
macro_rules! impl_from_static {
    ($name:ident, $what:literal, $declaration:literal) => {
        impl $name {
            /// Makes the name from a text in the program, such as the charm's declaration of its
            #[doc = concat!($declaration, ".")]
            ///
            /// In a `const`, a text that is not a valid name does not compile:
            ///
            /// ```
            #[doc = concat!("use charmwright_juju::", stringify!($name), " as Name;")]
            ///
            /// const WEB: Name = Name::from_static("web");
            /// assert_eq!(WEB.as_str(), "web");
            /// ```
            ///
            /// ```compile_fail,E0080
            #[doc = concat!("# use charmwright_juju::", stringify!($name), " as Name;")]
            /// const WEB: Name = Name::from_static("../web");
            /// ```
            ///
            /// # Panics
            ///
            /// Panics outside a `const` if the text is not a valid name. Parse a text that is not
            /// known at compile time instead.
            #[must_use]
            pub const fn from_static(name: &'static str) -> Self {
                assert!(
                    is_file_name(name),
                    concat!(
                        $what,
                        " has letters, digits, `-`, `_` and `.`, a letter or digit first"
                    )
                );
                Self(Cow::Borrowed(name))
            }
        }
    };
}

impl_from_static!(ContainerName, "the name of a container", "containers");
impl_from_static!(EndpointName, "the name of an endpoint", "endpoints");
impl_from_static!(StorageName, "the name of a storage", "storages");

impl ActionId {
    /// Returns the id as a number, which it is in every current version of Juju; `None` if it is
    /// not a number.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }
}

impl From<u64> for ActionId {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl Ord for ActionId {
    fn cmp(&self, other: &Self) -> Ordering {
        // Juju writes numbers without a leading zero, so the longer of two is the greater. This
        // order also holds for an id that is not a number.
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for ActionId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl UnitName {
    /// Returns the name of the unit's application.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        &self.application
    }

    /// Returns the number of the unit within its application.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl FromStr for UnitName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || {
            InvalidName::new(
                "the name of a unit",
                text,
                "expected APPLICATION/NUMBER, such as web/0",
            )
        };
        let (application, number) = text.split_once('/').ok_or_else(invalid)?;
        let application = application.parse().map_err(|_| invalid())?;
        Ok(Self { application, number: parse_number(number).ok_or_else(invalid)? })
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.application, self.number)
    }
}

impl RelationId {
    /// Returns the number of the relation, which is unique in its model.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the name of this unit's endpoint; `None` if the id was a bare number.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointName> {
        self.endpoint.as_ref()
    }
}

impl FromStr for RelationId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid =
            || InvalidName::new("a relation's id", text, "expected ENDPOINT:NUMBER, such as db:7");
        // The hook tools ignore everything up to the last colon (Juju 2.9 to 4.1), so the number
        // starts there.
        let (endpoint, number) = match text.rsplit_once(':') {
            Some((endpoint, number)) => (Some(endpoint.parse().map_err(|_| invalid())?), number),
            None => (None, text),
        };
        Ok(Self { number: parse_number(number).ok_or_else(invalid)?, endpoint })
    }
}

impl fmt::Display for RelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => write!(f, "{endpoint}:{}", self.number),
            None => write!(f, "{}", self.number),
        }
    }
}

impl SecretId {
    /// Returns the id without the scheme and the model. Two spellings of one secret have the same
    /// bare id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.rsplit(['/', ':']).next().unwrap_or_default()
    }
}

// A databag has `secret://MODEL/ID`, and a hook's environment has `secret:ID`. Juju never uses the
// id of a secret for another one.
impl PartialEq for SecretId {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for SecretId {}

impl PartialOrd for SecretId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SecretId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id().cmp(other.id())
    }
}

impl Hash for SecretId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl StorageId {
    /// Returns the name of the storage in the charm's metadata.
    #[must_use]
    pub fn name(&self) -> &StorageName {
        &self.name
    }

    /// Returns the number of the instance.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl FromStr for StorageId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || {
            InvalidName::new(
                "a storage instance's id",
                text,
                "expected NAME/NUMBER, such as data/0",
            )
        };
        let (name, number) = text.split_once('/').ok_or_else(invalid)?;
        let name = name.parse().map_err(|_| invalid())?;
        Ok(Self { name, number: parse_number(number).ok_or_else(invalid)? })
    }
}

impl fmt::Display for StorageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.number)
    }
}

/// Parses a number as Juju writes it: digits without a sign and without a leading zero. A name then
/// has only one spelling, and it displays as it was written.
fn parse_number(text: &str) -> Option<u32> {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn is_application_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns `true` if the text is safe as one segment of a path. Linux allows a file name 255 bytes
/// (`NAME_MAX`).
const fn is_file_name(text: &str) -> bool {
    // `from_static` runs this at compile time, where iterators are not available.
    let [first, rest @ ..] = text.as_bytes() else { return false };
    if text.len() > 255 || !first.is_ascii_alphanumeric() {
        return false;
    }
    let mut rest = rest;
    while let [byte, others @ ..] = rest {
        let has_two_dots = *byte == b'.' && matches!(others, [b'.', ..]);
        if has_two_dots || !(byte.is_ascii_alphanumeric() || matches!(*byte, b'-' | b'_' | b'.')) {
            return false;
        }
        rest = others;
    }
    true
}

fn is_printable(text: &str) -> bool {
    !text.is_empty()
        && !text.chars().any(|character| character.is_control() || character.is_whitespace())
}

fn is_one_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn is_secret_id(text: &str) -> bool {
    let word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // The model in the URI is a UUID.
    let model = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if let Some(rest) = text.strip_prefix("secret://") {
        rest.split_once('/').is_some_and(|(uuid, id)| model(uuid) && word(id))
    } else if let Some(id) = text.strip_prefix("secret:") {
        word(id)
    } else {
        // A text without the scheme may be a secret itself that somebody put in the place of its
        // id. It would go to a hook tool as an argument, so only what Juju prints is taken: 20
        // letters and digits (measured 3.6 and 4.0).
        text.len() == 20
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    }
}

#[cfg(test)]
#[path = "tests/names.rs"]
mod tests;
