//! The handle of one storage instance.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::declared::{DeclaredStorage, mount};
use crate::declaration::DeclaredContainer;
use crate::dispatch::context::HookContext;
use crate::juju::{self, ErrorKind, StorageId, StorageKind, StorageName};
use crate::stop::{Result, Stop};

/// A storage is a handle of one instance of the declared storage `S` that is attached to the unit.
/// It is made by [`Unit::storage`](crate::Unit::storage) and
/// [`Unit::storage_instance`](crate::Unit::storage_instance).
///
/// A handle is not `Send` and cannot outlive the hook.
pub struct Storage<S = StorageByName> {
    context: Rc<HookContext>,
    id: StorageId,
    is_detaching: bool,
    storage: PhantomData<fn() -> S>,
}

/// This type stands for a storage that was asked for by a name which is known only at run time
/// ([`Unit::storage_named`](crate::Unit::storage_named) and
/// [`Unit::storage_instance_named`](crate::Unit::storage_instance_named)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageByName {}

/// The result of looking for a storage instance by its id.
pub enum StorageLookup<S = StorageByName> {
    /// The instance is attached.
    Attached(Storage<S>),
    /// The instance is detached when this hook has ended. [`Unit::storage`](crate::Unit::storage)
    /// leaves it out; it can still be read and written.
    Detaching(Storage<S>),
    /// The instance is not attached, or not any more.
    Gone,
}

impl<S> Storage<S> {
    pub(super) fn new(context: &Rc<HookContext>, id: StorageId, is_detaching: bool) -> Self {
        Self { context: Rc::clone(context), id, is_detaching, storage: PhantomData }
    }

    /// Returns the id of the instance, such as `data/0`.
    #[must_use]
    pub fn id(&self) -> &StorageId {
        &self.id
    }

    /// Returns the name of the storage in the charm's metadata.
    #[must_use]
    pub fn name(&self) -> &StorageName {
        self.id.name()
    }

    /// Returns `true` if the instance is detached when this hook has ended.
    #[must_use]
    pub fn is_detaching(&self) -> bool {
        self.is_detaching
    }

    /// Returns the mount point of a filesystem, or the path of a block device. On Kubernetes it is
    /// the path in the charm's own container; see [`location_in`](Self::location_in).
    ///
    /// # Errors
    ///
    /// - *Not ready* (Waiting) if the instance is not provisioned yet: Juju sends
    ///   `storage-attached` when it is. Also if it was detached meanwhile.
    /// - An error if the hook tool fails.
    pub fn location(&self) -> Result<PathBuf> {
        Ok(self.info()?.location().to_owned())
    }

    /// Returns the kind of the storage.
    ///
    /// # Errors
    ///
    /// Fails as [`location`](Self::location) does.
    pub fn kind(&self) -> Result<StorageKind> {
        Ok(self.info()?.kind().clone())
    }

    fn info(&self) -> Result<Arc<juju::StorageInfo>> {
        let error = match self.context.tools.storage(&self.id) {
            Ok(info) => return Ok(info),
            Err(error) => error,
        };
        let why = match error.kind() {
            ErrorKind::NotFound => "not provisioned yet",
            // Juju listed it in this hook. The event that says so has not run yet.
            ErrorKind::Gone => "not attached any more",
            _ => return Err(error.into()),
        };
        tracing::debug!("{error}");
        Err(Stop::waiting(format!("{}: the storage {} is {why}", self.name(), self.id)))
    }
}

impl<S: DeclaredStorage> Storage<S> {
    /// Returns the path at which a container of the charm sees the storage. It is what the
    /// declaration says, and no hook tool is asked; of several mounts in one container it is the
    /// first.
    ///
    /// Juju mounts every instance of a storage at that path, so it says where the storage is only
    /// if there is one instance (Juju 3.6).
    ///
    /// A container without a mount of the storage in [`DeclaredStorage::MOUNTS`] is an error of the
    /// compiler.
    #[must_use]
    pub fn location_in<C: DeclaredContainer>(&self, _container: C) -> &'static str {
        mount::<S, C>()
    }
}

impl<S> Clone for Storage<S> {
    fn clone(&self) -> Self {
        Self::new(&self.context, self.id.clone(), self.is_detaching)
    }
}

impl<S> fmt::Debug for Storage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Storage({})", self.id)
    }
}

// A derive would ask the same of `S`, of which a lookup has no value.
impl<S> Clone for StorageLookup<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Attached(storage) => Self::Attached(storage.clone()),
            Self::Detaching(storage) => Self::Detaching(storage.clone()),
            Self::Gone => Self::Gone,
        }
    }
}

impl<S> fmt::Debug for StorageLookup<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attached(storage) => f.debug_tuple("Attached").field(storage).finish(),
            Self::Detaching(storage) => f.debug_tuple("Detaching").field(storage).finish(),
            Self::Gone => f.write_str("Gone"),
        }
    }
}
