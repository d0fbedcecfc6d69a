//! A proxy between a client and a real daemon's socket, which spoils the requests that a test
//! names.
//!
//! Left alone it changes nothing: each connection of a client is one connection to the daemon,
//! replies stream through as they come, and its socket is as alive as the daemon's: when that
//! refuses connections or is gone, so does this. Bodies pass both ways at the same time and in
//! bounded memory, so that a daemon may answer before it has read all; of a request's body only the
//! first 64 KiB are kept. A [`Rule`] names requests (method, path, a part of the body, from the
//! n-th on, how often) and a [`Fault`] for them. Every request is recorded, so that a test can
//! count what was really sent.
//!
//! It runs on threads of its own: nothing in it depends on the runtime of the code under test, or
//! on its clock.

mod connection;
mod endless;
mod listen_state;
mod reply;
mod rule;
mod shared;
mod upgraded;
mod upload;
mod upstream;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use listen_state::ListenState;
pub use rule::{AfterReply, Callback, Fault, Rule, RuleId};
pub use shared::SeenRequest;

use super::error::Error;
use super::folder::{check_socket_path, short_temp_dir};
use shared::Shared;

/// The proxy: see the [module](self). Dropping it closes its connections and removes its socket.
pub struct FaultProxy {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    _temporary: Option<TempDir>,
}

impl FaultProxy {
    /// Puts a proxy before the socket `upstream`, on a socket in a temporary folder of its own. The
    /// daemon need not run yet.
    ///
    /// # Errors
    ///
    /// When the folder or the socket cannot be made.
    pub fn start(upstream: impl Into<PathBuf>) -> Result<Self, Error> {
        let temporary = short_temp_dir()?;
        let socket = temporary.path().join("proxy.socket");
        Self::run(socket, upstream.into(), Some(temporary))
    }

    /// The same on a socket at a path of the caller's, in a folder that is there:
    /// `NAME/pebble.socket` below what is given to a charm as `CHARMWRIGHT_CONTAINERS`, say. What
    /// is at that path is replaced.
    ///
    /// # Errors
    ///
    /// When the path is too long for a socket or the socket cannot be made.
    pub fn start_at(
        socket: impl Into<PathBuf>,
        upstream: impl Into<PathBuf>,
    ) -> Result<Self, Error> {
        Self::run(socket.into(), upstream.into(), None)
    }

    fn run(socket: PathBuf, upstream: PathBuf, temporary: Option<TempDir>) -> Result<Self, Error> {
        // The socket is made beside its place and moved there, so its name must leave room for four
        // bytes more.
        check_socket_path(&socket.with_extension("socket.new"))?;
        let shared = Arc::new(Shared::new(socket, upstream));
        let threads = listen_state::watch(&shared)
            .map_err(Error::io(format!("cannot listen on {}", shared.socket.display())))?;
        Ok(Self { shared, threads, _temporary: temporary })
    }

    /// The socket to give to the client.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.shared.socket
    }

    /// Adds a rule. Of several rules that fire for one request the first added wins, and only that
    /// one counts it as done.
    #[expect(
        clippy::must_use_candidate,
        reason = "the name is for those who want to ask or take back"
    )]
    pub fn add(&self, rule: Rule) -> RuleId {
        self.shared.add_rule(rule)
    }

    /// Takes a rule away; one that has done all it was to do is away already.
    pub fn remove(&self, id: RuleId) {
        self.shared.lock().rules.retain(|entry| entry.id != id);
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.shared.lock().rules.clear();
    }

    /// How often the rule has fired.
    #[must_use]
    pub fn fired(&self, id: RuleId) -> u32 {
        self.shared.lock().fired.get(&id).copied().unwrap_or(0)
    }

    /// Holds the door as it is told, whatever the daemon does; `None` lets it follow the daemon
    /// again. Open connections stay open: see [`FaultProxy::cut_connections`]. Returns once it is
    /// so.
    pub fn set_listening(&self, door: Option<ListenState>) {
        self.shared.set_listening(door);
    }

    /// Closes every connection there is now, in the middle of whatever it does.
    pub fn cut_connections(&self) {
        self.shared.cut_connections();
    }

    /// All requests so far, in the order in which they were taken in: see [`SeenRequest::at`].
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.lock().seen.clone()
    }

    /// How many requests with this method and a path (with its query) that starts so have arrived.
    #[must_use]
    pub fn count(&self, method: &str, path_prefix: &str) -> usize {
        self.shared
            .lock()
            .seen
            .iter()
            .filter(|seen| seen.method == method && seen.path.starts_with(path_prefix))
            .count()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.lock().seen.clear();
    }

    /// Waits until `count` requests with this method and start of path have arrived. Whether they
    /// have, within the limit.
    #[must_use]
    pub fn wait_for(&self, method: &str, path_prefix: &str, count: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            if state
                .seen
                .iter()
                .filter(|seen| seen.method == method && seen.path.starts_with(path_prefix))
                .count()
                >= count
            {
                return true;
            }
            let Some(left) =
                end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return false;
            };
            state = self.shared.wait(state, left);
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
        self.shared.wait_for_connections_to_end(Duration::from_secs(5));
        let _gone = std::fs::remove_file(&self.shared.socket);
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("socket", &self.shared.socket)
            .field("upstream", &self.shared.upstream)
            .finish_non_exhaustive()
    }
}
