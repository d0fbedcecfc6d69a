//! What a failed read of a databag means: something is not ready, or something is wrong.

use super::bag::{self, Bag, BagFault, Databag};
use super::codec::Codec;
use super::juju_keys::is_jujus;
use super::relation_core::RelationCore;
use crate::error::Error;
use crate::secret::source;
use crate::stop::{NotReady, Stop};

/// Reads a databag of the other side as a bag type. `owner` is its unit or application.
///
/// What is not written yet is not ready: Juju sends `relation-changed` when it is written.
pub(crate) fn read_remote<T: Bag>(
    relation: &RelationCore,
    owner: &str,
    bag: &Databag,
) -> Result<T, Stop> {
    let endpoint = &relation.endpoint;
    let decoded = source::reading(format!("{endpoint}: {owner}"), || bag::decode::<T>(bag));
    let stop = match decoded {
        Ok(value) => return Ok(value),
        Err(BagFault::Nothing) => {
            NotReady::waiting(format!("{endpoint}: {owner} has written nothing yet")).into()
        }
        Err(BagFault::Missing(error)) => {
            NotReady::waiting(format!("{endpoint}: {owner} has not written {} yet", error.place()))
                .into()
        }
        // Only an upgrade of the other side brings the key, so the operator has to act.
        Err(BagFault::Older { error, written, known }) => NotReady::blocked(format!(
            "{endpoint}: {owner} writes version {written} of its data, without {}; upgrade it to \
             version {known}",
            error.place()
        ))
        .into(),
        Err(fault @ (BagFault::Newer { .. } | BagFault::Wrong(_))) => {
            Stop::Failed(wrong_data(relation, owner, fault))
        }
    };
    Err(stop)
}

/// Reads an own databag as a bag type. Whatever is wrong with it is an error: this application
/// wrote it, so waiting does not help.
pub(crate) fn read_own<T: Bag>(
    relation: &RelationCore,
    owner: &str,
    bag: &Databag,
) -> Result<Option<T>, Error> {
    match bag::decode::<T>(bag) {
        Ok(value) => Ok(Some(value)),
        Err(BagFault::Nothing) => Ok(None),
        Err(fault) => Err(wrong_data(relation, owner, fault)),
    }
}

/// Checks that a bag type for the databags of units has none of Juju's own keys. They are not among
/// those that it is read from, so it would wait for them for ever.
pub(crate) fn check_keys<T: Bag>(
    relation: &RelationCore,
    owner: &str,
    bag: &Databag,
) -> Result<(), Error> {
    match T::Codec::own_keys::<T>(bag).into_iter().find(|key| is_jujus(key)) {
        None => Ok(()),
        Some(key) => Err(Error::databag(format!(
            "cannot use the bag type for the databag of {owner} in {}: its key {key:?} is Juju's \
             own; read that by juju_keys",
            relation.id
        ))),
    }
}

/// Makes the error that a databag holds data that cannot be used.
fn wrong_data(relation: &RelationCore, owner: &str, fault: BagFault) -> Error {
    let id = &relation.id;
    let cannot = format!("cannot read the databag of {owner} in {id}");
    Error::databag(match fault {
        BagFault::Newer { error, written, known } => format!(
            "{cannot}: it was written for version {written}; this charm knows {known} ({}); \
             upgrade this charm",
            error.reason()
        ),
        BagFault::Older { error, written, known } => format!(
            "{cannot}: it was written for version {written}; this charm needs {known} ({}); give \
             the field #[serde(default)]",
            error.reason()
        ),
        BagFault::Missing(error) => {
            format!("{cannot}: {}; give the field #[serde(default)]", error.reason())
        }
        BagFault::Nothing => format!("{cannot}: nothing is written"),
        BagFault::Wrong(error) => format!("{cannot}: {}", error.reason()),
    })
}
