//! Folders whose paths are short enough to hold sockets.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::{Error, ErrorKind};

/// The longest path of a unix socket in bytes: `sun_path` is 108 with the closing NUL (unix(7)).
pub(crate) const MAX_SOCKET_PATH: usize = 107;

/// Room that a temporary folder must leave below it for a socket's name.
const ROOM: usize = 64;

/// A new temporary folder in which a socket fits, removed when it is dropped.
///
/// It is made in the system's temporary folder; where that path is too long for a socket, in
/// `/tmp`.
pub(crate) fn short_temp_dir() -> Result<TempDir, Error> {
    let wanted = std::env::temp_dir();
    let root = if wanted.as_os_str().len() + ROOM > MAX_SOCKET_PATH {
        PathBuf::from("/tmp")
    } else {
        wanted
    };
    tempfile::Builder::new()
        .prefix("cw-")
        .tempdir_in(&root)
        .map_err(Error::io(format!("cannot make a temporary folder in {}", root.display())))
}

/// Refuses a path that no socket can have, before the system does so with a message that names
/// nothing.
pub(crate) fn check_socket_path(path: &Path) -> Result<(), Error> {
    let length = path.as_os_str().len();
    if length <= MAX_SOCKET_PATH {
        return Ok(());
    }
    let path = path.display();
    Err(Error::new(
        ErrorKind::SocketPath,
        format!(
            "cannot use {path} for a socket: {length} bytes, at most {MAX_SOCKET_PATH} are \
             possible; choose a shorter folder"
        ),
    ))
}
