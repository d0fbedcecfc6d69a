//! The files that a hook tool's arguments name: the agent's process opens them, so none may hold up its loop.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Longest file that is read, in bytes: what a tool's standard input may hold.
const READ_LIMIT: u64 = 64 << 20;

/// Reads the file of `--file`. A pipe or a device has no end to wait for, and is refused.
///
/// # Errors
/// When it cannot be opened or read, is no regular file, or is longer than 64 MiB.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(OpenOptions::new().read(true), path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut content = Vec::new();
    file.take(READ_LIMIT + 1).read_to_end(&mut content)?;
    if content.len() as u64 > READ_LIMIT {
        return Err(io::Error::other("longer than 64 MiB"));
    }
    Ok(content)
}

/// Writes the file of `--output`; a pipe that nobody reads is an error.
///
/// # Errors
/// When it cannot be made or written.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    open(OpenOptions::new().write(true).create(true).truncate(true), path)?.write_all(content)
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(
            read(Path::new("/dev/zero")).unwrap_err().to_string(),
            "not a regular file"
        );
    }
}
