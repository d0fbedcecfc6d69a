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
    /// their ids. There are none if the charm does not declare the storage. An instance that is
    /// detached when this hook has ended is not among them;
    /// [`storage_instance_named`](Self::storage_instance_named) finds it.
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
        Ok(self.look_for(id)?)
    }

    /// Looks for an instance of a storage whose name is known only at run time, as
    /// [`storage_instance`](Self::storage_instance) does.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn storage_instance_named(&self, id: &StorageId) -> Result<StorageLookup, juju::Error> {
        self.look_for::<StorageByName>(id)
    }

    fn look_for<S>(&self, id: &StorageId) -> Result<StorageLookup<S>, juju::Error> {
        let instance = |is_detaching| Storage::new(&self.context, id.clone(), is_detaching);
        if self.context.detaching_storage.as_ref() == Some(id) {
            return Ok(StorageLookup::Detaching(instance(true)));
        }
        let is_attached = self.context.tools.storage_ids(id.name())?.contains(id);
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
    /// Asks for the instances of a storage that are missing until the unit has `count` of them, and
    /// returns how many it asked for. Juju adds them when the hook succeeds, and each sends
    /// `storage-attached` when it is provisioned.
    ///
    /// The call may be repeated: what this hook has asked for counts, and so do instances that are
    /// not provisioned yet. An instance that is detached with this hook counts as well, because
    /// Juju counts it when it commits the hook (its source, 3.6); a later hook asks for another. A
    /// unit that is being removed asks for none, since Juju would fail the hook.
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
    /// fn fill<D: Declaration>(hook: &Hook<D>) -> Result {
    ///     hook.add_storage_up_to(Disks, 3)?;
    ///     for disk in hook.storage(Disks)? {
    ///         // … use those that are there …
    ///         # let _ = disk;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a hook tool fails. A `count` outside the charm's range fails the hook,
    /// because Juju checks that only when it commits the hook (Juju 3.6 and 4.0).
    pub fn add_storage_up_to<S>(&self, storage: S, count: u32) -> Result<u32, juju::Error>
    where
        S: DeclaredStorage,
        S::Count: Extensible,
    {
        let name = storage.name();
        let tools = self.tools();
        let listed = u32::try_from(tools.storage_ids(&name)?.len()).unwrap_or(u32::MAX);
        let missing = count.saturating_sub(listed).saturating_sub(tools.added_storage(&name));
        if missing == 0 || self.is_being_removed()? {
            return Ok(0);
        }
        tools.add_storage(&name, missing)?;
        Ok(missing)
    }

    /// Asks for `count` more instances of a storage. Juju adds them when the hook succeeds, and
    /// each sends `storage-attached` when it is provisioned.
    ///
    /// Nothing remembers the call: a handler that runs again asks again. It is for an action or for
    /// the handler of one event; [`add_storage_up_to`](Self::add_storage_up_to) is for the others.
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
    /// fails the hook, and so does a unit that is being removed, because Juju checks that only when
    /// it commits the hook (Juju 3.6 and 4.0).
    pub fn add_storage<S>(&self, storage: S, count: u32) -> Result<(), juju::Error>
    where
        S: DeclaredStorage,
        S::Count: Extensible,
    {
        self.tools().add_storage(&storage.name(), count)
    }

    fn is_being_removed(&self) -> Result<bool, juju::Error> {
        let goals = self.goal_state()?;
        Ok(goals.units().get(self.name()).is_some_and(juju::Goal::is_dying))
    }
}
