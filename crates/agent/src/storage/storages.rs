//! [`Storages`] holds the storage instances of a model.

use std::collections::BTreeMap;

use charmwright_juju::{StorageId, UnitName};

use super::instance::{Attachment, StorageInstance};
use super::path::StoragePlace;

/// The most instances of a model. Juju has no such limit, but a mistyped count must not fill the
/// memory.
const LIMIT: u64 = 10_000;

/// The storage instances of a model, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Storages {
    /// The instances by number: no two have the same.
    instances: BTreeMap<u32, StorageInstance>,
    /// The number of the next instance.
    next: u32,
}

impl Storages {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &StorageInstance> {
        self.instances.values()
    }

    pub(crate) fn get(&self, id: &StorageId) -> Option<&StorageInstance> {
        self.instances.get(&id.number()).filter(|instance| instance.id == *id)
    }

    /// Returns the instances of a unit.
    pub(crate) fn of<'a>(
        &'a self,
        unit: &'a UnitName,
    ) -> impl Iterator<Item = &'a StorageInstance> + 'a {
        self.iter().filter(|instance| instance.belongs_to(unit))
    }

    /// Returns the number of a unit's instances of one storage, with those that are being detached.
    pub(crate) fn count(&self, unit: &UnitName, storage: &str) -> u64 {
        let count = self.of(unit).filter(|instance| instance.id.name().as_str() == storage).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Returns `true` if the model may have so many further instances.
    pub(crate) fn has_room_for(&self, count: u64) -> bool {
        let present = u64::try_from(self.instances.len()).unwrap_or(u64::MAX);
        present.saturating_add(count) <= LIMIT && u64::from(u32::MAX - self.next) >= count
    }

    /// Makes an instance for a unit. Returns `None` if there is no number for it.
    pub(crate) fn add(
        &mut self,
        place: &StoragePlace<'_>,
        unit: &UnitName,
        is_provisioned: bool,
    ) -> Option<StorageId> {
        let number = self.next;
        let next = number.checked_add(1)?;
        let id: StorageId = format!("{}/{number}", place.meta.name).parse().ok()?;
        let kind = place.meta.kind.clone();
        let instance = StorageInstance { id: id.clone(), kind, attachment: None };
        self.instances.insert(number, instance);
        self.next = next;
        self.attach(&id, place, unit, is_provisioned);
        Some(id)
    }

    /// Attaches a detached instance to a unit.
    pub(crate) fn attach(
        &mut self,
        id: &StorageId,
        place: &StoragePlace<'_>,
        unit: &UnitName,
        is_provisioned: bool,
    ) {
        if let Some(instance) = self.instances.get_mut(&id.number()) {
            instance.attachment = Some(Attachment {
                unit: unit.clone(),
                location: place.of(id),
                is_provisioned,
                is_dying: false,
                has_run_attached: false,
            });
        }
    }

    /// Provisions an instance that belongs to a unit.
    pub(crate) fn provision(&mut self, id: &StorageId) {
        if let Some(attachment) = self.attachment_mut(id) {
            attachment.is_provisioned = true;
        }
    }

    /// Begins to detach an instance from its unit.
    pub(crate) fn begin_to_detach(&mut self, id: &StorageId) {
        if let Some(attachment) = self.attachment_mut(id) {
            attachment.is_dying = true;
        }
    }

    /// Records that storage-attached has succeeded.
    pub(crate) fn attached(&mut self, id: &StorageId) {
        if let Some(attachment) = self.attachment_mut(id) {
            attachment.has_run_attached = true;
        }
    }

    /// Detaches an instance from its unit. It stays in the model.
    pub(crate) fn detached(&mut self, id: &StorageId) {
        if let Some(instance) = self.instances.get_mut(&id.number()) {
            instance.attachment = None;
        }
    }

    /// Removes an instance from the model.
    pub(crate) fn remove(&mut self, id: &StorageId) {
        self.instances.remove(&id.number());
    }

    fn attachment_mut(&mut self, id: &StorageId) -> Option<&mut Attachment> {
        self.instances.get_mut(&id.number())?.attachment.as_mut()
    }
}
