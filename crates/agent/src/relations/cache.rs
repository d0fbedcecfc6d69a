//! [`RelationCache`] keeps the remote databags that a unit's agent has read.
//!
//! A hook reads each remote databag once. That of a member is even kept for the next hooks, until a
//! hook for this member runs: so a charm may read values that are older than those of the
//! controller. Source: Juju 3.6, `internal/worker/uniter/runner/context/cache.go` and
//! `contextfactory.go`.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;

use super::databag::Databag;
use super::hook::{RelationEvent, RelationHook};

/// The remote side of one relation as the running hook sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RelationCache {
    /// The members, each with its databag if a hook has read it since the member's last own hook.
    members: BTreeMap<UnitName, Option<Databag>>,
    /// The databags of applications and of units that are no members, which the running hook has
    /// read.
    applications: BTreeMap<String, Databag>,
    others: BTreeMap<UnitName, Databag>,
}

impl RelationCache {
    /// Prepares the cache for the next hook: `members` are the units that have joined, and
    /// everything that was read of anyone else is dropped.
    pub(crate) fn begin_hook(&mut self, members: &[&UnitName]) {
        let mut known = std::mem::take(&mut self.members);
        self.members =
            members.iter().map(|name| ((*name).clone(), known.remove(*name).flatten())).collect();
        self.applications.clear();
        self.others.clear();
    }

    /// Prepares the cache for a hook of this relation. The unit that departs is no member any more;
    /// any other remote unit of the hook is one, and its databag is read anew.
    pub(crate) fn begin_own_hook(&mut self, hook: &RelationHook) {
        if let Some(unit) = &hook.remote_unit {
            if hook.event == RelationEvent::Departed {
                self.members.remove(unit);
            } else {
                self.members.insert(unit.clone(), None);
            }
        }
    }

    /// Forgets everything that was read. A new agent has an empty cache.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Returns the names of the members, sorted as texts.
    pub(crate) fn member_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.members.keys().map(UnitName::to_string).collect();
        names.sort();
        names
    }

    /// Returns the databag of a unit if it was read before.
    pub(crate) fn unit(&self, name: &UnitName) -> Option<&Databag> {
        match self.members.get(name) {
            Some(member) => member.as_ref(),
            None => self.others.get(name),
        }
    }

    /// Keeps the databag of a unit that was read just now.
    pub(crate) fn keep_unit(&mut self, name: &UnitName, bag: Databag) {
        match self.members.get_mut(name) {
            Some(member) => *member = Some(bag),
            None => {
                self.others.insert(name.clone(), bag);
            }
        }
    }

    /// Returns the databag of an application if the running hook has read it before.
    pub(crate) fn application(&self, name: &str) -> Option<&Databag> {
        self.applications.get(name)
    }

    /// Keeps the databag of an application that was read just now.
    pub(crate) fn keep_application(&mut self, name: &str, bag: Databag) {
        self.applications.insert(name.to_owned(), bag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relations::rules::RelationRules;

    fn unit(name: &str) -> UnitName {
        name.parse().unwrap()
    }

    fn hook(event: RelationEvent, remote_unit: Option<&str>) -> RelationHook {
        RelationHook {
            event,
            endpoint: "db".to_owned(),
            id: 7,
            remote_app: "pg".to_owned(),
            remote_unit: remote_unit.map(unit),
            departing_unit: None,
            version: 1,
        }
    }

    fn bag(value: &str) -> Databag {
        Databag::seeded(RelationRules::Juju3, [("k".to_owned(), value.to_owned())])
    }

    #[test]
    fn a_members_databag_is_kept_until_a_hook_for_it_runs() {
        let (first, second) = (unit("pg/0"), unit("pg/1"));
        let mut cache = RelationCache::default();
        cache.begin_hook(&[&first, &second]);
        cache.keep_unit(&first, bag("1"));
        cache.keep_unit(&second, bag("1"));
        cache.begin_hook(&[&first, &second]);
        cache.begin_own_hook(&hook(RelationEvent::Changed, Some("pg/1")));
        assert_eq!(cache.unit(&first), Some(&bag("1")));
        assert_eq!(cache.unit(&second), None);
    }

    #[test]
    fn anything_else_is_read_once_a_hook() {
        let (member, other) = (unit("pg/0"), unit("pg/9"));
        let mut cache = RelationCache::default();
        cache.begin_hook(&[&member]);
        cache.keep_unit(&other, bag("1"));
        cache.keep_application("pg", bag("1"));
        assert!(cache.unit(&other).is_some() && cache.application("pg").is_some());
        cache.begin_hook(&[&member]);
        assert!(cache.unit(&other).is_none() && cache.application("pg").is_none());
    }

    #[test]
    fn the_joining_unit_is_a_member_and_the_departing_one_is_not() {
        let (first, second) = (unit("pg/0"), unit("pg/1"));
        let mut cache = RelationCache::default();
        cache.begin_hook(&[&first]);
        cache.begin_own_hook(&hook(RelationEvent::Joined, Some("pg/1")));
        assert_eq!(cache.member_names(), ["pg/0", "pg/1"]);
        cache.begin_hook(&[&first, &second]);
        cache.begin_own_hook(&hook(RelationEvent::Departed, Some("pg/0")));
        assert_eq!(cache.member_names(), ["pg/1"]);
    }
}
