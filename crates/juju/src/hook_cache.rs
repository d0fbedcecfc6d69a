//! The memory of one hook: its reads and writes, so that no question is asked twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::error::Error;
use super::port::Port;

/// The application's options by name.
pub(super) type Options = Map<String, Value>;

/// The action's parameters by name.
pub(super) type Params = Map<String, Value>;

/// The unit's stored values by key.
pub(super) type StoredState = BTreeMap<String, String>;

/// For how long Juju promises leadership once it said yes.
const LEADERSHIP_TERM: Duration = Duration::from_secs(30);

/// The answer of one read, kept once it was had. The lock is held while the tool runs, so that
/// nobody asks a second time.
pub(super) struct Cached<T>(Mutex<Option<T>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Cached<T> {
    pub(super) fn get_or_try_init(
        &self,
        ask: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut cached = lock(&self.0);
        if let Some(cached) = cached.as_ref() {
            return Ok(cached.clone());
        }
        let answer = ask()?;
        *cached = Some(answer.clone());
        Ok(answer)
    }

    /// What was just written is what a read would say.
    pub(super) fn set(&self, value: T) {
        *lock(&self.0) = Some(value);
    }

    /// Brings an answer up to date with what was just written, where there is one.
    pub(super) fn update(&self, change: impl FnOnce(&mut T)) {
        if let Some(cached) = lock(&self.0).as_mut() {
            change(cached);
        }
    }
}

/// A panic elsewhere leaves these values whole: each is replaced in one step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was said about leadership so far in this hook.
#[derive(Default)]
pub(super) enum Leadership {
    #[default]
    NotAsked,
    NotLeader,
    /// Counted from before the question, so that the promise never looks longer than it is.
    LeaderSince(Instant),
}

impl Leadership {
    /// Returns the answer that holds at this time; it asks only where an earlier one does not tell.
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
        let is_leader = ask()?;
        *self = if is_leader { Self::LeaderSince(now) } else { Self::NotLeader };
        Ok(is_leader)
    }
}

/// What is known of this unit's ports in this hook.
#[derive(Default)]
pub(super) struct Ports {
    /// What Juju said, with what this hook did since.
    pub(super) cached: Option<BTreeSet<Port>>,
    /// What this hook did so far. Juju 2.9 does not show it in its answer (3.6 and 4 do), so it is
    /// put on top of any answer.
    pub(super) opened: BTreeSet<Port>,
    pub(super) closed: BTreeSet<Port>,
}

impl Ports {
    pub(super) fn record_opened(&mut self, port: Port) {
        self.closed.remove(&port);
        self.opened.insert(port);
        if let Some(cached) = &mut self.cached {
            cached.insert(port);
        }
    }

    pub(super) fn record_closed(&mut self, port: Port) {
        self.opened.remove(&port);
        self.closed.insert(port);
        if let Some(cached) = &mut self.cached {
            cached.remove(&port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_holds_for_thirty_seconds() {
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
