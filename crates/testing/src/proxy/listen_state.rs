//! The socket that the proxy listens on, and the states that this socket can be in.
//!
//! A client must be able to tell a daemon that is down (the connection is refused, so nothing was
//! sent) from a lost reply. A proxy that accepted a connection and only then found no daemon would
//! turn the first case into the second, so its socket follows the state of the daemon's socket.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use rustix::net::Shutdown;

/// What a client finds when it connects to a socket's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ListenState {
    /// A process listens on the socket and accepts the connection.
    Listening,
    /// The socket's file exists and no process listens on it: the connection is refused, as after
    /// a SIGKILL of the daemon.
    Refusing,
    /// The socket's file does not exist, as before the first start of a daemon and after a graceful
    /// stop.
    #[default]
    Missing,
}

/// The proxy's listener, and the state that its socket is in now.
#[derive(Default)]
pub(super) struct ProxyListener {
    /// The listener, while the state is [`ListenState::Listening`].
    listener: Option<Arc<UnixListener>>,
    state: ListenState,
}

impl ProxyListener {
    /// Returns the state that the socket is in now.
    pub(super) fn state(&self) -> ListenState {
        self.state
    }

    /// Returns the listener to accept clients from, while the socket listens.
    pub(super) fn listener(&self) -> Option<Arc<UnixListener>> {
        self.listener.clone()
    }

    /// Brings the socket at this path into the wanted state.
    pub(super) fn set(&mut self, socket: &Path, wanted: ListenState) {
        self.close();
        let done = match wanted {
            ListenState::Listening => {
                listen(socket).map(|listener| self.listener = Some(Arc::new(listener)))
            }
            // The listener is dropped at once, which leaves a socket file that refuses connections.
            ListenState::Refusing if !socket.exists() => listen(socket).map(drop),
            ListenState::Refusing => Ok(()),
            ListenState::Missing => match std::fs::remove_file(socket) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        };
        match done {
            Ok(()) => self.state = wanted,
            // A test that ends may have removed the folder already. The state is left as it was, so
            // the next probe of the daemon tries again.
            Err(error) => eprintln!(
                "charmwright: the proxy cannot set {} to {wanted:?}: {error}",
                socket.display()
            ),
        }
    }

    /// Stops listening. Clients that connect from now on, and those that wait to be accepted, are
    /// refused.
    pub(super) fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            // The accepting thread holds another handle, so dropping this one would not close the
            // socket. On Linux a listener that is shut down for reading refuses connections, and
            // `accept` returns in that thread.
            let _already = rustix::net::shutdown(&*listener, Shutdown::Read);
            self.state = ListenState::Refusing;
        }
    }
}

/// Makes a listener at the socket's path, and replaces what is there in one step.
///
/// The socket is bound under another name and renamed, so that a client never finds the path
/// without a file.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    let new = socket.with_extension("socket.new");
    let _stale = std::fs::remove_file(&new);
    let listener = UnixListener::bind(&new)?;
    std::fs::rename(&new, socket)?;
    Ok(listener)
}
