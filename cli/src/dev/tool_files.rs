//! The files that the arguments of a hook tool name. The agent's process opens them, so no file may
//! block its loop.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::wire::CONTENT_LIMIT;

/// Reads the file of `--file`. A pipe is refused because it may never end. A device is read up to
/// the limit.
///
/// # Errors
/// Fails if the file cannot be opened or read, if it is a pipe or a socket, or if it is longer than
/// 32 MiB.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(OpenOptions::new().read(true), path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() || kind.is_socket() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut content = Vec::new();
    // Opening a directory succeeds. Only the read fails, with the text that Juju prints.
    file.take(CONTENT_LIMIT as u64 + 1).read_to_end(&mut content)?;
    if content.len() > CONTENT_LIMIT {
        return Err(io::Error::other(format!("longer than {} MiB", CONTENT_LIMIT >> 20)));
    }
    Ok(content)
}

/// Writes the file of `--output`. A pipe that has no reader is an error.
///
/// # Errors
/// Fails if the file cannot be created or written.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    open(OpenOptions::new().write(true).create(true).truncate(true), path)?.write_all(content)
}

/// Opens a file without waiting: opening a pipe would otherwise block until another process opens
/// its other end.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::system_text;

    #[test]
    fn a_file_is_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write(&path, b"longer").unwrap();
        write(&path, b"a: b").unwrap();
        assert_eq!(read(&path).unwrap(), b"a: b");
        write(Path::new("/dev/null"), b"gone").unwrap();
    }

    #[test]
    fn what_would_never_end_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        assert!(write(&pipe, b"x").is_err());
        assert_eq!(read(&pipe).unwrap_err().to_string(), "not a regular file");
        let message = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(message, "longer than 32 MiB");
    }

    #[test]
    fn a_device_and_a_folder_answer_as_the_system_does() {
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
        assert_eq!(system_text(&read(Path::new("/")).unwrap_err()), "is a directory");
        assert_eq!(system_text(&write(Path::new("/"), b"x").unwrap_err()), "is a directory");
    }
}
