//! [`Model::commit`] commits the writes of a hook or an action that has exited with 0: either all
//! of them or none.

use charmwright_juju::UnitName;

use super::go_text::go_quote;
use super::model::Model;
use super::running::PendingWrites;
use super::secrets::{Committer, Party, RelationScope, Scope, Secrets};
use super::storage::{Change, check_count_change};
use super::storage_commands::NO_ROOM;
use super::storage_meta::StorageMeta;
use super::unit_record::UnitRecord;

/// The most bytes that all keys and values of the charm's state may have together: the default of
/// the controller's setting `max-charm-state-size`.
const STATE_LIMIT: usize = 2 * 1024 * 1024;

impl Model {
    /// Commits the writes of a hook of this unit. Every check comes before the first change, since
    /// a refused commit must change nothing.
    ///
    /// # Errors
    /// Returns Juju's text if the controller refuses the writes.
    pub(super) fn commit(&mut self, unit: &UnitName, writes: PendingWrites) -> Result<(), String> {
        let record = self.units.get(unit);
        // The checks.
        check_state_size(record.ok_or_else(|| not_found(unit))?, &writes)?;
        self.check_ports(unit, &writes)?;
        self.check_relation_writes(unit, &writes)?;
        let secrets = self.changed_secrets(unit, &writes)?;
        let storage = self.check_storage(unit, &writes)?;

        // The changes.
        if let Some(secrets) = secrets {
            self.secrets = secrets;
        }
        self.commit_relation_writes(unit, &writes);
        for (meta, count) in &storage {
            self.make_storage(unit, meta, *count);
        }
        let record = self.units.get_mut(unit).ok_or_else(|| not_found(unit))?;
        for (key, value) in writes.state {
            match value {
                Some(value) => {
                    record.state.insert(key, value);
                }
                None => {
                    record.state.remove(&key);
                }
            }
        }
        record.ports = writes.ports.applied_to(&record.ports);
        Ok(())
    }

    /// Refuses ports of an endpoint that the charm does not declare, and ICMP on Kubernetes. The
    /// tools take both (measured).
    fn check_ports(&self, unit: &UnitName, writes: &PendingWrites) -> Result<(), String> {
        let name = unit.application().as_str();
        let application = self.application(name).map_err(|_| not_found(unit))?;
        let is_kubernetes = self.is_on_kubernetes(application);
        if is_kubernetes && writes.ports.opens_icmp() {
            return Err("protocol icmp on caas models not supported".to_owned());
        }
        let is_juju_4 = self.is_juju_at_least(4, 0);
        for (verb, endpoints) in ["open", "close"].into_iter().zip(writes.ports.endpoints()) {
            let meta = &application.meta;
            let unknown = endpoints.into_iter().find(|endpoint| !meta.has_binding(endpoint));
            let Some(endpoint) = unknown else { continue };
            return Err(if is_juju_4 {
                // Juju has the unit's UUID here, which the model does not have.
                format!(
                    "update ports: looking up relation endpoint uuids for unit \"{unit}\": \
                     invalid endpoint(s); [{endpoint}] does exist on unit {unit}"
                )
            } else {
                let (endpoint, name) = (go_quote(endpoint), go_quote(name));
                let whose = match is_kubernetes {
                    true => format!("application {name}"),
                    false => format!("unit \"{unit}\""),
                };
                format!(
                    "cannot open/close ports: {verb} port range: endpoint {endpoint} for {whose} \
                     not found"
                )
            });
        }
        Ok(())
    }

    /// Returns the storage that the hook adds, with the number of instances.
    ///
    /// # Errors
    /// Returns Juju's text if the charm does not declare a storage or not so many instances.
    fn check_storage(
        &self,
        unit: &UnitName,
        writes: &PendingWrites,
    ) -> Result<Vec<(StorageMeta, u64)>, String> {
        let mut checked: Vec<(StorageMeta, u64)> = Vec::new();
        for (name, count) in &writes.storage {
            let application = self.applications.get(unit.application().as_str());
            let meta = application.and_then(|known| known.meta.storages().get(name));
            if meta.is_none() {
                let (tag, name_shown) = (unit_tag(unit), go_quote(name));
                return Err(format!(
                    "adding storage {name} for {tag}: storage {name_shown} not found"
                ));
            }
            let meta = self.addable_storage(unit, name)?;
            let added = checked.iter().filter(|(meta, _)| meta.name == *name);
            let added = added.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
            let current = self.storages.count(unit, name).saturating_add(added);
            check_count_change(&meta, current, Change::Attach(*count))?;
            checked.push((meta, *count));
        }
        let total = checked.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        if !self.storages.has_room_for(total) {
            return Err(NO_ROOM.to_owned());
        }
        Ok(checked)
    }

    /// Returns the secrets after the writes, or `None` if the writes concern none.
    fn changed_secrets(
        &self,
        unit: &UnitName,
        writes: &PendingWrites,
    ) -> Result<Option<Secrets>, String> {
        if writes.secrets.is_empty() {
            return Ok(None);
        }
        let committer = Committer {
            unit: &unit.to_string(),
            is_leader: self.leads(unit),
            now: self.time_of_day(self.now()),
            check_grant: &|subject, scope| self.check_grant(subject, scope),
        };
        self.secrets.committed(&writes.secrets, &committer).map(Some)
    }

    /// Refuses the grant of a secret in a relation that is gone, or to what is not in the model.
    fn check_grant(&self, subject: &Party, scope: &RelationScope) -> Result<(), String> {
        let Some(relation) = self.relations.get(scope.id) else {
            let key = go_quote(&scope.key);
            return Err(format!("invalid scope reference: relation {key} not found"));
        };
        if relation.is_dying() {
            return Err(format!(
                "cannot grant access to secret in scope of {} which is not alive",
                go_quote(&Scope::Relation(scope.clone()).to_string())
            ));
        }
        let (is_known, what, name) = match subject {
            Party::Application(name) => (self.applications.contains_key(name), "application", name),
            Party::Unit(name) => {
                let is_known = self.units.keys().any(|unit| unit.to_string() == *name);
                (is_known, "unit", name)
            }
            Party::Model(_) => return Ok(()),
        };
        if is_known {
            return Ok(());
        }
        Err(format!("invalid subject reference: {what} {} not found", go_quote(name)))
    }
}

/// Returns the form in which Juju's controller names a unit, such as `unit-web-0`.
fn unit_tag(unit: &UnitName) -> String {
    format!("unit-{}-{}", unit.application(), unit.number())
}

fn not_found(unit: &UnitName) -> String {
    format!("unit \"{unit}\" not found")
}

/// Refuses writes after which the charm's state would be larger than the controller allows.
fn check_state_size(record: &UnitRecord, writes: &PendingWrites) -> Result<(), String> {
    if writes.state.is_empty() {
        return Ok(());
    }
    let kept = record.state.iter().filter(|(key, _)| !writes.state.contains_key(*key));
    let set =
        writes.state.iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
    let size: usize = kept.chain(set).map(|(key, value)| key.len() + value.len()).sum();
    if size > STATE_LIMIT {
        return Err(format!(
            "charm state is {size} bytes, max allowed size is {STATE_LIMIT}: quota limit exceeded"
        ));
    }
    Ok(())
}
