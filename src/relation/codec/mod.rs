//! The codecs of databags: how a type becomes keys and texts, and back.
//!
//! A databag is a map of texts. The codecs here share one way through serde: a databag is read as a
//! struct whose fields are its keys (`fields_de`), and a struct is written field by field
//! (`fields_ser`). They differ in the form of a field: plain text (`plain`, `text`), JSON
//! (`json_per_key`), or an entry of one document (`one_key`).

mod error;
mod field_names;
mod fields_de;
mod fields_ser;
mod json_per_key;
mod one_key;
mod plain;
mod redact;
mod same_json;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{DecodeError, EncodeError};
pub use json_per_key::JsonPerKey;
pub use one_key::{JsonUnder, KeyName, YamlUnder};
pub use plain::Plain;

/// A codec is the form in which an interface keeps a type in a databag.
///
/// The codecs of this crate are [`Plain`], [`JsonPerKey`], [`JsonUnder`] and [`YamlUnder`]. An
/// interface with another form implements the trait:
///
/// ```
/// use std::collections::BTreeMap;
///
/// use charmwright::{Bag, Codec, DecodeError, EncodeError, JsonPerKey};
/// use serde::Serialize;
/// use serde::de::DeserializeOwned;
///
/// /// JSON for each key, with a prefix before the keys.
/// struct Prefixed;
///
/// impl Codec for Prefixed {
///     fn decode<T: DeserializeOwned>(
///         bag: &BTreeMap<String, String>,
///     ) -> Result<T, DecodeError> {
///         let own = bag.iter().filter_map(|(key, value)| {
///             Some((key.strip_prefix("our-")?.to_owned(), value.clone()))
///         });
///         JsonPerKey::decode(&own.collect())
///     }
///
///     fn encode<T: Serialize>(value: &T) -> Result<BTreeMap<String, String>, EncodeError> {
///         let own = JsonPerKey::encode(value)?.into_iter();
///         Ok(own.map(|(key, value)| (format!("our-{key}"), value)).collect())
///     }
/// }
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Host {
///     port: u16,
/// }
///
/// impl Bag for Host {
///     type Codec = Prefixed;
/// }
///
/// let bag = Prefixed::encode(&Host { port: 80 })?;
/// assert_eq!(bag.get("our-port").map(String::as_str), Some("80"));
/// # Ok::<(), EncodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec",
    note = "the codecs are `Plain`, `JsonPerKey`, `JsonUnder` and `YamlUnder`, and any type that \
            implements `charmwright::Codec`"
)]
pub trait Codec {
    /// Reads a databag as a type. Keys that the type does not have are ignored.
    ///
    /// Juju's own keys are not among those of the databag.
    ///
    /// # Errors
    ///
    /// Returns a [`DecodeError`] that tells a key that is missing from a value that is wrong.
    fn decode<T: DeserializeOwned>(bag: &BTreeMap<String, String>) -> Result<T, DecodeError>;

    /// Writes a value as keys and texts. A key with an empty text counts as left out, because Juju
    /// cannot store one.
    ///
    /// # Errors
    ///
    /// Returns an [`EncodeError`] if the value has no form in this codec.
    fn encode<T: Serialize>(value: &T) -> Result<BTreeMap<String, String>, EncodeError>;

    /// Returns the keys of a databag that belong to the type. A write deletes those of them that
    /// the new value does not have, such as an `Option` that became `None`, and keeps all others.
    ///
    /// By default these are the keys that the databag's present value would be written with.
    #[must_use]
    fn own_keys<T: Serialize + DeserializeOwned>(bag: &BTreeMap<String, String>) -> Vec<String> {
        let present = Self::decode::<T>(bag).ok().and_then(|value| Self::encode(&value).ok());
        present.map(|present| present.into_keys().collect()).unwrap_or_default()
    }

    /// Returns `true` if two texts of one key stand for the same value. A write then keeps the text
    /// that is there, so that the other side gets no `relation-changed` for nothing.
    ///
    /// By default only equal texts do. The codecs that write JSON compare the values in it: a
    /// `HashMap` has another order in each hook, and a charm in Python puts spaces between them.
    #[must_use]
    fn is_same(one: &str, other: &str) -> bool {
        one == other
    }
}
