//! The content of a databag as a type, and what a failed read of it means.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::codec::{Codec, DecodeError, EncodeError};

/// The keys and values of a databag.
pub(crate) type Databag = BTreeMap<String, String>;

/// A bag type is the content of a databag as a type: a struct whose fields are the keys, and the
/// codec in which the interface keeps them.
///
/// ```
/// use charmwright::{Bag, Plain};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// struct Credentials {
///     username: String,
///     password: String,
///     /// A key that the other side need not write.
///     tls_ca: Option<String>,
/// }
///
/// impl Bag for Credentials {
///     type Codec = Plain;
/// }
/// ```
///
/// Keys that the type does not have are ignored by a read and kept by a write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bag type",
    note = "derive serde::Serialize and serde::Deserialize for it, and write `impl \
            charmwright::Bag for {Self} {{ type Codec = charmwright::JsonPerKey; }}`"
)]
pub trait Bag: Serialize + DeserializeOwned {
    /// The form in which the interface keeps the type.
    type Codec: Codec;

    /// The version of the type. A write adds it under the key `version`, and the type itself has no
    /// field of that name. [The module's documentation](crate::relation#versions) has the
    /// convention.
    const VERSION: Option<u32> = None;
}

/// The reason why a databag gives no value of a bag type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BagFault {
    /// None of the type's keys is written.
    Nothing,
    /// Some keys are written, and this one is not.
    Missing(DecodeError),
    /// An older writer does not write a key that this version of the type needs.
    Older { error: DecodeError, written: u32, known: u32 },
    /// A newer writer has changed the data so that this version cannot read it.
    Newer { error: DecodeError, written: u32, known: u32 },
    /// A value is there and wrong.
    Wrong(DecodeError),
}

/// Reads a databag, from which Juju's own keys are removed, as a bag type.
pub(crate) fn decode<T: Bag>(bag: &Databag) -> Result<T, BagFault> {
    let error = match T::Codec::decode::<T>(bag) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some((written, known)) = written_version::<T>(bag).zip(T::VERSION) {
        if written > known {
            return Err(BagFault::Newer { error, written, known });
        }
        if written < known && error.is_missing() {
            return Err(BagFault::Older { error, written, known });
        }
    }
    if !error.is_missing() {
        return Err(BagFault::Wrong(error));
    }
    let own = T::Codec::own_keys::<T>(bag);
    // The keys of some types are known only once there is a value. Then other keys in the databag
    // may be the first of them.
    let is_written =
        if own.is_empty() { !bag.is_empty() } else { own.iter().any(|key| bag.contains_key(key)) };
    Err(if is_written { BagFault::Missing(error) } else { BagFault::Nothing })
}

/// Returns the changes that make a databag hold this value: the keys to set, and as `None` those of
/// the type's keys to delete. Keys of others are not among them.
pub(crate) fn changes<T: Bag>(
    bag: &Databag,
    value: &T,
) -> Result<BTreeMap<String, Option<String>>, EncodeError> {
    let written = match T::VERSION {
        Some(version) => T::Codec::encode(&Versioned { version, value })?,
        None => T::Codec::encode(value)?,
    };
    let mut changes: BTreeMap<String, Option<String>> =
        T::Codec::own_keys::<T>(bag).into_iter().map(|key| (key, None)).collect();
    // Juju has no empty values: an empty text deletes the key (Juju 2.9 to 4.1).
    let set = written.into_iter().map(|(key, text)| {
        let present = bag.get(&key).filter(|present| T::Codec::is_same(present, &text));
        let text = present.cloned().unwrap_or(text);
        (key, Some(text).filter(|text| !text.is_empty()))
    });
    changes.extend(set);
    Ok(changes)
}

/// A value with its version, which is written beside its fields.
#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// The version alone.
#[derive(Deserialize, Serialize)]
struct Version {
    version: u32,
}

/// Returns the version that the writer has written. `None` if it wrote none, or one that is not a
/// number: then the version explains nothing.
fn written_version<T: Bag>(bag: &Databag) -> Option<u32> {
    T::Codec::decode::<Version>(bag).ok().map(|written| written.version)
}
