//! The storage hooks of a unit: which one is due, and what happens to the storage when it has run.
//!
//! Source: Juju 3.6, the storage resolver of the uniter.

use charmwright_juju::{StorageId, UnitName};

use super::hook::{HookKind, StorageHook};
use super::model::Model;
use super::storage::StorageInstance;
use super::unit::Unit;

impl Unit<'_> {
    /// Returns the storage hook that is due, or `None` if none is. Juju takes the instances in any
    /// order, the model in that in which they were made.
    pub(super) fn next_storage_hook(&self) -> Option<HookKind> {
        self.storage().find_map(|instance| {
            if instance.is_detaching_due() {
                Some(HookKind::StorageDetaching(storage_hook(instance)))
            } else if instance.is_attached_due() {
                Some(HookKind::StorageAttached(storage_hook(instance)))
            } else {
                None
            }
        })
    }

    /// Returns `true` if the unit waits for storage before its `install`, as Juju lets a unit on a
    /// machine do.
    pub(super) fn awaits_storage(&self) -> bool {
        !self.is_kubernetes() && self.storage().any(StorageInstance::is_awaited)
    }

    fn storage(&self) -> impl Iterator<Item = &StorageInstance> {
        self.model.storages.of(&self.record.name)
    }
}

fn storage_hook(instance: &StorageInstance) -> StorageHook {
    StorageHook::new(instance.id(), instance.kind(), instance.location())
}

impl Model {
    /// Begins to detach an instance from its unit, and detaches it if no storage-detaching is due.
    pub(super) fn begin_to_detach(&mut self, unit: &UnitName, id: &StorageId) {
        self.storages.begin_to_detach(id);
        self.detach_unseen(unit);
    }

    /// Begins to detach all storage of a unit that is being removed.
    pub(super) fn begin_to_drain_storage(&mut self, unit: &UnitName) {
        for id in self.storage_ids_of(unit) {
            self.storages.begin_to_detach(&id);
        }
        self.detach_unseen(unit);
    }

    /// Detaches all storage of a unit that is gone.
    pub(super) fn drop_storage_of(&mut self, unit: &UnitName) {
        for id in self.storage_ids_of(unit) {
            self.storages.detached(&id);
        }
    }

    /// Detaches the instances that are dying and whose storage-attached has never run: Juju runs no
    /// storage-detaching for them. It waits for a storage-attached that has begun and not ended.
    pub(super) fn detach_unseen(&mut self, unit: &UnitName) {
        let Some(record) = self.units.get(unit) else { return };
        let begun = [
            record.running.as_ref().map(|running| &running.run.kind),
            record.lifecycle.error.as_ref().map(|error| &error.kind),
            record.lifecycle.queued.as_ref(),
        ];
        let has_begun = |id: &StorageId| {
            let begun = begun.into_iter().flatten();
            begun.filter_map(HookKind::storage).any(|hook| hook.id() == id)
        };
        let unseen: Vec<StorageId> = self
            .storages
            .of(unit)
            .filter(|instance| instance.is_unseen_and_dying() && !has_begun(instance.id()))
            .map(|instance| instance.id().clone())
            .collect();
        for id in unseen {
            self.storages.detached(&id);
        }
    }

    /// Takes the effects of a hook that counts as done on the storage of its unit.
    pub(super) fn complete_storage_hook(&mut self, unit: &UnitName, kind: &HookKind) {
        match kind {
            HookKind::StorageAttached(hook) => self.storages.attached(hook.id()),
            HookKind::StorageDetaching(hook) => self.storages.detached(hook.id()),
            HookKind::Start if self.settings.provisions_storage => {
                for id in self.storage_ids_of(unit) {
                    self.storages.provision(&id);
                }
            }
            _ => {}
        }
    }

    fn storage_ids_of(&self, unit: &UnitName) -> Vec<StorageId> {
        self.storages.of(unit).map(|instance| instance.id().clone()).collect()
    }
}
