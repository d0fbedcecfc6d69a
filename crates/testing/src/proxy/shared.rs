//! What the threads of one proxy share.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::listen_state::ListenState;
use super::rule::{Fault, Rule, RuleId};

/// How much of a request's body is kept, and looked at by rules.
pub(super) const KEPT: usize = 64 * 1024;

/// One request as the proxy took it in.
///
/// A body of at most 64 KiB that names its length is taken in whole before anything is done with
/// the request. Any other one is passed on as it comes, and what is told of it here grows
/// meanwhile.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The method.
    pub method: String,
    /// The path with its query, as it was sent.
    pub path: String,
    /// The first 64 KiB of the body, free of any framing.
    pub body: Vec<u8>,
    /// How many bytes of the body have come, free of any framing.
    pub body_length: u64,
    /// Whether its last byte has come.
    pub whole: bool,
    /// When it was taken in: with its last byte, or, where its body is passed on as it comes, with
    /// its head.
    pub at: Instant,
    /// Which of the client's connections it came on, counted from 1.
    pub connection: u64,
    /// Whether it was sent on to the daemon.
    pub forwarded: bool,
    /// The status of the daemon's answer, once it has given one.
    pub status: Option<u16>,
}

impl SeenRequest {
    /// A request of which nothing is known yet but its first line.
    pub(super) fn new(line: &str, connection: u64) -> Self {
        let mut words = line.split(' ').map(str::trim_end);
        Self {
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            body: Vec::new(),
            body_length: 0,
            whole: false,
            at: Instant::now(),
            connection,
            forwarded: false,
            status: None,
        }
    }

    /// Some more of its body has come.
    pub(super) fn grow(&mut self, bytes: &[u8]) {
        self.body_length += bytes.len() as u64;
        let room = KEPT.saturating_sub(self.body.len());
        self.body.extend(bytes.iter().take(room));
    }

    /// What was kept of the body, as text.
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
    /// The two sides of each connection, to be shut from outside.
    connections: HashMap<u64, Vec<UnixStream>>,
    /// Threads that serve a connection.
    pub(super) serving: usize,
    /// What the test wants the door to be, and until when.
    held: Option<(ListenState, Option<Instant>)>,
    /// What the daemon's own door is.
    daemon: ListenState,
    /// The listener while the door is open.
    pub(super) listener: Option<Arc<UnixListener>>,
    /// What the door is now.
    pub(super) door: ListenState,
    /// The watcher's connection to the daemon, to be shut when the proxy stops.
    sentinel: Option<UnixStream>,
    pub(super) stopping: bool,
}

impl State {
    /// The fault of the first rule that is due for a request, of those that match it. Each match is
    /// counted.
    fn fire(&mut self, matches: impl Fn(&Rule) -> bool) -> Option<Fault> {
        let due = self.rules.iter_mut().find_map(|entry| {
            if !matches(&entry.rule) {
                return None;
            }
            entry.rule.matched += 1;
            entry.rule.is_due().then(|| (entry.id, entry.rule.fault.clone()))
        });
        let (id, fault) = due?;
        *self.fired.entry(id).or_default() += 1;
        self.rules.retain(|entry| !entry.rule.is_spent());
        Some(fault)
    }
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

    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Duration,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn tell(&self) {
        self.changed.notify_all();
    }

    /// Held while one looks how the daemon is.
    pub(super) fn probing(&self) -> MutexGuard<'_, ()> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a handle on the watcher's connection, to be shut when the proxy stops. False when it
    /// is stopping.
    pub(super) fn keep_sentinel(&self, stream: &UnixStream) -> bool {
        let mut state = self.lock();
        state.sentinel = stream.try_clone().ok();
        !state.stopping && state.sentinel.is_some()
    }

    /// The open door's listener, once there is one that lets people in; `None` when the proxy
    /// stops.
    pub(super) fn wait_for_listener(&self) -> Option<Arc<UnixListener>> {
        let mut state = self.lock();
        while !state.stopping {
            // A door that is held for a time opens when that is over.
            super::listen_state::set(self, &mut state);
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

    /// Whether a rule may close a connection at a request's first line.
    pub(super) fn may_leave_unread(&self) -> bool {
        self.lock().rules.iter().any(|entry| entry.rule.fault.leaves_unread())
    }

    /// Whether a rule closes the connection at the first line of this request, which is then
    /// recorded.
    pub(super) fn leaves_unread(&self, request: &SeenRequest) -> bool {
        let mut state = self.lock();
        let fires = state.fire(|rule| rule.matches_unread(request)).is_some();
        if fires {
            state.seen.push(request.clone());
            drop(state);
            self.tell();
        }
        fires
    }

    /// Whether the body of a request with this head has to be looked at before it is taken in.
    pub(super) fn needs_body(&self, method: &str, path: &str) -> bool {
        self.lock().rules.iter().any(|entry| entry.rule.needs_body(method, path))
    }

    /// Records a request and says what is to be done to it. The number finds it again for
    /// [`Shared::note`].
    pub(super) fn take_in(&self, request: &SeenRequest) -> (usize, Option<Fault>) {
        let mut state = self.lock();
        let fault = state.fire(|rule| !rule.fault.leaves_unread() && rule.matches(request));
        let index = state.seen.len();
        state.seen.push(request.clone());
        drop(state);
        self.tell();
        (index, fault)
    }

    /// What is recorded of a request now; as it was when the test has forgotten it meanwhile.
    pub(super) fn seen_now(&self, index: usize, request: &SeenRequest) -> SeenRequest {
        self.lock().seen.get(index).filter(|seen| seen.at == request.at).unwrap_or(request).clone()
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
        state.connections.insert(id, vec![handle]);
        state.serving += 1;
        Some(id)
    }

    /// The daemon's side of a connection. Whether it may be used: not when the proxy is stopping.
    pub(super) fn attach(&self, id: u64, upstream: &UnixStream) -> io::Result<bool> {
        let handle = upstream.try_clone()?;
        let mut state = self.lock();
        if let Some(sides) = state.connections.get_mut(&id) {
            sides.push(handle);
        }
        Ok(!state.stopping)
    }

    pub(super) fn leave(&self, id: u64) {
        let mut state = self.lock();
        state.connections.remove(&id);
        state.serving -= 1;
        drop(state);
        self.tell();
    }

    pub(super) fn cut_connections(&self) {
        for stream in self.lock().connections.values().flatten() {
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
            let Some(left) =
                end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return;
            };
            state = self.wait(state, left);
        }
    }

    /// What the door has to be now: what the test holds it at, else what the daemon's is.
    pub(super) fn wanted_door(state: &mut State) -> ListenState {
        match state.held {
            Some((_, Some(end))) if Instant::now() >= end => state.held = None,
            Some((door, _)) => return door,
            None => {}
        }
        state.daemon
    }

    pub(super) fn set_listening(&self, door: Option<ListenState>) {
        let mut state = self.lock();
        state.held = door.map(|door| (door, None));
        super::listen_state::set(self, &mut state);
    }

    pub(super) fn refuse_for(&self, time: Duration) {
        let mut state = self.lock();
        state.held = Some((ListenState::Refusing, Some(Instant::now() + time)));
        super::listen_state::set(self, &mut state);
        drop(state);
        self.cut_connections();
        // Who lets people in opens it again when the time is over.
        self.tell();
    }

    /// The daemon's door has been seen to be so.
    pub(super) fn daemon_is(&self, door: ListenState) {
        let mut state = self.lock();
        state.daemon = door;
        super::listen_state::set(self, &mut state);
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        super::listen_state::close(&mut state);
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
            let Some(left) =
                end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return;
            };
            state = self.wait(state, left);
        }
    }
}
