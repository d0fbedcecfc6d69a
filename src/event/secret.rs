//! The data of the events of a secret. An event never has the content of the secret.

use crate::juju::SecretId;

/// A secret event has the id and the label of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretEvent {
    id: SecretId,
    label: Option<String>,
}

/// A secret revision event has the id and the label of a secret, and the number of one of its
/// revisions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRevisionEvent {
    id: SecretId,
    label: Option<String>,
    revision: u64,
}

/// Implements the methods that the data of every secret event has.
macro_rules! impl_secret {
    ($($name:ident),*) => {$(
        impl $name {
            /// Returns the id of the secret.
            #[must_use]
            pub fn id(&self) -> &SecretId {
                &self.id
            }

            /// Returns the label of the secret. It is `None` if the secret has no label.
            #[must_use]
            pub fn label(&self) -> Option<&str> {
                self.label.as_deref()
            }
        }
    )*};
}

impl_secret!(SecretEvent, SecretRevisionEvent);

impl SecretEvent {
    pub(super) fn new(id: SecretId, label: Option<String>) -> Self {
        Self { id, label: known(label) }
    }
}

impl SecretRevisionEvent {
    pub(super) fn new(id: SecretId, label: Option<String>, revision: u64) -> Self {
        Self { id, label: known(label), revision }
    }

    /// Returns the number of the revision that has expired, or that no observer tracks any more.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

/// Juju gives a secret without a label an empty one (3.6 and 4.0).
fn known(label: Option<String>) -> Option<String> {
    label.filter(|label| !label.is_empty())
}
