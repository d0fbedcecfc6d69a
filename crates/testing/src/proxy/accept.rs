//! The threads of a proxy: one watches the daemon, one accepts clients, and each connection of a
//! client has one.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::connection;
use super::probe;
use super::shared::Shared;

/// Starts the thread that watches the daemon and the one that accepts clients.
///
/// The first probe of the daemon is over when this returns, so the proxy's socket is already in the
/// state of the daemon's.
pub(super) fn start_threads(shared: &Arc<Shared>) -> io::Result<Vec<JoinHandle<()>>> {
    // A missing folder would only be printed by the probe; here it is an error of the caller.
    if let Some(folder) = shared.socket.parent() {
        std::fs::metadata(folder)?;
    }
    let first = probe::probe(shared);
    let (for_watcher, for_acceptor) = (Arc::clone(shared), Arc::clone(shared));
    let watcher = thread::Builder::new()
        .name("proxy-watch".to_owned())
        .spawn(move || probe::watch_daemon(&for_watcher, first))?;
    let acceptor = thread::Builder::new()
        .name("proxy-accept".to_owned())
        .spawn(move || accept_clients(&for_acceptor))?;
    Ok(vec![watcher, acceptor])
}

/// Accepts clients while the proxy's socket listens, until the proxy stops.
fn accept_clients(shared: &Arc<Shared>) {
    // The listener changes each time the daemon goes and comes back.
    while let Some(listener) = shared.wait_for_listener() {
        while let Ok((client, _)) = listener.accept() {
            let Some(id) = shared.register_client(&client) else {
                return;
            };
            let for_connection = Arc::clone(shared);
            let started = thread::Builder::new().name(format!("proxy-{id}")).spawn(move || {
                let _unregister = Unregister(&for_connection, id);
                connection::serve(&for_connection, client, id);
            });
            if started.is_err() {
                shared.unregister_client(id);
            }
        }
    }
}

/// Unregisters a connection when it is dropped, also after a panic in a callback of the test.
struct Unregister<'a>(&'a Shared, u64);

impl Drop for Unregister<'_> {
    fn drop(&mut self) {
        self.0.unregister_client(self.1);
    }
}
