//! The data of the events of a storage.

use std::path::{Path, PathBuf};

use crate::juju::{StorageId, StorageKind, StorageName, StorageVars};

/// A storage event has the storage instance that was attached to the unit or is about to be
/// detached from it.
///
/// Juju detaches a storage that was never provisioned too, and then says its name and nothing else
/// (Juju 3.6 and 4.0).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageEvent {
    name: StorageName,
    id: Option<StorageId>,
    kind: Option<StorageKind>,
    location: Option<PathBuf>,
}

impl StorageEvent {
    pub(super) fn new(id: StorageId, kind: StorageKind, location: PathBuf) -> Self {
        let name = id.name().clone();
        Self { name, id: Some(id), kind: Some(kind), location: Some(location) }
    }

    pub(super) fn unprovisioned(name: StorageName) -> Self {
        Self { name, id: None, kind: None, location: None }
    }

    /// Makes the data of an event from the hook's variables, any of which may be absent.
    pub(super) fn from_vars(name: StorageName, vars: StorageVars) -> Self {
        Self { name, id: vars.id, kind: vars.kind, location: vars.location }
    }

    /// Returns the name of the storage in the charm's metadata.
    #[must_use]
    pub fn name(&self) -> &StorageName {
        &self.name
    }

    /// Returns the id of the storage instance, such as `data/0`. It is `None` if the storage was
    /// never provisioned.
    #[must_use]
    pub fn id(&self) -> Option<&StorageId> {
        self.id.as_ref()
    }

    /// Returns the kind of the storage. It is `None` if the storage was never provisioned.
    #[must_use]
    pub fn kind(&self) -> Option<&StorageKind> {
        self.kind.as_ref()
    }

    /// Returns the mount point of a filesystem, or the path of a block device. It is `None` if the
    /// storage was never provisioned.
    ///
    /// On Kubernetes this is the path in the charm's container. A workload container may mount the
    /// storage elsewhere, which the charm's metadata says.
    #[must_use]
    pub fn location(&self) -> Option<&Path> {
        self.location.as_deref()
    }
}
