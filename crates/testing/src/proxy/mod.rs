//! A proxy between a client and the socket of a real daemon, which injects faults into the requests
//! that a test chooses.
//!
//! Without rules the proxy changes nothing. Each connection of a client has one connection to the
//! daemon, and replies pass while they arrive. The proxy's socket follows the daemon's: it refuses
//! connections or is removed when the daemon's is. Bodies pass both ways at the same time and in
//! bounded memory, so a daemon may reply before it has read the whole request; the first 64 KiB of
//! a request's body are recorded.
//!
//! A [`Rule`] chooses requests (by method, path, a part of the body and their number) and a
//! [`Fault`] for them. The proxy records every request, so that a test can count what the client
//! really sent.
//!
//! The proxy runs on threads of its own. Nothing in it depends on the runtime of the code under
//! test, or on its clock.

mod accept;
mod connection;
mod endless;
mod listen_state;
mod probe;
mod reply;
mod request;
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
pub use request::SeenRequest;
pub use rule::{AfterReply, Callback, Fault, Rule, RuleId};

use super::error::Error;
use super::folder::{check_socket_path, short_temp_dir};
use shared::{Shared, time_left};

/// A running proxy: see the [module](self).
///
/// Dropping it closes its connections, removes its socket and waits for its threads, for at most
/// five seconds.
pub struct FaultProxy {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    _temporary: Option<TempDir>,
}

impl FaultProxy {
    /// Starts a proxy for the daemon's socket `upstream`, on a socket in a new temporary folder.
    ///
    /// The daemon need not run yet. The proxy's socket is in the state of the daemon's when this
    /// returns.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder or a thread cannot be made.
    /// - [`ErrorKind::SocketPath`](crate::ErrorKind::SocketPath) if the path of the temporary
    ///   folder is too long for a socket.
    pub fn start(upstream: impl Into<PathBuf>) -> Result<Self, Error> {
        let temporary = short_temp_dir()?;
        let socket = temporary.path().join("proxy.socket");
        Self::run(socket, upstream.into(), Some(temporary))
    }

    /// Starts a proxy on a socket at this path, in a folder that exists. A file at the path is
    /// replaced.
    ///
    /// For a charm that runs as a process it is `NAME/pebble.socket` in the folder that the charm
    /// gets as `CHARMWRIGHT_CONTAINERS`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::SocketPath`](crate::ErrorKind::SocketPath) if the path is too long for a
    ///   socket. One that ends in `.socket` may have 103 bytes.
    /// - [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder does not exist or a thread cannot be
    ///   made.
    pub fn start_at(
        socket: impl Into<PathBuf>,
        upstream: impl Into<PathBuf>,
    ) -> Result<Self, Error> {
        Self::run(socket.into(), upstream.into(), None)
    }

    fn run(socket: PathBuf, upstream: PathBuf, temporary: Option<TempDir>) -> Result<Self, Error> {
        // The socket is bound under this longer name and renamed: see `listen_state`.
        check_socket_path(&socket.with_extension("socket.new"))?;
        let shared = Arc::new(Shared::new(socket, upstream));
        let threads = accept::start_threads(&shared)
            .map_err(Error::io(format!("cannot listen on {}", shared.socket.display())))?;
        Ok(Self { shared, threads, _temporary: temporary })
    }

    /// Returns the path of the proxy's socket, for the client.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.shared.socket
    }

    /// Adds a rule and returns its id, for [`FaultProxy::fired`] and [`FaultProxy::remove`].
    ///
    /// If several rules are due for one request, the one that was added first fires. The request
    /// does not count for the rules after that one.
    #[expect(
        clippy::must_use_candidate,
        reason = "most tests neither remove a rule nor ask how often it fired"
    )]
    pub fn add(&self, rule: Rule) -> RuleId {
        self.shared.add_rule(rule)
    }

    /// Removes a rule. Does nothing if the rule has fired as often as it may, since it is removed
    /// by then.
    pub fn remove(&self, id: RuleId) {
        self.shared.lock().rules.retain(|entry| entry.id != id);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.shared.lock().rules.clear();
    }

    /// Returns how often the rule has fired, also after it was removed.
    #[must_use]
    pub fn fired(&self, id: RuleId) -> u32 {
        self.shared.lock().fired.get(&id).copied().unwrap_or(0)
    }

    /// Sets the state of the proxy's socket regardless of the daemon; `None` lets it follow the
    /// daemon's socket again.
    ///
    /// The socket is in this state when the call returns. Open connections stay open: see
    /// [`FaultProxy::cut_connections`].
    pub fn set_listening(&self, state: Option<ListenState>) {
        self.shared.set_listening(state);
    }

    /// Closes every open connection at once, also in the middle of a request or reply.
    pub fn cut_connections(&self) {
        self.shared.cut_connections();
    }

    /// Returns all requests so far, in the order in which they were recorded: see
    /// [`SeenRequest::at`].
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.lock().requests.clone()
    }

    /// Returns the number of recorded requests with this method and a path that starts so. The
    /// query is part of the path.
    #[must_use]
    pub fn count(&self, method: &str, path_prefix: &str) -> usize {
        count(&self.shared.lock().requests, method, path_prefix)
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.lock().requests.clear();
    }

    /// Waits until at least `count` requests with this method and start of path are recorded.
    /// Returns `false` if they are not within the limit.
    #[must_use]
    pub fn wait_for(&self, method: &str, path_prefix: &str, count: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            if self::count(&state.requests, method, path_prefix) >= count {
                return true;
            }
            let Some(left) = time_left(end) else {
                return false;
            };
            state = self.shared.wait(state, left);
        }
    }
}

fn count(requests: &[SeenRequest], method: &str, path_prefix: &str) -> usize {
    requests
        .iter()
        .filter(|seen| seen.method == method && seen.path.starts_with(path_prefix))
        .count()
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
        // The threads of the connections are not joined: one may be in a callback of the test that
        // never returns.
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
