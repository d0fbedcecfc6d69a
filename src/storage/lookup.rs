//! The calls of a unit that find its storage, and the one of a hook that adds some.

use super::declared::{DeclaredStorage, Extensible, StorageCount};
use super::handle::{Storage, StorageByName, StorageLookup};
use crate::declaration::Declaration;
use crate::error::Error;
use crate::hook::Hook;
use crate::juju::{self, StorageId, StorageName};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

impl Unit {
    /// Returns the instances of a storage that are attached to the unit: the instance itself, an
    /// `Option` or a `Vec` in the order of their ids, as the declaration says. An instance that is
    /// detached when this hook has ended is not among them.
    ///
    /// An instance that is not provisioned yet is among them; its
    /// [`location`](Storage::location) is not ready.
    ///
    /// ```
    /// use charmwright::{Declaration, DeclaredStorage, ExactlyOne, Hook, Result};
    ///
    /// #[derive(Clone, Copy)]
    /// struct Data;
    ///
    /// impl DeclaredStorage for Data {
    ///     const NAME: &'static str = "data";
    ///     type Count = ExactlyOne;
    /// }
    ///
    /// fn database<D: Declaration>(hook: &Hook<D>) -> Result<std::path::PathBuf> {
    ///     // Until Juju has attached and provisioned it, the unit is Waiting.
    ///     Ok(hook.storage(Data)?.location()?.join("database"))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - *Not ready* (Waiting) if the storage has [exactly one](crate::ExactlyOne) instance and it
    ///   is not attached yet, or is detached when this hook has ended.
    /// - An error if the hook tool fails.
    pub fn storage<S: DeclaredStorage>(
        &self,
        storage: S,
    ) -> Result<<S::Count as StorageCount>::Of<Storage<S>>> {
        let name = storage.name();
        S::Count::of(self.instances_of(&name)?, || {
            let detaching = self.context.detaching_storage.as_ref();
            Stop::waiting(match detaching.filter(|id| *id.name() == name) {
                Some(id) => format!("{name}: the storage {id} is being detached"),
                None => format!("{name}: the storage is not attached yet"),
            })
        })
    }

    /// Returns the instances of a storage whose name is known only at run time, in the order of
    /// their ids. There are none if the charm does not declare the storage.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn storage_named(&self, name: &StorageName) -> Result<Vec<Storage>, juju::Error> {
        self.instances_of::<StorageByName>(name)
    }

    /// Looks for a storage instance by its id, which an event has told.
    ///
    /// A deferred event may run after its storage has gone; then it is
    /// [`Gone`](StorageLookup::Gone), also for a deferred `storage-detaching`.
    ///
    /// ```
    /// use charmwright::juju::StorageId;
    /// use charmwright::{Declaration, Hook, Result, StorageLookup};
    ///
    /// # use charmwright::{AnyNumber, DeclaredStorage};
    /// # #[derive(Clone, Copy)]
    /// # struct Disks;
    /// # impl DeclaredStorage for Disks {
    /// #     const NAME: &'static str = "disks";
    /// #     type Count = AnyNumber;
    /// # }
    /// fn may_be_filled<D: Declaration>(hook: &Hook<D>, id: &StorageId) -> Result<bool> {
    ///     match hook.storage_instance(Disks, id)? {
    ///         StorageLookup::Attached(_) => Ok(true),
    ///         StorageLookup::Detaching(_) | StorageLookup::Gone => Ok(false),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the instance is one of another storage, or if the hook tool fails.
    pub fn storage_instance<S: DeclaredStorage>(
        &self,
        storage: S,
        id: &StorageId,
    ) -> Result<StorageLookup<S>, Error> {
        let name = storage.name();
        if *id.name() != name {
            return Err(Error::undeclared(format!(
                "cannot use the storage {id} as one of \"{name}\": it is one of \"{}\"",
                id.name()
            )));
        }
        let instance = |is_detaching| Storage::new(&self.context, id.clone(), is_detaching);
        if self.context.detaching_storage.as_ref() == Some(id) {
            return Ok(StorageLookup::Detaching(instance(true)));
        }
        let is_attached = self.context.tools.storage_ids(&name)?.contains(id);
        Ok(if is_attached { StorageLookup::Attached(instance(false)) } else { StorageLookup::Gone })
    }

    fn instances_of<S>(&self, name: &StorageName) -> Result<Vec<Storage<S>>, juju::Error> {
        let ids = self.context.tools.storage_ids(name)?;
        // What is detached with this hook is so for every event that runs in it.
        let detaching = self.context.detaching_storage.as_ref();
        let staying = ids.into_iter().filter(|id| Some(id) != detaching);
        Ok(staying.map(|id| Storage::new(&self.context, id, false)).collect())
    }
}

impl<D: Declaration> Hook<D> {
    /// Asks for `count` more instances of a storage. Juju adds them when the hook succeeds, and
    /// each sends `storage-attached` when it is provisioned.
    ///
    /// Nothing remembers the call: a handler that runs again asks again. So compare what there is
    /// with what is wanted, or ask in a handler of one event. An instance that Juju has added and
    /// not provisioned yet counts as [`storage`](Unit::storage), since Juju lists it.
    ///
    /// ```
    /// use charmwright::{AnyNumber, Declaration, DeclaredStorage, Hook, Result};
    ///
    /// #[derive(Clone, Copy)]
    /// struct Disks;
    ///
    /// // storage: {disks: {type: block, multiple: {range: 0-}}}
    /// impl DeclaredStorage for Disks {
    ///     const NAME: &'static str = "disks";
    ///     type Count = AnyNumber;
    /// }
    ///
    /// fn have<D: Declaration>(hook: &Hook<D>, wanted: u32) -> Result {
    ///     let there = u32::try_from(hook.storage(Disks)?.len()).unwrap_or(u32::MAX);
    ///     if there < wanted {
    ///         hook.add_storage(Disks, wanted - there)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// A storage with exactly one instance does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use charmwright::{Declaration, DeclaredStorage, ExactlyOne, Hook};
    /// # #[derive(Clone, Copy)]
    /// # struct Data;
    /// # impl DeclaredStorage for Data {
    /// #     const NAME: &'static str = "data";
    /// #     type Count = ExactlyOne;
    /// # }
    /// fn more<D: Declaration>(hook: &Hook<D>) {
    ///     let _ = hook.add_storage(Data, 1);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `count` is 0 or the hook tool fails. More than the charm's range allows
    /// fails the hook, because Juju checks that only when it commits the hook (Juju 3.6 and 4.0).
    pub fn add_storage<S>(&self, storage: S, count: u32) -> Result<(), juju::Error>
    where
        S: DeclaredStorage,
        S::Count: Extensible,
    {
        self.tools().add_storage(&storage.name(), count)
    }
}
