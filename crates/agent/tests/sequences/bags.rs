//! Who has written what, and who may read it.

use std::collections::{BTreeMap, BTreeSet};

use charmwright_agent::{RelationReport, UnitName};

/// The values that were written to databags and secrets. Each is written once, and names its owner
/// and its place, so that a value in a wrong place is seen wherever it turns up.
#[derive(Debug, Default)]
pub struct Values {
    made: u64,
    committed: BTreeSet<String>,
    /// The values of the hooks that run.
    pending: BTreeMap<UnitName, Vec<String>>,
}

impl Values {
    /// Makes a value that nobody has written.
    pub fn make(&mut self, owner: &str, place: &str) -> String {
        self.made += 1;
        format!("{owner} {place} {}", self.made)
    }

    /// Takes a write of an operator, which everybody sees at once.
    pub fn commit(&mut self, value: String) {
        self.committed.insert(value);
    }

    /// Takes a write of a hook.
    pub fn write(&mut self, unit: &UnitName, value: String) {
        self.pending.entry(unit.clone()).or_default().push(value);
    }

    /// Takes the end of a hook.
    pub fn end_hook(&mut self, unit: &UnitName, is_committed: bool) {
        let values = self.pending.remove(unit).unwrap_or_default();
        self.committed.extend(values.into_iter().filter(|_| is_committed));
    }

    /// Returns `true` if the hook that a unit runs has written this value.
    pub fn is_pending(&self, unit: &UnitName, value: &str) -> bool {
        self.pending.get(unit).into_iter().flatten().any(|own| own == value)
    }

    /// Panics unless a value that a unit has read was written there, and committed or by its own
    /// hook.
    pub fn check(&self, reader: &UnitName, owner: &str, place: &str, value: &str) {
        assert!(
            value.starts_with(&format!("{owner} {place} ")),
            "{reader} reads {value:?} in what {owner} wrote in {place}"
        );
        let is_known = self.committed.contains(value) || self.is_pending(reader, value);
        assert!(is_known, "{reader} reads {value:?}, which is not committed");
    }
}

/// Returns `true` if a unit may read the databag of an application or unit in a relation.
///
/// It may read those of all units in the relation, also of its own application (Juju 3.6, the
/// facade `Uniter`, `checkRemoteUnit`), but that of its own application only if it leads.
pub fn may_read(reader: &UnitName, leads: bool, relation: &RelationReport, owner: &str) -> bool {
    let own = reader.application().as_str();
    let is_peer = relation.remote_app == own;
    match owner.split_once('/') {
        None if owner == own => is_peer || leads,
        None => owner == relation.remote_app,
        Some((application, _)) => application == own || application == relation.remote_app,
    }
}
