//! The names that Juju gives to things, each a type of its own, checked once where it enters the
//! program.
//!
//! The rules refuse what could do harm (an empty name, a path, a control character) and what Juju
//! itself could not have meant; where Juju's own rule is narrower, the newer Juju that widens it
//! must not be locked out.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the name it was given as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {value:?} as {what}: {rule}")]
pub struct InvalidName {
    what: &'static str,
    value: String,
    rule: &'static str,
}

impl InvalidName {
    pub(super) fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        // What is wrong with a name of a thousand characters shows in the first sixty.
        Self { what, value: value.chars().take(60).collect(), rule }
    }
}

/// The name of an application in its model, such as `web`: a lower-case letter, then lower-case
/// letters, digits and hyphens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ApplicationName(Box<str>);

/// The name of a unit, `APPLICATION/NUMBER`, such as `web/0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName {
    application: ApplicationName,
    number: u32,
}

/// The name of a workload container in the charm's metadata, such as `workload`. It is part of a
/// path, so it has no slash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ContainerName(Cow<'static, str>);

/// The name of a hook, such as `config-changed` or `workload-pebble-ready`. It is part of a path,
/// so it has no slash and no `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct HookName(Box<str>);

/// The name of an action in the charm's `actions.yaml`, such as `restart`. The rule is that of
/// [`HookName`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ActionName(Box<str>);

/// The identity of one run of an action: a small number in current versions of Juju, although its
/// variable is called a UUID. Ordered so that a greater number comes later.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ActionId(Box<str>);

/// The name of a check in a Pebble plan.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CheckName(Box<str>);

/// A relation: the endpoint's name and a number, written `db:7`. A bare number is read too, since
/// the tools take one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelationId {
    number: u32,
    endpoint: Option<Box<str>>,
}

/// A secret's identity: `secret:ID`, `secret://MODEL/ID` or a bare `ID`. It says which secret,
/// never what is in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretId(Box<str>);

/// One storage instance, `NAME/NUMBER`, such as `data/0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorageId {
    name: Box<str>,
    number: u32,
}

/// What every name that is one text can do; each type above says what its text may be.
macro_rules! impl_text_name {
    ($name:ident, $what:literal, $is_valid:expr, $rule:literal) => {
        impl $name {
            /// The name as text.
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

/// How every name is read by serde and shown by `Debug`.
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
    SecretId,
    "a secret's id",
    is_secret_id,
    "secret:ID, secret://MODEL/ID or ID, where ID is letters and digits"
);
impl_text_conversions!(
    ApplicationName,
    UnitName,
    ContainerName,
    HookName,
    ActionName,
    ActionId,
    CheckName,
    RelationId,
    SecretId,
    StorageId
);

impl ContainerName {
    /// Makes the name from a text in the program, such as what the charm declares.
    ///
    /// In a `const` a text that is no such name does not compile:
    ///
    /// ```
    /// use charmwright_juju::ContainerName;
    ///
    /// const WEB: ContainerName = ContainerName::from_static("web");
    /// assert_eq!(WEB.as_str(), "web");
    /// ```
    ///
    /// ```compile_fail,E0080
    /// # use charmwright_juju::ContainerName;
    /// const WEB: ContainerName = ContainerName::from_static("../web");
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a `const`, if the text is no such name: parse what is not known at compile time.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            is_file_name(name),
            "the name of a container has letters, digits, `-`, `_` and `.`, a letter or digit first"
        );
        Self(Cow::Borrowed(name))
    }
}

impl ActionId {
    /// The number that it is, as in every current version of Juju.
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

/// The longer of two numbers is the greater, since Juju writes no leading zero.
impl Ord for ActionId {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for ActionId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl UnitName {
    /// The unit's application.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        &self.application
    }

    /// The unit's number in its application.
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
    /// The relation's number, unique in its model.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The name of this unit's endpoint of the relation, where the id was written with one.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

impl FromStr for RelationId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid =
            || InvalidName::new("a relation's id", text, "expected ENDPOINT:NUMBER, such as db:7");
        let (endpoint, number) = match text.rsplit_once(':') {
            Some((endpoint, number)) if is_printable(endpoint) => (Some(endpoint.into()), number),
            Some(_) => return Err(invalid()),
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
    /// The id alone: what stands after the scheme and the model. Two spellings of one secret have
    /// the same id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.rsplit(['/', ':']).next().unwrap_or_default()
    }
}

impl StorageId {
    /// The storage's name in the charm's metadata.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instance's number.
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
        let (name, number) =
            text.split_once('/').filter(|(name, _)| is_file_name(name)).ok_or_else(invalid)?;
        Ok(Self { name: name.into(), number: parse_number(number).ok_or_else(invalid)? })
    }
}

impl fmt::Display for StorageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.number)
    }
}

/// A number as Juju writes it: digits with no sign and no leading zero, so that text and number say
/// the same.
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

/// Safe as one segment of a path. 255 bytes is what a file name may have on Linux.
/// Walks by hand, since it runs at compile time too.
const fn is_file_name(text: &str) -> bool {
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
    let model = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if let Some(rest) = text.strip_prefix("secret://") {
        rest.split_once('/').is_some_and(|(uuid, id)| model(uuid) && word(id))
    } else {
        word(text.strip_prefix("secret:").unwrap_or(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_names_keep_their_text() {
        for text in ["web/0", "any-workload-k8s/12", "remote-0a1b2c/3"] {
            assert_eq!(text.parse::<UnitName>().unwrap().to_string(), text);
        }
        let unit: UnitName = "any-workload-k8s/12".parse().unwrap();
        assert_eq!((unit.application().as_str(), unit.number()), ("any-workload-k8s", 12));

        let relation: RelationId = "db:7".parse().unwrap();
        assert_eq!((relation.endpoint(), relation.number()), (Some("db"), 7));
        assert_eq!("7".parse::<RelationId>().unwrap().endpoint(), None);

        for text in [
            "secret:9m4e2mr0ui3e8a215n4g",
            "secret://0f3c-1/9m4e2mr0ui3e8a215n4g",
            "9m4e2mr0ui3e8a215n4g",
        ] {
            assert_eq!(text.parse::<SecretId>().unwrap().id(), "9m4e2mr0ui3e8a215n4g");
        }
        assert_eq!("data/0".parse::<StorageId>().unwrap().name(), "data");
    }

    #[test]
    fn bad_names_are_refused() {
        for text in [
            "",
            "web",
            "web/",
            "/0",
            "web/-1",
            "web/+1",
            "web/01",
            "web/0/1",
            "Web/0",
            "web-/0",
            "web/4294967296",
            "../0",
        ] {
            assert!(text.parse::<UnitName>().is_err(), "{text}");
        }
        for text in ["", ".", "..", "a/b", "../x", "x..y", "x\0", "a b", "-x", "x\n"] {
            assert!(text.parse::<HookName>().is_err(), "{text:?}");
            assert!(text.parse::<ContainerName>().is_err(), "{text:?}");
        }
        for text in ["", "db:", ":7", "db:x", "d b:7", "db:7 "] {
            assert!(text.parse::<RelationId>().is_err(), "{text:?}");
        }
        for text in ["", "secret:", "secret://", "secret://m", "secret:a/b", "a b"] {
            assert!(text.parse::<SecretId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_was_given_and_what_is_meant() {
        let error = "web".parse::<UnitName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"cannot use "web" as the name of a unit: expected APPLICATION/NUMBER, such as web/0"#
        );
        assert!("x/".repeat(5000).parse::<UnitName>().unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn names_are_plain_strings_in_documents() {
        let name: UnitName = serde_json::from_str(r#""web/0""#).unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""web/0""#);
        assert!(serde_json::from_str::<ContainerName>(r#""../x""#).is_err());
        let name: ContainerName = serde_json::from_str(r#""workload""#).unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""workload""#);
    }

    #[test]
    fn runs_of_actions_are_in_the_order_of_their_numbers() {
        let mut ids = [10, 9, 100, 1].map(ActionId::from);
        ids.sort();
        assert_eq!(ids.map(|id| id.number()), [Some(1), Some(9), Some(10), Some(100)]);
        assert_eq!("0f3c-1".parse::<ActionId>().unwrap().number(), None);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept(text in ".{0,40}") {
            macro_rules! keeps {
                ($($name:ty),*) => {$(
                    if let Ok(name) = text.parse::<$name>() {
                        prop_assert_eq!(name.to_string(), text.clone());
                    }
                )*};
            }
            keeps!(
                ApplicationName, UnitName, ContainerName, HookName, ActionName, ActionId, CheckName,
                RelationId, SecretId, StorageId
            );
        }

        #[test]
        fn every_unit_reads_back(
            application in "[a-z][a-z0-9]{0,5}(-[a-z]{1,4}){0,2}",
            number: u32,
        ) {
            let unit: UnitName = format!("{application}/{number}").parse().unwrap();
            prop_assert_eq!(unit.number(), number);
            prop_assert_eq!(unit.application().as_str(), application);
        }
    }
}
