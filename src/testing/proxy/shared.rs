//! What the threads of one proxy share.

use std::collections::HashMap;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::door::Door;
use super::rule::{Fault, Rule, RuleId};

/// One request as the proxy took it in, whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The method.
    pub method: String,
    /// The path with its query, as it was sent.
    pub path: String,
    /// The body, free of any framing.
    pub body: Vec<u8>,
    /// When its last byte had arrived.
    pub at: Instant,
    /// Which of the client's connections it came on, counted from 1.
    pub connection: u64,
    /// Whether it was sent on to the daemon.
    pub forwarded: bool,
    /// The status of the daemon's answer, once it has given one.
    pub status: Option<u16>,
}

impl SeenRequest {
    /// The body as text.
    #[must_use]
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(super) struct Entry {
    pub(super) id: RuleId,
    rule: Rule,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) rules: Vec<Entry>,
    pub(super) fired: HashMap<RuleId, u32>,
    pub(super) seen: Vec<SeenRequest>,
    next_rule: u64,
    next_connection: u64,
    /// The client's side of each connection, to be shut from outside.
    connections: HashMap<u64, UnixStream>,
    /// Threads that serve a connection.
    pub(super) serving: usize,
    /// What the test wants the door to be, and until when.
    held: Option<(Door, Option<Instant>)>,
    /// What the daemon's own door is.
    daemon: Door,
    /// The listener while the door is open.
    pub(super) listener: Option<Arc<UnixListener>>,
    /// What the door is now.
    pub(super) door: Door,
    /// The watcher's connection to the daemon, to be shut when the proxy stops.
    sentinel: Option<UnixStream>,
    pub(super) stopping: bool,
}

pub(super) struct Shared {
    pub(super) socket: PathBuf,
    pub(super) upstream: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
    probe: Mutex<()>,
}

impl Shared {
    pub(super) fn new(socket: PathBuf, upstream: PathBuf) -> Self {
        Self {
            socket,
            upstream,
            state: Mutex::default(),
            changed: Condvar::new(),
            probe: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout(state, limit)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    pub(super) fn tell(&self) {
        self.changed.notify_all();
    }

    /// Held while one looks how the daemon is.
    pub(super) fn probing(&self) -> MutexGuard<'_, ()> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a handle on the watcher's connection, to be shut when the proxy stops. False when it is stopping.
    pub(super) fn keep_sentinel(&self, stream: &UnixStream) -> bool {
        let mut state = self.lock();
        state.sentinel = stream.try_clone().ok();
        !state.stopping && state.sentinel.is_some()
    }

    /// The open door's listener, once there is one that lets people in; `None` when the proxy stops.
    pub(super) fn wait_for_listener(&self) -> Option<Arc<UnixListener>> {
        let mut state = self.lock();
        while !state.stopping {
            // A door that is held for a time opens when that is over.
            super::door::set(self, &mut state);
            if let Some(listener) = &state.listener {
                return Some(Arc::clone(listener));
            }
            let left = match state.held {
                Some((_, Some(end))) => end.saturating_duration_since(Instant::now()),
                _ => Duration::from_secs(3600),
            };
            state = self.wait(state, left);
        }
        None
    }

    pub(super) fn add_rule(&self, rule: Rule) -> RuleId {
        let mut state = self.lock();
        state.next_rule += 1;
        let id = RuleId(state.next_rule);
        state.rules.push(Entry { id, rule });
        id
    }

    /// Records a request and says what is to be done to it. The number finds it again for [`Shared::note`].
    pub(super) fn take_in(&self, request: SeenRequest) -> (usize, Option<Fault>) {
        let mut state = self.lock();
        let mut fault = None;
        let mut fired = None;
        for entry in &mut state.rules {
            if !entry.rule.matches(&request) {
                continue;
            }
            entry.rule.matched += 1;
            if entry.rule.is_due() {
                fault = Some(entry.rule.fault.clone());
                fired = Some(entry.id);
                break;
            }
        }
        if let Some(id) = fired {
            *state.fired.entry(id).or_default() += 1;
            state.rules.retain(|entry| !entry.rule.is_spent());
        }
        let index = state.seen.len();
        state.seen.push(request);
        drop(state);
        self.tell();
        (index, fault)
    }

    /// Changes what is recorded of a request, unless the test has forgotten it meanwhile.
    pub(super) fn note(&self, index: usize, at: Instant, change: impl FnOnce(&mut SeenRequest)) {
        if let Some(seen) = self.lock().seen.get_mut(index).filter(|seen| seen.at == at) {
            change(seen);
        }
        self.tell();
    }

    /// A new connection of a client; `None` when the proxy is stopping.
    pub(super) fn enter(&self, client: &UnixStream) -> Option<u64> {
        let mut state = self.lock();
        if state.stopping {
            return None;
        }
        let handle = client.try_clone().ok()?;
        state.next_connection += 1;
        let id = state.next_connection;
        state.connections.insert(id, handle);
        state.serving += 1;
        Some(id)
    }

    pub(super) fn leave(&self, id: u64) {
        let mut state = self.lock();
        state.connections.remove(&id);
        state.serving -= 1;
        drop(state);
        self.tell();
    }

    pub(super) fn cut_connections(&self) {
        for stream in self.lock().connections.values() {
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Sleeps, unless the proxy stops meanwhile.
    pub(super) fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut state = self.lock();
        while !state.stopping {
            let Some(left) = end
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            state = self.wait(state, left);
        }
    }

    /// What the door has to be now: what the test holds it at, else what the daemon's is.
    pub(super) fn wanted_door(state: &mut State) -> Door {
        match state.held {
            Some((_, Some(end))) if Instant::now() >= end => state.held = None,
            Some((door, _)) => return door,
            None => {}
        }
        state.daemon
    }

    pub(super) fn hold_door(&self, door: Option<Door>) {
        let mut state = self.lock();
        state.held = door.map(|door| (door, None));
        super::door::set(self, &mut state);
    }

    pub(super) fn refuse_for(&self, time: Duration) {
        let mut state = self.lock();
        state.held = Some((Door::Refusing, Some(Instant::now() + time)));
        super::door::set(self, &mut state);
        drop(state);
        self.cut_connections();
        // Who lets people in opens it again when the time is over.
        self.tell();
    }

    /// The daemon's door has been seen to be so.
    pub(super) fn daemon_is(&self, door: Door) {
        let mut state = self.lock();
        state.daemon = door;
        super::door::set(self, &mut state);
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        super::door::close(&mut state);
        if let Some(sentinel) = &state.sentinel {
            let _closed = sentinel.shutdown(Shutdown::Both);
        }
        drop(state);
        self.cut_connections();
        self.tell();
    }

    pub(super) fn wait_for_connections_to_end(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        while state.serving > 0 {
            let Some(left) = end
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            state = self.wait(state, left);
        }
    }
}
