//! The transport connects to Pebble's unix socket and keeps a few idle connections.
//!
//! hyperlocal opens the connections, and hyper speaks HTTP/1.1 on them, see `connection`.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hyperlocal::UnixConnector;
use rustix::io::Errno;
use tower_service::Service as _;

use super::connection::Connection;
use super::transport_error::{TransportError, TransportFailure, plain};

/// The longest path that fits the address of a unix socket on Linux, in bytes (`sun_path` has 108
/// bytes, one of them the final NUL).
const LONGEST_SOCKET_PATH: usize = 107;

/// The most idle connections that are kept. It is more than one caller needs at once.
const MOST_IDLE: usize = 4;

/// A transport opens connections to one socket and keeps those that are idle. All clones of a
/// client share it.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// The number of connections that were opened; it numbers the next one.
    dials: AtomicU64,
}

impl Transport {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket, idle: Mutex::new(Vec::new()), dials: AtomicU64::new(0) }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns an idle connection on which nothing was received since its last answer, or a new
    /// one.
    pub(crate) async fn connection(&self) -> Result<Connection, TransportError> {
        while let Some(mut connection) = self.take_idle() {
            if connection.is_usable().await {
                return Ok(connection);
            }
        }
        self.dial().await
    }

    /// Keeps a connection for a later request, unless an exchange on it was broken off.
    pub(crate) fn release(&self, connection: Connection) {
        let Some(connection) = connection.idle() else {
            return;
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A connection beyond the limit is dropped, which closes it.
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    /// Takes the idle connection that was used last, since it is the likeliest to be open.
    fn take_idle(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Opens a new connection, even if there are idle ones.
    pub(crate) async fn dial(&self) -> Result<Connection, TransportError> {
        // hyperlocal converts the path to text with loss, so that it would connect to another path
        // than one that is not UTF-8.
        if self.socket.to_str().is_none() {
            return Err(TransportError::new(
                TransportFailure::BadPath,
                "the path of the socket is not UTF-8",
            ));
        }
        // Else the kernel or hyperlocal would report a path that does not fit in a less clear way.
        let length = self.socket.as_os_str().as_bytes().len();
        if length > LONGEST_SOCKET_PATH {
            let cause = format!(
                "the path of the socket has {length} bytes and at most {LONGEST_SOCKET_PATH} fit \
                 a socket address"
            );
            return Err(TransportError::new(TransportFailure::BadPath, cause));
        }
        if length == 0 {
            return Err(TransportError::new(
                TransportFailure::BadPath,
                "the path of the socket is empty",
            ));
        }
        let address = hyperlocal::Uri::new(&self.socket, "/").into();
        let stream = UnixConnector
            .call(address)
            .await
            .map_err(|error| dial_failure(&error, &self.socket))?;
        let number = self.dials.fetch_add(1, Ordering::Relaxed) + 1;
        Connection::new(number, stream).await
    }
}

/// Converts a failure to connect. It proves that nothing was sent. A failure that is about the
/// path, and not about the daemon behind it, is not retried.
fn dial_failure(error: &io::Error, socket: &Path) -> TransportError {
    let bad_path = |cause: &str| TransportError::new(TransportFailure::BadPath, cause);
    let not_sent = |cause: &str| TransportError::new(TransportFailure::NotSent, cause);
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM) => {
            TransportError::new(TransportFailure::Denied, "permission denied")
        }
        Some(Errno::NOENT) => not_sent("no such socket"),
        // Linux refuses a connection to a file that is no socket with the same error.
        Some(Errno::CONNREFUSED) => match std::fs::metadata(socket).map(|file| file.file_type()) {
            Ok(file) if file.is_dir() => bad_path("there is a folder in the place of the socket"),
            Ok(file) if !file.is_socket() => bad_path("there is a file in the place of the socket"),
            Ok(_) | Err(_) => not_sent("connection refused"),
        },
        Some(Errno::AGAIN) => not_sent("too many connections are waiting for it"),
        Some(Errno::LOOP) => bad_path("the symbolic links of the path lead in a circle"),
        Some(Errno::NOTDIR) => bad_path("there is a file in the place of a folder of the path"),
        Some(Errno::NAMETOOLONG) => bad_path("a name in the path is too long"),
        Some(Errno::PROTOTYPE) => bad_path("the socket is for datagrams, and Pebble's is not"),
        Some(Errno::INVAL) => bad_path(&plain(error)),
        // The standard library itself refuses such a path.
        None if error.kind() == io::ErrorKind::InvalidInput => bad_path(&plain(error)),
        _ => not_sent(&plain(error)),
    }
}
