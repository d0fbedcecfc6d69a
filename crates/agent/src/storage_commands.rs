//! The methods of [`Model`] that are the operator's commands on storage, and those that make the
//! storage of a new unit.
//!
//! Source: Juju 3.6, `state/storage.go` and `state/application.go`.

use std::collections::BTreeMap;

use charmwright_juju::{StorageId, UnitName};

use super::application::Application;
use super::charm_meta::CharmMeta;
use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::model::Model;
use super::storage::{
    Change, StorageInstance, StoragePlace, Storages, check_count, check_count_change,
};
use super::storage_meta::StorageMeta;

/// Juju's text for a unit that is being removed (source: Juju 3.6, `state`).
const UNIT_NOT_ALIVE: &str = "unit is not found or not alive";

impl Model {
    /// Returns the storage instances of the model, in the order in which they were made. Those that
    /// belong to no unit are among them.
    pub fn storages(&self) -> impl Iterator<Item = &StorageInstance> {
        self.storages.iter()
    }

    /// Returns a storage instance.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such instance.
    pub fn storage(&self, id: &StorageId) -> Result<&StorageInstance, Error> {
        self.storages.get(id).ok_or_else(|| {
            let why = format!("cannot use storage {id}: {}", no_instance(id));
            Error::new(ErrorKind::NotFound, why)
        })
    }

    /// Adds instances of a storage to a unit, as `juju add-storage UNIT NAME=COUNT` does, and
    /// returns their ids. storage-attached becomes due for each, once it is provisioned.
    ///
    /// The `juju` command refuses this on Kubernetes; the controller, as the model, does not.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Storage`] if the charm declares no such storage or not so many instances, if
    ///   the count is 0, or if the unit is being removed or has no charm.
    pub fn add_storage(
        &mut self,
        unit: &UnitName,
        name: &str,
        count: u32,
    ) -> Result<Vec<StorageId>, Error> {
        self.live_mut(unit)?;
        let refuse = |why: String| {
            let text = format!("cannot add storage {} to {unit}: {why}", go_quote(name));
            Error::new(ErrorKind::Storage, text)
        };
        let meta = self.addable_storage(unit, name).map_err(refuse)?;
        if count == 0 {
            return Err(refuse("adding storage where instance count is 0 not valid".to_owned()));
        }
        let current = self.storages.count(unit, name);
        check_count_change(&meta, current, Change::Attach(u64::from(count))).map_err(refuse)?;
        if !self.storages.has_room_for(u64::from(count)) {
            return Err(refuse(NO_ROOM.to_owned()));
        }
        Ok(self.make_storage(unit, &meta, u64::from(count)))
    }

    /// Attaches a detached storage instance to a unit, as `juju attach-storage UNIT ID` does.
    /// storage-attached becomes due. It does nothing if the instance belongs to this unit already.
    ///
    /// The `juju` command refuses this on Kubernetes; the controller, as the model, does not.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit or no such instance.
    /// - [`ErrorKind::Storage`] if the instance belongs to another unit, if the charm declares no
    ///   storage of its name or not so many instances, or if the unit is being removed or has no
    ///   charm.
    pub fn attach_storage(&mut self, unit: &UnitName, id: &StorageId) -> Result<(), Error> {
        let refuse = |kind, why: String| {
            Error::new(kind, format!("cannot attach storage {id} to unit {unit}: {why}"))
        };
        let instance = self.storages.get(id);
        let owner = instance.ok_or_else(|| refuse(ErrorKind::NotFound, no_instance(id)))?.unit();
        let owner = owner.cloned();
        let is_dying = self.live_mut(unit)?.is_dying;
        let refuse = |why: String| refuse(ErrorKind::Storage, why);
        if is_dying {
            return Err(refuse("unit not alive".to_owned()));
        }
        match owner {
            Some(owner) if owner == *unit => return Ok(()),
            Some(owner) => {
                let why = format!("cannot attach storage owned by unit {owner} to unit {unit}");
                return Err(refuse(why));
            }
            None => {}
        }
        let name = id.name().as_str();
        let application = self.application(unit.application().as_str())?;
        let charm = application.meta.name();
        let meta = self.declared_storage(unit, name).map_err(|why| match why {
            Undeclared::Storage => refuse(format!("charm {charm} has no storage called {name}")),
            Undeclared::Charm => refuse(NO_CHARM.to_owned()),
        })?;
        let current = self.storages.count(unit, name);
        check_count_change(&meta, current, Change::Attach(1)).map_err(refuse)?;
        let is_provisioned = self.is_provisioned_at_once(unit);
        let directory = self.settings.storage_directory.clone();
        let place = StoragePlace { directory: directory.as_deref(), meta: &meta };
        self.storages.attach(id, &place, unit, is_provisioned);
        Ok(())
    }

    /// Detaches a storage instance from its unit, as `juju detach-storage ID` does.
    ///
    /// storage-detaching becomes due, and once it has succeeded the instance is detached. It is
    /// detached at once if its storage-attached has not run. The instance stays in the model. It
    /// does nothing if the instance is detached already.
    ///
    /// The `juju` command refuses this on Kubernetes; the controller, as the model, does not.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such instance.
    /// - [`ErrorKind::Storage`] if the unit would have fewer instances than the charm wants. A unit
    ///   that is being removed may have fewer.
    pub fn detach_storage(&mut self, id: &StorageId) -> Result<(), Error> {
        let Some(instance) = self.storages.get(id) else {
            let why = format!("cannot detach storage {id}: {}", no_instance(id));
            return Err(Error::new(ErrorKind::NotFound, why));
        };
        let Some(unit) = instance.unit().cloned() else { return Ok(()) };
        let is_alive = self.units.get(&unit).is_some_and(|record| !record.is_dying);
        // A charm that does not declare the storage any more does not want it either.
        if let Ok(meta) = self.declared_storage(&unit, id.name().as_str())
            && is_alive
        {
            let current = self.storages.count(&unit, id.name().as_str());
            check_count_change(&meta, current, Change::DetachOne).map_err(|why| {
                let text = format!("cannot destroy storage attachment {id}:{unit}: {why}");
                Error::new(ErrorKind::Storage, text)
            })?;
        }
        self.begin_to_detach(&unit, id);
        Ok(())
    }

    /// Removes a detached storage instance from the model, as `juju remove-storage ID` does.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such instance.
    /// - [`ErrorKind::Storage`] if the instance belongs to a unit.
    pub fn remove_storage(&mut self, id: &StorageId) -> Result<(), Error> {
        let (kind, why) = match self.storages.get(id) {
            None => (ErrorKind::NotFound, no_instance(id)),
            Some(instance) if instance.unit().is_some() => {
                (ErrorKind::Storage, "storage is attached".to_owned())
            }
            Some(_) => {
                self.storages.remove(id);
                return Ok(());
            }
        };
        let id = go_quote(&id.to_string());
        Err(Error::new(kind, format!("cannot destroy storage {id}: {why}")))
    }

    /// Provisions a storage instance that belongs to a unit, as the cloud does. storage-attached
    /// becomes due. It does nothing if the instance is provisioned already.
    ///
    /// The model does it by itself, on a machine when the instance is made and on Kubernetes when
    /// the unit has started, unless
    /// [`ModelSettings::provision_storage`](super::ModelSettings::provision_storage) has switched
    /// that off.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such instance.
    /// - [`ErrorKind::Storage`] if the instance belongs to no unit.
    pub fn provision_storage(&mut self, id: &StorageId) -> Result<(), Error> {
        if self.storage(id)?.unit().is_none() {
            let why = format!("cannot provision storage {id}: it belongs to no unit");
            return Err(Error::new(ErrorKind::Storage, why));
        }
        self.storages.provision(id);
        Ok(())
    }

    /// Returns the declaration of a storage of which a unit may get more instances.
    ///
    /// # Errors
    /// Returns Juju's text if the unit is being removed, or its charm declares no such storage.
    pub(super) fn addable_storage(
        &self,
        unit: &UnitName,
        name: &str,
    ) -> Result<StorageMeta, String> {
        if self.units.get(unit).is_none_or(|record| record.is_dying) {
            return Err(UNIT_NOT_ALIVE.to_owned());
        }
        self.declared_storage(unit, name).map_err(|why| match why {
            Undeclared::Storage => format!("charm storage {} not found", go_quote(name)),
            Undeclared::Charm => NO_CHARM.to_owned(),
        })
    }

    fn declared_storage(&self, unit: &UnitName, name: &str) -> Result<StorageMeta, Undeclared> {
        // A unit on which no charm runs has no storage: nothing would use it.
        let record = self.units.get(unit).filter(|record| record.has_agent);
        let application = self.applications.get(unit.application().as_str());
        let meta = record.and(application).ok_or(Undeclared::Charm)?.meta.storages().get(name);
        meta.cloned().ok_or(Undeclared::Storage)
    }

    /// Makes instances of a storage for a unit. The caller has checked their number.
    pub(super) fn make_storage(
        &mut self,
        unit: &UnitName,
        meta: &StorageMeta,
        count: u64,
    ) -> Vec<StorageId> {
        let is_provisioned = self.is_provisioned_at_once(unit);
        let directory = self.settings.storage_directory.clone();
        let place = StoragePlace { directory: directory.as_deref(), meta };
        (0..count).filter_map(|_| self.storages.add(&place, unit, is_provisioned)).collect()
    }

    /// Checks that the model has room for the storage of a new unit of an application.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::Storage`] if there is no room.
    pub(super) fn check_unit_storage(&self, application: &str) -> Result<(), Error> {
        let known = self.application(application)?;
        let counts = known.meta.storages().values().map(|meta| known.storage_count(meta));
        if self.storages.has_room_for(counts.fold(0, u64::saturating_add)) {
            return Ok(());
        }
        let name = go_quote(application);
        let text = format!("cannot add unit to application {name}: {NO_ROOM}");
        Err(Error::new(ErrorKind::Storage, text))
    }

    /// Makes the storage of a new unit, in the order of the names (Juju 3.6).
    pub(super) fn make_unit_storage(&mut self, unit: &UnitName) {
        let Some(application) = self.applications.get(unit.application().as_str()) else { return };
        let wanted: Vec<(StorageMeta, u64)> = application
            .meta
            .storages()
            .values()
            .map(|meta| (meta.clone(), application.storage_count(meta)))
            .collect();
        for (meta, count) in wanted {
            self.make_storage(unit, &meta, count);
        }
    }

    /// Makes the instances that a refreshed charm wants at least, for each unit that has fewer, and
    /// those of a storage that the old charm did not declare.
    pub(super) fn make_missing_storage(&mut self, application: &str) {
        let units: Vec<UnitName> = self
            .records_of(application)
            .filter(|unit| unit.has_agent && !unit.is_dying)
            .map(|unit| unit.name.clone())
            .collect();
        let Some(known) = self.applications.get(application) else { return };
        let storages: Vec<StorageMeta> = known.meta.storages().values().cloned().collect();
        for unit in units {
            for meta in &storages {
                let missing = meta.count_min.saturating_sub(self.storages.count(&unit, &meta.name));
                self.make_storage(&unit, meta, missing);
            }
        }
    }

    /// Refuses a charm with whose storage an application cannot be refreshed.
    ///
    /// # Errors
    /// Returns Juju's text.
    pub(super) fn check_storage_refresh(
        &self,
        application: &Application,
        new: &CharmMeta,
    ) -> Result<(), String> {
        let old = application.meta.storages();
        for (name, storage) in old.iter().filter(|(name, _)| !new.storages().contains_key(*name)) {
            let name = go_quote(name);
            if storage.count_min > 0 {
                return Err(format!("required storage {name} removed"));
            }
            let mut units = self.records_of(&application.name);
            if units.any(|unit| self.storages.count(&unit.name, &storage.name) > 0) {
                return Err(format!("in-use storage {name} removed"));
            }
        }
        for (name, new) in new.storages() {
            match old.get(name) {
                Some(old) => check_storage_change(old, new)?,
                None => check_shared(new)?,
            }
        }
        let units = self.records_of(&application.name);
        let missing = units.filter(|unit| unit.has_agent && !unit.is_dying).flat_map(|unit| {
            let count = |meta: &StorageMeta| self.storages.count(&unit.name, &meta.name);
            new.storages().values().map(move |meta| meta.count_min.saturating_sub(count(meta)))
        });
        match self.storages.has_room_for(missing.fold(0, u64::saturating_add)) {
            true => Ok(()),
            false => Err(NO_ROOM.to_owned()),
        }
    }

    /// Returns `true` if an instance is provisioned as soon as it belongs to the unit.
    fn is_provisioned_at_once(&self, unit: &UnitName) -> bool {
        let application = self.applications.get(unit.application().as_str());
        let Some((application, record)) = application.zip(self.units.get(unit)) else {
            return false;
        };
        // Juju's agent runs no storage-attached on Kubernetes before `start` has run (Juju 3.6).
        self.settings.provisions_storage
            && (!self.is_on_kubernetes(application) || record.lifecycle.is_started)
    }
}

/// The reason for which a unit has no storage of a name.
enum Undeclared {
    /// The charm does not declare it.
    Storage,
    /// No charm runs on the unit.
    Charm,
}

/// The text for more instances than the model keeps, which Juju does not limit.
pub(super) const NO_ROOM: &str = "the model has no room for so many storage instances";

const NO_CHARM: &str = "no charm runs on the unit";

fn no_instance(id: &StorageId) -> String {
    format!("storage instance {} not found", go_quote(&id.to_string()))
}

/// Refuses shared storage, which no Juju supports.
fn check_shared(storage: &StorageMeta) -> Result<(), String> {
    if storage.is_shared {
        let name = go_quote(&storage.name);
        return Err(format!("no constraints specified for shared charm storage {name}"));
    }
    Ok(())
}

/// Refuses the numbers of instances for which the operator asks at the deployment, and a charm with
/// shared storage.
///
/// # Errors
/// Returns Juju's text.
pub(super) fn check_deployment(
    meta: &CharmMeta,
    counts: &BTreeMap<String, u64>,
    units: u32,
    storages: &Storages,
) -> Result<(), String> {
    let charm = go_quote(meta.name());
    let mut total: u64 = 0;
    for storage in meta.storages().values() {
        check_shared(storage)?;
        let count = counts.get(&storage.name).copied().unwrap_or(storage.count_min);
        check_count(storage, count)
            .map_err(|why| format!("charm {charm} store {}: {why}", go_quote(&storage.name)))?;
        total = total.saturating_add(count);
    }
    if let Some(name) = counts.keys().find(|name| !meta.storages().contains_key(*name)) {
        return Err(format!("charm {charm} has no store called {}", go_quote(name)));
    }
    if !storages.has_room_for(total.saturating_mul(u64::from(units))) {
        return Err(NO_ROOM.to_owned());
    }
    Ok(())
}

/// Refuses a storage of a new charm whose declaration differs in what Juju cannot change.
fn check_storage_change(old: &StorageMeta, new: &StorageMeta) -> Result<(), String> {
    let name = go_quote(&old.name);
    let changed = |what: &str, old: &str, new: &str| {
        Err(format!("existing storage {name} {what} changed from {old} to {new}"))
    };
    let quoted = |text: &str| go_quote(text);
    if new.kind != old.kind {
        return changed("type", &quoted(old.kind.as_str()), &quoted(new.kind.as_str()));
    }
    if new.is_shared != old.is_shared {
        return changed("shared", &old.is_shared.to_string(), &new.is_shared.to_string());
    }
    if new.is_read_only != old.is_read_only {
        return changed("read-only", &old.is_read_only.to_string(), &new.is_read_only.to_string());
    }
    if new.location != old.location {
        return changed("location", &quoted(&old.location), &quoted(&new.location));
    }
    if let Some(most) = new.count_max
        && old.count_max.is_none_or(|old| most < old)
    {
        let old = old.count_max.map_or("<unbounded>".to_owned(), |most| most.to_string());
        return Err(format!(
            "existing storage {name} range contracted: max decreased from {old} to {most}"
        ));
    }
    if !old.location.is_empty() && old.count_max == Some(1) && new.count_max != Some(1) {
        return Err(format!(
            "existing storage {name} with location changed from single to multiple"
        ));
    }
    Ok(())
}
