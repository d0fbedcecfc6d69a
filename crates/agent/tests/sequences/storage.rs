//! Storage: what a charm reads of it, and what has to hold at the end.

use std::collections::BTreeSet;

use charmwright_agent::{StorageId, StorageState, UnitName};
use charmwright_juju::ToolCall;

use super::world::{World, pick};

impl World {
    /// Returns one of the storage instances of the model.
    pub fn storage(&self, number: usize) -> Option<StorageId> {
        pick(&self.storages(None), number).cloned()
    }

    /// Returns the storage instances of a unit.
    pub fn storages_of(&self, unit: &UnitName) -> BTreeSet<StorageId> {
        self.storages(Some(unit))
    }

    fn storages(&self, owner: Option<&UnitName>) -> BTreeSet<StorageId> {
        self.with(|model| {
            let all = model.storages();
            let all = all.filter(|instance| owner.is_none() || instance.unit() == owner);
            all.map(|instance| instance.id().clone()).collect()
        })
    }

    /// Reads any instance as the charm of a unit, and the list of those that it has.
    pub(super) fn read_storage(&mut self, unit: &UnitName, number: usize) {
        let now = self.storages_of(unit);
        let had = self.hook_storages.entry(unit.clone()).or_default();
        had.extend(now);
        let had = had.clone();
        if let Some(id) = self.storage(number) {
            let get = ToolCall::new("storage-get").arg("-s").arg(id.to_string()).arg("location");
            if self.tool(unit, &get).is_ok() {
                assert!(had.contains(&id), "{unit} reads {id}, which it never had");
                self.reads += 1;
            }
        }
        let list = ToolCall::new("storage-list").arg("--format=json");
        if let Ok(output) = self.tool(unit, &list) {
            let listed: BTreeSet<StorageId> = serde_json::from_slice(&output).unwrap();
            assert!(listed.is_subset(&had), "{unit} lists {listed:?}, but had {had:?}");
        }
    }

    /// Checks that each instance has a unit that is there, or is detached.
    pub(super) fn check_no_storage_left(&self, units: &[UnitName]) {
        self.with(|model| {
            for instance in model.storages() {
                let state = match instance.unit() {
                    Some(unit) => {
                        assert!(units.contains(unit), "{} is left to {unit}", instance.id());
                        StorageState::Attached
                    }
                    None => StorageState::Detached,
                };
                assert_eq!(instance.state(), state, "the state of {}", instance.id());
            }
        });
    }
}
