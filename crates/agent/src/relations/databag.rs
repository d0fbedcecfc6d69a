//! [`Databag`] is one databag of a relation: the texts that a unit or an application shows to the
//! other side.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::rules::RelationRules;

/// The keys that only Juju itself writes since 4.0.
const OWN_KEYS: [&str; 2] = ["ingress-address", "egress-subnets"];

/// The most bytes that all keys and values of a databag have together in Juju 4.0.
pub(crate) const SIZE_LIMIT: usize = 16 * 1024 * 1024;

/// The keys and values of a databag, with a version.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Databag {
    values: BTreeMap<String, String>,
    rules: RelationRules,
    version: u64,
}

impl Databag {
    /// Makes an empty databag that nobody has written.
    pub(crate) fn new(rules: RelationRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Makes the databag of a unit that enters the scope, with these values.
    pub(crate) fn seeded(
        rules: RelationRules,
        values: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut bag = Self { values: values.into_iter().collect(), rules, version: 0 };
        bag.count_write(false);
        bag
    }

    pub(crate) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// Returns the version, by which an agent learns whether it has told its charm of the present
    /// values. An application's databag that was never written has 0, for which there is no hook.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Sets the given keys; an empty value deletes its key.
    ///
    /// However many keys change, that is one change, and none if every value was there before: a
    /// charm that writes the same values again wakes nobody (Juju 3.6).
    pub(crate) fn set<'a>(&mut self, changes: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let (mut is_written, mut has_changed) = (false, false);
        for (key, value) in changes {
            is_written = true;
            has_changed |= if value.is_empty() {
                self.values.remove(key).is_some()
            } else {
                self.values.insert(key.to_owned(), value.to_owned()).as_deref() != Some(value)
            };
        }
        if is_written {
            self.count_write(has_changed);
        }
    }

    /// Sets the version after a write, which may have changed nothing.
    fn count_write(&mut self, has_changed: bool) {
        match self.rules {
            RelationRules::Juju3 => {
                self.version = self.version.saturating_add(u64::from(has_changed));
            }
            RelationRules::Juju4 => {
                let mut hasher = DefaultHasher::new();
                self.values.hash(&mut hasher);
                // 0 is for a databag that nobody has written.
                self.version = hasher.finish().max(1);
            }
        }
    }

    /// Commits the whole databag as a hook has left it, and the values that Juju refreshes itself.
    ///
    /// A key that the hook has not changed takes the refreshed value. Where it has, the hook wins
    /// in Juju 3.6 and the refreshed value in 4.0, except over a deletion.
    pub(crate) fn commit(
        &mut self,
        whole: Option<&BTreeMap<String, String>>,
        refreshed: &[(String, String)],
    ) {
        let is_change = |(key, value): &(&String, &String)| match self.values.get(*key) {
            Some(stored) => stored != *value,
            None => !value.is_empty(),
        };
        let changes = whole.into_iter().flatten().filter(is_change);
        let changes: Vec<(String, String)> =
            changes.map(|(key, value)| (key.clone(), value.clone())).collect();
        if whole.is_some() {
            self.count_write(false);
        }
        match self.rules {
            RelationRules::Juju3 => self.set(pairs(refreshed).chain(pairs(&changes))),
            RelationRules::Juju4 => {
                let is_charms = |(key, _): &(&str, &str)| !OWN_KEYS.contains(key);
                let is_deletion = |(_, value): &(&str, &str)| value.is_empty();
                let (deleted, set): (Vec<_>, Vec<_>) =
                    pairs(&changes).filter(is_charms).partition(is_deletion);
                self.set(set.into_iter().chain(pairs(refreshed)).chain(deleted));
            }
        }
    }
}

fn pairs(values: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// Returns the values that Juju writes to a unit's databag when the unit enters the scope, and
/// again at each config-changed.
pub(crate) fn network_values(address: &str) -> [(String, String); 3] {
    let bits = if address.contains(':') { 128 } else { 32 };
    [
        ("egress-subnets".to_owned(), format!("{address}/{bits}")),
        ("ingress-address".to_owned(), address.to_owned()),
        ("private-address".to_owned(), address.to_owned()),
    ]
}

/// Shows the keys only, because a value may be secret.
impl fmt::Debug for Databag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Databag")
            .field("keys", &self.values.keys())
            .field("version", &self.version)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(rules: RelationRules) -> Databag {
        Databag::seeded(rules, [("a".to_owned(), "1".to_owned())])
    }

    #[test]
    fn the_version_counts_the_commits_that_change_a_value() {
        let mut bag = seeded(RelationRules::Juju3);
        assert_eq!(bag.version(), 0);
        bag.set([("a", "1")]);
        bag.set([("missing", "")]);
        bag.set([]);
        assert_eq!(bag.version(), 0, "nothing has changed");
        bag.set([("a", "2"), ("b", "3"), ("c", "4")]);
        assert_eq!(bag.version(), 1);
        bag.set([("a", ""), ("b", "3")]);
        assert_eq!((bag.version(), bag.values().len()), (2, 2));
    }

    #[test]
    fn in_juju_4_the_version_follows_from_the_content() {
        let mut bag = seeded(RelationRules::Juju4);
        let first = bag.version();
        bag.set([("a", "2")]);
        assert_ne!(bag.version(), first);
        bag.set([("a", "1")]);
        assert_eq!(bag.version(), first, "it was changed back");
        let mut empty = Databag::new(RelationRules::Juju4);
        assert_eq!(empty.version(), 0, "nobody has written it");
        empty.set([("a", "")]);
        assert_ne!(empty.version(), 0, "a write that changes nothing is a first write");
    }

    #[test]
    fn in_juju_4_a_charm_cannot_write_jujus_own_addresses() {
        for (rules, expected) in [(RelationRules::Juju3, "mine"), (RelationRules::Juju4, "old")] {
            let seed = network_values("old");
            let mut bag = Databag::seeded(rules, seed);
            let mut whole = bag.values().clone();
            whole.insert("ingress-address".to_owned(), "mine".to_owned());
            whole.insert("k".to_owned(), "v".to_owned());
            bag.commit(Some(&whole), &[]);
            assert_eq!(bag.values()["ingress-address"], expected);
            assert_eq!(bag.values()["k"], "v");
        }
    }

    #[test]
    fn a_refreshed_address_and_one_of_the_hook_meet_by_version() {
        for (rules, set, deleted) in
            [(RelationRules::Juju3, Some("mine"), None), (RelationRules::Juju4, Some("new"), None)]
        {
            for (value, expected) in [("mine", set), ("", deleted), ("old", Some("new"))] {
                let mut bag = Databag::seeded(rules, network_values("old"));
                let mut whole = bag.values().clone();
                whole.insert("private-address".to_owned(), value.to_owned());
                bag.commit(Some(&whole), &network_values("new"));
                let now = bag.values().get("private-address").map(String::as_str);
                assert_eq!(now, expected, "{rules:?} {value:?}");
                assert_eq!(bag.values()["ingress-address"], "new");
            }
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let bag =
            Databag::seeded(RelationRules::Juju3, [("password".to_owned(), "hunter2".to_owned())]);
        let text = format!("{bag:?}");
        assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
    }
}
