//! The cache of what one hook read about its relations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::error::Error;
use super::hook_cache::lock;
use super::names::{ApplicationName, EndpointName, RelationId, UnitName};

/// The keys and values of a databag.
pub(super) type Databag = BTreeMap<String, String>;

/// The owner of a databag in a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BagOwner {
    Unit(UnitName),
    Application(ApplicationName),
}

/// The answers about relations, which are cached by the number of the relation: two spellings of an
/// id (`db:7` and `7`) have the same number.
#[derive(Default)]
pub(super) struct RelationCache {
    pub(super) ids: Keyed<EndpointName, Vec<RelationId>>,
    pub(super) units: Keyed<u32, Vec<UnitName>>,
    pub(super) apps: Keyed<u32, Option<ApplicationName>>,
    /// A databag may be large, so the cache holds an `Arc`.
    pub(super) bags: Keyed<(u32, BagOwner), Arc<Databag>>,
    pub(super) models: Keyed<u32, String>,
}

/// A cache for the answers of one kind of read, by what was asked for.
pub(super) struct Keyed<K, V>(Mutex<BTreeMap<K, V>>);

impl<K, V> Default for Keyed<K, V> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<K: Ord + Clone, V: Clone> Keyed<K, V> {
    /// Returns the cached answer. If there is none, it calls `ask` and caches its answer; an error
    /// is not cached.
    pub(super) fn get_or_try_init(
        &self,
        key: &K,
        ask: impl FnOnce() -> Result<V, Error>,
    ) -> Result<V, Error> {
        // Held while the tool runs, so that a second thread waits for the answer instead of
        // starting a second process. `ask` must not read from the same cache.
        let mut cached = lock(&self.0);
        if let Some(cached) = cached.get(key) {
            return Ok(cached.clone());
        }
        let answer = ask()?;
        cached.insert(key.clone(), answer.clone());
        Ok(answer)
    }

    /// Caches an answer that is known without asking.
    pub(super) fn set(&self, key: K, answer: V) {
        lock(&self.0).insert(key, answer);
    }

    /// Drops the answers whose key is `stale`.
    pub(super) fn forget(&self, stale: impl Fn(&K) -> bool) {
        lock(&self.0).retain(|key, _| !stale(key));
    }
}
