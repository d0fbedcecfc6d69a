//! [`StorageMeta`], [`ResourceMeta`] and [`MountMeta`] hold what a charm declares of its storages,
//! its resources and the mounts of its containers.

use charmwright_juju::StorageKind;

/// A storage that the charm's metadata declares. Each unit has a number of instances of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageMeta {
    /// The name of the storage.
    pub name: String,
    /// The kind of the storage.
    pub kind: StorageKind,
    /// `true` if the units of the application share one instance. No Juju supports that, so that
    /// such a charm cannot be deployed (Juju 3.6 and 4.0).
    pub is_shared: bool,
    /// `true` if the charm may not write to it.
    pub is_read_only: bool,
    /// The path at which the charm wants the filesystem; empty if it leaves that to Juju.
    pub location: String,
    /// The smallest number of instances that a unit has.
    pub count_min: u64,
    /// The largest number of instances that a unit has; `None` if there is no limit.
    pub count_max: Option<u64>,
}

impl StorageMeta {
    /// Returns `true` if a unit has exactly one instance, and never another one.
    #[must_use]
    pub fn is_singular(&self) -> bool {
        self.count_min == 1 && self.count_max == Some(1)
    }
}

/// The kind of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A file (`file`).
    File,
    /// The image of a container (`oci-image`). To the charm it is a file with the image's path.
    OciImage,
}

impl ResourceKind {
    /// Returns Juju's word for the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::OciImage => "oci-image",
        }
    }
}

/// A resource that the charm's metadata declares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceMeta {
    /// The kind of the resource.
    pub kind: ResourceKind,
    /// The name of the file in which the charm finds a resource of the kind file.
    pub filename: String,
}

impl ResourceMeta {
    pub(super) fn new(kind: ResourceKind, filename: &str) -> Self {
        Self { kind, filename: filename.to_owned() }
    }
}

/// A storage that is mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountMeta {
    /// The name of the storage.
    pub storage: String,
    /// The path in the container.
    pub location: String,
}

impl MountMeta {
    pub(super) fn new(storage: &str, location: &str) -> Self {
        Self { storage: storage.to_owned(), location: location.to_owned() }
    }
}
