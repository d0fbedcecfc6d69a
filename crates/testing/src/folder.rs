//! Folders whose paths are short enough for a socket in them.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::{Error, ErrorKind};

/// The longest path of a unix socket in bytes: `sun_path` has 108 with the NUL at its end
/// (unix(7)).
pub(crate) const MAX_SOCKET_PATH: usize = 107;

/// The number of bytes that a temporary folder must leave for its own name and that of a socket in
/// it, such as `containers/NAME/pebble.socket`.
const ROOM: usize = 64;

/// Makes a temporary folder in which a socket fits. It is removed when it is dropped.
///
/// It is made in the system's temporary folder, or in `/tmp` if that path is too long.
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

/// Returns an error if the path is too long for a socket. The system's own error names neither the
/// path nor the limit.
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
