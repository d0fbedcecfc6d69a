//! [`RelationWrites`] holds a unit's own databags while a hook runs, with what the hook has written
//! to them.
//!
//! Source: reference `juju-agent-measured.md` 3.3, and Juju 3.6, `api/agent/uniter/settings.go`.

use std::collections::BTreeMap;
use std::fmt;

use super::databag::Databag;

/// The own databags that a hook has read or written, by the number of the relation.
#[derive(Debug, Default)]
pub(crate) struct RelationWrites {
    bags: BTreeMap<u32, OwnBags>,
}

/// The own databags in one relation.
#[derive(Debug, Default)]
pub(crate) struct OwnBags {
    pub(crate) unit: Option<OwnBag>,
    pub(crate) application: Option<OwnBag>,
}

/// An own databag: the values that the hook's first access has read, and its writes since then.
#[derive(Clone, Default)]
pub(crate) struct OwnBag {
    /// A deleted key has the empty value, which the commit passes on as a deletion.
    values: BTreeMap<String, String>,
    is_written: bool,
}

impl RelationWrites {
    /// Returns the own databags in a relation.
    pub(crate) fn bags(&mut self, relation: u32) -> &mut OwnBags {
        self.bags.entry(relation).or_default()
    }

    /// Returns what the commit sends for each relation: the values of the unit's databag and those
    /// of the application's.
    ///
    /// It sends the whole unit databag even if the hook has only read it, but the application's
    /// only if the hook has written it (measured).
    pub(crate) fn commits(&self) -> impl Iterator<Item = Commit<'_>> {
        let empty = || None::<&BTreeMap<String, String>>;
        self.bags.iter().filter_map(move |(relation, own)| {
            let unit = own.unit.as_ref().map(|bag| &bag.values).filter(|bag| !bag.is_empty());
            let application = own
                .application
                .as_ref()
                .filter(|bag| bag.is_written && !bag.values.is_empty())
                .map_or_else(empty, |bag| Some(&bag.values));
            let commit = Commit { relation: *relation, unit, application };
            (unit.is_some() || application.is_some()).then_some(commit)
        })
    }
}

/// The values that one hook commits to one relation.
#[derive(Clone, Copy, Default)]
pub(crate) struct Commit<'a> {
    pub(crate) relation: u32,
    pub(crate) unit: Option<&'a BTreeMap<String, String>>,
    pub(crate) application: Option<&'a BTreeMap<String, String>>,
}

impl OwnBag {
    pub(crate) fn read(stored: &Databag) -> Self {
        Self { values: stored.values().clone(), is_written: false }
    }

    /// Sets a key; an empty value deletes it.
    pub(crate) fn set(&mut self, key: String, value: String) {
        self.values.insert(key, value);
        self.is_written = true;
    }

    /// Returns the keys with their values, without the deleted ones.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&String, &String)> {
        self.values.iter().filter(|(_, value)| !value.is_empty())
    }
}

/// Shows the keys only, because a value may be secret.
impl fmt::Debug for OwnBag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnBag")
            .field("keys", &self.values.keys())
            .field("is_written", &self.is_written)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relations::rules::RelationRules;

    fn stored() -> Databag {
        Databag::seeded(
            RelationRules::Juju3,
            [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())],
        )
    }

    #[test]
    fn a_unit_databag_that_was_only_read_is_committed_whole() {
        let mut writes = RelationWrites::default();
        writes.bags(7).unit = Some(OwnBag::read(&stored()));
        let commits: Vec<_> = writes.commits().collect();
        let [commit] = commits.as_slice() else { panic!("{} commits", commits.len()) };
        assert_eq!((commit.relation, commit.unit.unwrap().len()), (7, 2));
        assert!(commit.application.is_none());
    }

    #[test]
    fn an_application_databag_is_committed_only_when_written() {
        let mut writes = RelationWrites::default();
        writes.bags(7).application = Some(OwnBag::read(&stored()));
        assert_eq!(writes.commits().count(), 0);
        let bag = writes.bags(7).application.as_mut().unwrap();
        bag.set("a".to_owned(), String::new());
        let commit = writes.commits().next().unwrap();
        assert_eq!(commit.application.unwrap().get("a").map(String::as_str), Some(""));
    }

    #[test]
    fn a_deleted_key_is_gone_in_the_same_hook() {
        let mut bag = OwnBag::read(&stored());
        bag.set("a".to_owned(), String::new());
        bag.set("c".to_owned(), "3".to_owned());
        let keys: Vec<&str> = bag.values().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["b", "c"]);
    }

    #[test]
    fn debug_shows_no_value() {
        let mut bag = OwnBag::read(&stored());
        bag.set("password".to_owned(), "hunter2".to_owned());
        assert!(!format!("{bag:?}").contains("hunter2"));
    }
}
