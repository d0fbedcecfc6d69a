//! The cache of the answers that one hook read, kept up to date by the hook's own writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::error::Error;
use super::port::OpenPort;

/// The application's options by name.
pub(super) type Options = Map<String, Value>;

/// The action's parameters by name.
pub(super) type Params = Map<String, Value>;

/// The unit's stored values by key.
pub(super) type StoredState = BTreeMap<String, String>;

/// The time for which Juju guarantees leadership after the answer "yes" (Juju 2.9 to 4.1).
const LEADERSHIP_TERM: Duration = Duration::from_secs(30);

/// A cache for the answer of one read.
pub(super) struct Cached<T>(Mutex<Option<T>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Cached<T> {
    /// Returns the cached answer. If there is none, it calls `ask` and caches its answer; an error
    /// is not cached.
    pub(super) fn get_or_try_init(
        &self,
        ask: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Held while the tool runs, so that a second thread waits for the answer instead of
        // starting a second process.
        let mut cached = lock(&self.0);
        if let Some(cached) = cached.as_ref() {
            return Ok(cached.clone());
        }
        let answer = ask()?;
        *cached = Some(answer.clone());
        Ok(answer)
    }

    /// Replaces the cached answer by a value that the hook just wrote.
    pub(super) fn set(&self, value: T) {
        *lock(&self.0) = Some(value);
    }

    /// Applies a change that the hook just wrote to the cached answer. Without an answer it does
    /// nothing: a later read gets the change from Juju.
    pub(super) fn update(&self, change: impl FnOnce(&mut T)) {
        if let Some(cached) = lock(&self.0).as_mut() {
            change(cached);
        }
    }
}

/// Locks a mutex, also after a thread panicked while it held the lock. Every value here is replaced
/// in one step, so a panic cannot leave it half written.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last answer about leadership in this hook.
#[derive(Default)]
pub(super) enum Leadership {
    /// The hook has not asked yet.
    #[default]
    NotAsked,
    /// The answer "no", which holds for the rest of the hook.
    NotLeader,
    /// The answer "yes", and the time just before the question. Juju counts its guarantee from the
    /// answer, so the time before the question never makes it longer.
    LeaderSince(Instant),
}

impl Leadership {
    /// Returns the answer that holds at `now`. It calls `ask` only if the last answer no longer
    /// holds.
    pub(super) fn get_or_ask<E>(
        &mut self,
        now: Instant,
        ask: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        match *self {
            Self::NotLeader => return Ok(false),
            Self::LeaderSince(asked) if now.saturating_duration_since(asked) < LEADERSHIP_TERM => {
                return Ok(true);
            }
            Self::LeaderSince(_) | Self::NotAsked => {}
        }
        // An error leaves the last answer as it is, and the next call asks again.
        let is_leader = ask()?;
        *self = if is_leader { Self::LeaderSince(now) } else { Self::NotLeader };
        Ok(is_leader)
    }
}

/// The cached ports of the unit, and the changes that this hook made.
#[derive(Default)]
pub(super) struct Ports {
    /// The open ports as Juju listed them, with the changes that this hook made since.
    cached: Option<BTreeSet<OpenPort>>,
    /// The ports that Juju listed as open for all endpoints. It does not show then for which single
    /// endpoints they are open as well.
    open_for_all: BTreeSet<OpenPort>,
    /// The ports that this hook opened. They are recorded even before the first read, because the
    /// list of Juju 2.9 leaves this hook's changes out (3.6 and 4 include them).
    opened: BTreeSet<OpenPort>,
    /// The ports that this hook closed.
    closed: BTreeSet<OpenPort>,
}

impl Ports {
    /// Returns the open ports. Without a cached answer it calls `ask`; an error is not cached.
    pub(super) fn get_or_ask<E>(
        &mut self,
        ask: impl FnOnce() -> Result<BTreeSet<OpenPort>, E>,
    ) -> Result<&BTreeSet<OpenPort>, E> {
        let ports = match self.cached.take() {
            Some(ports) => ports,
            None => {
                let mut ports = ask()?;
                let for_all = ports.iter().filter(|port| port.endpoint().is_none());
                self.open_for_all = for_all.cloned().collect();
                // To apply the hook's changes a second time does no harm.
                ports.extend(self.opened.iter().cloned());
                ports.retain(|port| !self.closed.contains(port));
                ports
            }
        };
        Ok(self.cached.insert(ports))
    }

    /// Records that the hook opened a port.
    pub(super) fn record_opened(&mut self, port: OpenPort) {
        self.closed.remove(&port);
        if let Some(cached) = &mut self.cached {
            cached.insert(port.clone());
        }
        self.opened.insert(port);
    }

    /// Records that the hook closed a port.
    pub(super) fn record_closed(&mut self, port: OpenPort) {
        self.opened.remove(&port);
        if self.open_for_all.contains(&port) {
            // It may be open for single endpoints still, which the next answer will show.
            self.cached = None;
        } else if let Some(cached) = &mut self.cached {
            cached.remove(&port);
        }
        self.closed.insert(port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leadership_is_asked_again_after_thirty_seconds() {
        let mut leadership = Leadership::default();
        let mut answers = [true, true, false].into_iter();
        let start = Instant::now();
        for (after, is_leader, left) in [
            (0, true, 2),
            (29, true, 2),
            (30, true, 1),
            (59, true, 1),
            (61, false, 0),
            (500, false, 0),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(
                leadership.get_or_ask(now, || answers.next().ok_or(())),
                Ok(is_leader),
                "{after}"
            );
            assert_eq!(answers.len(), left, "{after}");
        }
    }
}
