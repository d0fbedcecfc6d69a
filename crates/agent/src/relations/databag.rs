//! [`Databag`] is one databag of a relation: the texts that a unit or an application shows to the
//! other side.

use std::collections::BTreeMap;
use std::fmt;

/// The keys and values of a databag, with the number of the commits that have changed them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Databag {
    values: BTreeMap<String, String>,
    /// An agent compares this number to learn whether it has told its charm of the present values.
    /// A databag that was never written has 0 (Juju 3.6).
    version: u64,
}

impl Databag {
    /// Makes a databag with these values, which count as never written.
    pub(crate) fn seeded(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { values: values.into_iter().collect(), version: 0 }
    }

    pub(crate) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Sets the given keys; an empty value deletes its key. Returns `true` if a value has changed.
    ///
    /// The version rises by one however many keys change. It stays when nothing changes, so that a
    /// charm that writes the same values again wakes nobody (Juju 3.6).
    pub(crate) fn set<'a>(
        &mut self,
        changes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> bool {
        let mut has_changed = false;
        for (key, value) in changes {
            has_changed |= if value.is_empty() {
                self.values.remove(key).is_some()
            } else {
                self.values.insert(key.to_owned(), value.to_owned()).as_deref() != Some(value)
            };
        }
        self.version = self.version.saturating_add(u64::from(has_changed));
        has_changed
    }
}

/// Returns a databag's values as its method [`Databag::set`] takes them.
fn pairs<'a>(
    values: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    values.into_iter().map(|(key, value)| (key.as_str(), value.as_str()))
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

impl Databag {
    /// Commits the whole databag as a hook has left it, and the values that Juju refreshes itself.
    /// A key that the hook has not changed takes the refreshed value.
    pub(crate) fn commit<'a>(
        &mut self,
        whole: impl IntoIterator<Item = (&'a String, &'a String)>,
        refreshed: &'a [(String, String)],
    ) -> bool {
        let is_change = |(key, value): &(&str, &str)| match self.values.get(*key) {
            Some(stored) => stored != value,
            None => !value.is_empty(),
        };
        let changes: Vec<(&str, &str)> = pairs(whole).filter(is_change).collect();
        let refreshed = pairs(refreshed.iter().map(|(key, value)| (key, value)));
        self.set(refreshed.chain(changes))
    }
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

    fn update(bag: &mut Databag, changes: &[(&str, &str)]) -> bool {
        bag.set(changes.iter().copied())
    }

    #[test]
    fn the_version_counts_the_commits_that_change_a_value() {
        let mut bag = Databag::seeded([("a".to_owned(), "1".to_owned())]);
        assert_eq!(bag.version(), 0);
        assert!(!update(&mut bag, &[("a", "1")]), "the same value again");
        assert!(!update(&mut bag, &[("missing", "")]), "a deletion of a missing key");
        assert!(!update(&mut bag, &[]));
        assert_eq!(bag.version(), 0);
        assert!(update(&mut bag, &[("a", "2"), ("b", "3"), ("c", "4")]));
        assert_eq!(bag.version(), 1);
        assert!(update(&mut bag, &[("a", ""), ("b", "3")]));
        assert_eq!((bag.version(), bag.values().len()), (2, 2));
    }

    #[test]
    fn debug_shows_no_value() {
        let bag = Databag::seeded([("password".to_owned(), "hunter2".to_owned())]);
        let text = format!("{bag:?}");
        assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
    }
}
