//! The proxy's own socket: open while the daemon's is, refusing or missing when that is.
//!
//! A client must be able to tell a daemon that is away (the connection is refused, so nothing was
//! sent) from a lost reply. Were the proxy to accept and then find nobody behind it, it would turn
//! the first into the second.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::Shutdown;

use super::connection;
use super::shared::{Shared, State};

/// What a client finds at a socket's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ListenState {
    /// Somebody listens.
    Listening,
    /// The socket's file is there and nobody listens: connecting is refused, as after a daemon's
    /// SIGKILL.
    Refusing,
    /// There is no file, as before a daemon's first start and after a graceful stop.
    #[default]
    Missing,
}

/// Brings the door to what it has to be.
pub(super) fn set(shared: &Shared, state: &mut State) {
    let wanted = Shared::wanted_door(state);
    if state.stopping || state.door == wanted {
        return;
    }
    close(state);
    let done = match wanted {
        ListenState::Listening => {
            open(shared).map(|listener| state.listener = Some(Arc::new(listener)))
        }
        // Nobody keeps the listener: what is left is a stale file.
        ListenState::Refusing if !shared.socket.exists() => open(shared).map(drop),
        ListenState::Refusing => Ok(()),
        ListenState::Missing => match std::fs::remove_file(&shared.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    };
    match done {
        Ok(()) => state.door = wanted,
        // The folder may have been taken away under a test that ends; the next look tries again.
        Err(error) => eprintln!(
            "charmwright: the proxy cannot set {} to {wanted:?}: {error}",
            shared.socket.display()
        ),
    }
    shared.tell();
}

/// Lets nobody in any more. Who connects now, and who waits to be let in, is refused.
pub(super) fn close(state: &mut State) {
    if let Some(listener) = state.listener.take() {
        // On Linux a listener that is shut for reading refuses connections and wakes who waits in
        // accept.
        let _already = rustix::net::shutdown(&*listener, Shutdown::Read);
        state.door = ListenState::Refusing;
    }
}

/// A listener at the socket's path that takes the place of what is there in one step: no moment
/// without a file.
fn open(shared: &Shared) -> io::Result<UnixListener> {
    let new = shared.socket.with_extension("socket.new");
    let _stale = std::fs::remove_file(&new);
    let listener = UnixListener::bind(&new)?;
    std::fs::rename(&new, &shared.socket)?;
    Ok(listener)
}

/// Looks once whether the daemon lets anyone in, and sets the door to that. Gives the connection
/// when it does.
pub(super) fn probe(shared: &Shared) -> Option<UnixStream> {
    // One look at a time: an old answer must not overwrite a newer one.
    let _one = shared.probing();
    match UnixStream::connect(&shared.upstream) {
        Ok(stream) => {
            shared.daemon_is(ListenState::Listening);
            Some(stream)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            shared.daemon_is(ListenState::Missing);
            None
        }
        Err(_) => {
            shared.daemon_is(ListenState::Refusing);
            None
        }
    }
}

/// How long a daemon may take to show that it is there, after a connection to it has ended. It
/// answers in less than a millisecond; one that is stopped or stuck is there too, and is not waited
/// for any longer.
const SIGN_OF_LIFE: Duration = Duration::from_millis(100);

/// Looks whether the daemon is gone, after a connection to it has ended.
///
/// That it lets us in proves nothing yet: when a process is killed, its connections may end a
/// moment before its listener does.
pub(super) fn probe_after_end(shared: &Shared) {
    let end = Instant::now() + SIGN_OF_LIFE;
    while let Some(stream) = probe(shared) {
        let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        else {
            return;
        };
        if is_alive(stream, left) {
            return;
        }
    }
}

/// Whether what listens there answers, or at least does not end the connection for this long.
fn is_alive(mut stream: UnixStream, limit: Duration) -> bool {
    if stream.set_read_timeout(Some(limit)).is_err() || stream.write_all(QUESTION).is_err() {
        return false;
    }
    match stream.read(&mut [0]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
    }
}

/// What any Pebble answers at once.
const QUESTION: &[u8] = b"GET /v1/system-info HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Starts the threads that keep the door like the daemon's and let clients in. The first look is
/// made before this returns.
pub(super) fn watch(shared: &Arc<Shared>) -> io::Result<Vec<JoinHandle<()>>> {
    if let Some(folder) = shared.socket.parent() {
        std::fs::metadata(folder)?;
    }
    let first = probe(shared);
    let (watching, letting_in) = (Arc::clone(shared), Arc::clone(shared));
    let watcher = thread::Builder::new()
        .name("proxy-watch".to_owned())
        .spawn(move || follow(&watching, first))?;
    let acceptor = thread::Builder::new()
        .name("proxy-accept".to_owned())
        .spawn(move || accept(&letting_in))?;
    Ok(vec![watcher, acceptor])
}

/// Keeps one idle connection to the daemon, whose end is seen at once, and looks until there is a
/// new one.
fn follow(shared: &Arc<Shared>, first: Option<UnixStream>) {
    let mut next = first;
    while !shared.is_stopping() {
        match next.take() {
            Some(stream) => {
                if shared.keep_sentinel(&stream) {
                    wait_for_end(stream);
                }
            }
            None => shared.sleep(Duration::from_millis(2)),
        }
        next = probe(shared);
    }
}

/// A connection that has asked something is idle afterwards, and an idle one does not keep the
/// daemon from stopping.
fn wait_for_end(mut stream: UnixStream) {
    if stream.write_all(QUESTION).is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// Lets clients in while the door is open.
fn accept(shared: &Arc<Shared>) {
    while let Some(listener) = shared.wait_for_listener() {
        while let Ok((client, _)) = listener.accept() {
            let Some(id) = shared.enter(&client) else {
                return;
            };
            let serving = Arc::clone(shared);
            let started = thread::Builder::new().name(format!("proxy-{id}")).spawn(move || {
                let _leaving = Leaving(&serving, id);
                connection::serve(&serving, client, id);
            });
            if started.is_err() {
                shared.leave(id);
            }
        }
    }
}

/// Says that a connection is over, also when a test's own closure panicked on it.
struct Leaving<'a>(&'a Shared, u64);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}
