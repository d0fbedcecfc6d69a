//! The state that the threads of one proxy share.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::listen_state::{ListenState, ProxyListener};
use super::request::SeenRequest;
use super::rule::{Fault, Rule, RuleId};

/// Returns the time until `end`, or `None` if that has come.
pub(super) fn time_left(end: Instant) -> Option<Duration> {
    end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// A rule with the id that it was added under.
pub(super) struct Entry {
    pub(super) id: RuleId,
    rule: Rule,
}

/// A state of the proxy's socket that is set regardless of the daemon.
struct ForcedState {
    state: ListenState,
    /// The end of it; `None` if it lasts until the test sets another one.
    until: Option<Instant>,
}

/// What the lock of a proxy protects.
#[derive(Default)]
pub(super) struct State {
    pub(super) rules: Vec<Entry>,
    /// How often each rule has fired. It outlives the rule, which is removed when it is used up.
    pub(super) fired: HashMap<RuleId, u32>,
    /// The recorded requests, oldest first.
    pub(super) requests: Vec<SeenRequest>,
    next_rule: u64,
    next_connection: u64,
    /// Handles on both sides of each connection, to shut them down from another thread.
    connections: HashMap<u64, Vec<UnixStream>>,
    /// The number of threads that serve a connection.
    serving: usize,
    /// The state that the test or a fault has set for the proxy's socket.
    forced: Option<ForcedState>,
    /// The state of the daemon's socket at the last probe.
    daemon: ListenState,
    /// The proxy's own socket.
    listener: ProxyListener,
    /// A handle on the connection that watches the daemon, to shut it down when the proxy stops.
    probe_connection: Option<UnixStream>,
    is_stopping: bool,
}

impl State {
    /// Counts the request in each rule that matches it, up to the first rule that is due, and
    /// returns the fault of that one.
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

    /// Returns the state that the proxy's socket has to be in now: the forced one, else that of the
    /// daemon's socket. A forced state whose time is over is dropped.
    fn wanted_listen_state(&mut self) -> ListenState {
        match &self.forced {
            Some(ForcedState { until: Some(end), .. }) if Instant::now() >= *end => {
                self.forced = None;
            }
            Some(forced) => return forced.state,
            None => {}
        }
        self.daemon
    }
}

/// The paths of a proxy, and its state under a lock.
pub(super) struct Shared {
    /// The path of the proxy's socket.
    pub(super) socket: PathBuf,
    /// The path of the daemon's socket.
    pub(super) upstream: PathBuf,
    state: Mutex<State>,
    /// Notified after each change of the state that another thread may wait for.
    changed: Condvar,
    /// Held during a probe of the daemon. It is apart from `state`, which must stay free while a
    /// probe connects.
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

    /// Locks the state.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panics in the middle still needs the proxy to end in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unlocks the state until it changes, for at most `limit`.
    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Duration,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes the threads that wait for a change of the state.
    fn notify(&self) {
        self.changed.notify_all();
    }

    /// Keeps other threads from probing the daemon while the guard lives.
    pub(super) fn lock_probes(&self) -> MutexGuard<'_, ()> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a handle on the connection that watches the daemon, to shut it down when the proxy
    /// stops. Returns `false` if the proxy is stopping or no handle can be made: then nothing would
    /// end a wait on this connection.
    pub(super) fn register_probe_connection(&self, stream: &UnixStream) -> bool {
        let mut state = self.lock();
        state.probe_connection = stream.try_clone().ok();
        !state.is_stopping && state.probe_connection.is_some()
    }

    /// Waits until the proxy's socket listens and returns its listener. Returns `None` when the
    /// proxy stops.
    pub(super) fn wait_for_listener(&self) -> Option<Arc<UnixListener>> {
        let mut state = self.lock();
        while !state.is_stopping {
            // A forced state may have ended since, and no other thread looks at the time.
            self.update_listener(&mut state);
            if let Some(listener) = state.listener.listener() {
                return Some(listener);
            }
            let left = match &state.forced {
                Some(ForcedState { until: Some(end), .. }) => {
                    end.saturating_duration_since(Instant::now())
                }
                // Nothing but a notification can end the wait then; any long time would do.
                _ => Duration::from_secs(3600),
            };
            state = self.wait(state, left);
        }
        None
    }

    /// Adds a rule after those that are there, and returns its id.
    pub(super) fn add_rule(&self, rule: Rule) -> RuleId {
        let mut state = self.lock();
        state.next_rule += 1;
        let id = RuleId(state.next_rule);
        state.rules.push(Entry { id, rule });
        id
    }

    /// Returns `true` if there is a rule that closes a connection after the first line of a
    /// request.
    pub(super) fn may_cut_unread(&self) -> bool {
        self.lock().rules.iter().any(|entry| entry.rule.fault.cuts_unread())
    }

    /// Records this request and returns `true` if a rule closes its connection after the first
    /// line.
    pub(super) fn fires_unread(&self, request: &SeenRequest) -> bool {
        let mut state = self.lock();
        let fires = state.fire(|rule| rule.matches_unread(request)).is_some();
        if fires {
            state.requests.push(request.clone());
            drop(state);
            self.notify();
        }
        fires
    }

    /// Returns `true` if a rule needs the body of a request with this method and path before it can
    /// be decided what happens to the request.
    pub(super) fn needs_body(&self, method: &str, path: &str) -> bool {
        self.lock().rules.iter().any(|entry| entry.rule.needs_body(method, path))
    }

    /// Records a request and returns the fault that happens to it. The number is the index of the
    /// record, for [`Shared::update`].
    pub(super) fn record(&self, request: &SeenRequest) -> (usize, Option<Fault>) {
        let mut state = self.lock();
        let fault = state.fire(|rule| !rule.fault.cuts_unread() && rule.matches(request));
        let index = state.requests.len();
        state.requests.push(request.clone());
        drop(state);
        self.notify();
        (index, fault)
    }

    /// Returns the record of a request as it is now, or `request` if the test has forgotten the
    /// requests meanwhile.
    pub(super) fn recorded(&self, index: usize, request: &SeenRequest) -> SeenRequest {
        let state = self.lock();
        // After the requests were forgotten another one has this index; its time differs.
        let record = state.requests.get(index).filter(|seen| seen.at == request.at);
        record.unwrap_or(request).clone()
    }

    /// Changes the record of a request, unless the test has forgotten the requests meanwhile.
    pub(super) fn update(&self, index: usize, at: Instant, change: impl FnOnce(&mut SeenRequest)) {
        if let Some(seen) = self.lock().requests.get_mut(index).filter(|seen| seen.at == at) {
            change(seen);
        }
        self.notify();
    }

    /// Registers a new connection of a client and returns its number. Returns `None` when the proxy
    /// is stopping.
    pub(super) fn register_client(&self, client: &UnixStream) -> Option<u64> {
        let mut state = self.lock();
        if state.is_stopping {
            return None;
        }
        let handle = client.try_clone().ok()?;
        state.next_connection += 1;
        let id = state.next_connection;
        state.connections.insert(id, vec![handle]);
        state.serving += 1;
        Some(id)
    }

    /// Registers the connection to the daemon that serves this client. Returns `false` when the
    /// proxy is stopping: the connection is not to be used then.
    pub(super) fn register_upstream(&self, id: u64, upstream: &UnixStream) -> io::Result<bool> {
        let handle = upstream.try_clone()?;
        let mut state = self.lock();
        if let Some(sides) = state.connections.get_mut(&id) {
            sides.push(handle);
        }
        Ok(!state.is_stopping)
    }

    /// Drops the handles on a connection, whose thread has ended.
    pub(super) fn unregister_client(&self, id: u64) {
        let mut state = self.lock();
        state.connections.remove(&id);
        state.serving -= 1;
        drop(state);
        self.notify();
    }

    /// Shuts down both sides of every connection.
    pub(super) fn cut_connections(&self) {
        for stream in self.lock().connections.values().flatten() {
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }

    /// Returns `true` once the proxy has begun to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Sleeps for this time, or until the proxy stops.
    pub(super) fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut state = self.lock();
        while !state.is_stopping {
            let Some(left) = time_left(end) else {
                return;
            };
            state = self.wait(state, left);
        }
    }

    /// Brings the proxy's socket into the state that it has to be in now.
    fn update_listener(&self, state: &mut State) {
        let wanted = state.wanted_listen_state();
        if state.is_stopping || state.listener.state() == wanted {
            return;
        }
        state.listener.set(&self.socket, wanted);
        self.notify();
    }

    /// Forces this state on the proxy's socket; `None` lets it follow the daemon again.
    pub(super) fn set_listening(&self, forced: Option<ListenState>) {
        let mut state = self.lock();
        state.forced = forced.map(|state| ForcedState { state, until: None });
        self.update_listener(&mut state);
    }

    /// Closes every connection and refuses new ones for this time.
    pub(super) fn refuse_for(&self, time: Duration) {
        let mut state = self.lock();
        let until = Some(Instant::now() + time);
        state.forced = Some(ForcedState { state: ListenState::Refusing, until });
        self.update_listener(&mut state);
        drop(state);
        self.cut_connections();
        // The accepting thread waits without a limit until it learns of this one's end.
        self.notify();
    }

    /// Notes the state in which a probe has found the daemon's socket, and lets the proxy's follow.
    pub(super) fn set_daemon_state(&self, daemon: ListenState) {
        let mut state = self.lock();
        state.daemon = daemon;
        self.update_listener(&mut state);
    }

    /// Stops listening, closes every connection and ends the waits of all threads.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopping = true;
        state.listener.close();
        if let Some(stream) = &state.probe_connection {
            let _closed = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        self.cut_connections();
        self.notify();
    }

    /// Waits until no thread serves a connection, for at most `limit`.
    pub(super) fn wait_for_connections_to_end(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        while state.serving > 0 {
            let Some(left) = time_left(end) else {
                return;
            };
            state = self.wait(state, left);
        }
    }
}
