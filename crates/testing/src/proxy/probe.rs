//! Probes of the daemon's socket: does the daemon accept connections now?

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::listen_state::ListenState;
use super::shared::{Shared, time_left};

/// The time that a daemon gets to answer after a connection to it has ended.
///
/// A daemon answers in less than a millisecond. One that is stopped or stuck still exists, and is
/// not waited for any longer than this.
const ANSWER_LIMIT: Duration = Duration::from_millis(100);

/// The time between two probes while the daemon is down.
const PROBE_INTERVAL: Duration = Duration::from_millis(2);

/// A request that any Pebble answers at once.
const PROBE_REQUEST: &[u8] = b"GET /v1/system-info HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Connects to the daemon once and brings the proxy's socket into the state of the daemon's.
/// Returns the connection if the daemon accepted it.
pub(super) fn probe(shared: &Shared) -> Option<UnixStream> {
    // Only one probe runs at a time: the result of an earlier one must not overwrite that of a
    // later one.
    let _one = shared.lock_probes();
    match UnixStream::connect(&shared.upstream) {
        Ok(stream) => {
            shared.set_daemon_state(ListenState::Listening);
            Some(stream)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            shared.set_daemon_state(ListenState::Missing);
            None
        }
        Err(_) => {
            shared.set_daemon_state(ListenState::Refusing);
            None
        }
    }
}

/// Finds out whether the daemon has gone, after a connection to it has ended.
///
/// A connection that is accepted proves nothing yet: when a process is killed, its connections may
/// end a moment before its listener does. So the daemon has to answer, too.
pub(super) fn probe_after_end(shared: &Shared) {
    let end = Instant::now() + ANSWER_LIMIT;
    while let Some(stream) = probe(shared) {
        let Some(left) = time_left(end) else {
            return;
        };
        if is_alive(stream, left) {
            return;
        }
    }
}

/// Returns `true` if the daemon answers on this connection, or at least keeps it open for as long
/// as `limit`.
fn is_alive(mut stream: UnixStream, limit: Duration) -> bool {
    if stream.set_read_timeout(Some(limit)).is_err() || stream.write_all(PROBE_REQUEST).is_err() {
        return false;
    }
    match stream.read(&mut [0]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
    }
}

/// Watches the daemon until the proxy stops.
///
/// It keeps one idle connection, whose end shows at once that the daemon has gone, and then probes
/// until the daemon accepts a new one.
pub(super) fn watch_daemon(shared: &Arc<Shared>, first: Option<UnixStream>) {
    let mut next = first;
    while !shared.is_stopping() {
        match next.take() {
            Some(stream) => {
                if shared.register_probe_connection(&stream) {
                    wait_for_end(stream);
                }
            }
            None => shared.sleep(PROBE_INTERVAL),
        }
        next = probe(shared);
    }
}

/// Waits until the daemon closes this connection.
fn wait_for_end(mut stream: UnixStream) {
    // A stopping daemon closes idle connections at once, but waits up to five seconds for one that
    // has sent no request yet (Go, `net/http/server.go`). One request makes this one idle.
    if stream.write_all(PROBE_REQUEST).is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}
