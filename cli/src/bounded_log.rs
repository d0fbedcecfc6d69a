//! A log file of bounded size: two files hold the newest lines.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::private_files;

/// The size in bytes at which a log file is renamed and a new one is begun. The file that was
/// renamed before is then lost.
pub const FILE_LIMIT: u64 = 4 << 20;

/// A log that is open for writing.
#[derive(Debug)]
pub struct BoundedLog {
    /// The path of the newer file.
    path: PathBuf,
    file: File,
    /// The size of the newer file in bytes, counted by this value since it was opened.
    size: u64,
    limit: u64,
}

impl BoundedLog {
    /// Opens the log at `path` and appends to it.
    ///
    /// # Errors
    /// Fails if the file cannot be opened as a [private file](crate::private_files).
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, FILE_LIMIT)
    }

    fn with_limit(path: &Path, limit: u64) -> io::Result<Self> {
        let file = private_files::append(path)?;
        Ok(Self { path: path.to_owned(), size: file.metadata()?.len(), file, limit })
    }

    /// Writes `bytes`. If the file would exceed its limit, its content up to the last whole line is
    /// first moved to the second file.
    ///
    /// # Errors
    /// Fails if the disk is full, or if the new file cannot be created.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let capacity = usize::try_from(self.limit).unwrap_or(usize::MAX);
        // A single write may be longer than the whole file.
        for piece in bytes.chunks(capacity.max(1)) {
            if self.size.saturating_add(piece.len() as u64) <= self.limit {
                self.append(piece)?;
                continue;
            }
            // The rest of a line that has begun goes into the same file as its beginning.
            let end = piece.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let (old, new) = piece.split_at_checked(end).unwrap_or((&[], piece));
            if self.size > 0 && self.size.saturating_add(old.len() as u64) <= self.limit {
                self.append(old)?;
                self.rotate()?;
                self.append(new)?;
            } else {
                self.rotate()?;
                self.append(piece)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, rotated_path(&self.path))?;
        self.file = private_files::append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

/// Returns the path of the older of the two files: `PATH.1`.
pub fn rotated_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".1");
    name.into()
}

/// Returns the content of both files of the log at `path`, or nothing if they cannot be read.
pub fn read_all(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    for path in [rotated_path(path).as_path(), path] {
        // A file that another program has made longer is not read to its end.
        let _ = private_files::read(path)
            .and_then(|file| file.take(2 * FILE_LIMIT).read_to_end(&mut text));
    }
    text
}

/// Returns the last line of the log at `path`, at most 4 KiB of it. The line is empty if there is
/// no log.
pub fn last_line(path: &Path) -> String {
    const TAIL: u64 = 4096;
    let mut text = Vec::new();
    // The line is shown only as an explanation, so an unreadable log is an empty one.
    let _ = private_files::read(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        file.take(TAIL).read_to_end(&mut text)
    });
    let text = String::from_utf8_lossy(&text);
    text.lines().last().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = BoundedLog::with_limit(&path, 100).unwrap();
        for n in 0..1000 {
            log.write(format!("line {n}\n").as_bytes()).unwrap();
            assert!(fs::metadata(&path).unwrap().len() <= 100);
        }
        let text = String::from_utf8(read_all(&path)).unwrap();
        assert!(text.len() > 100 && text.len() <= 200, "{text}");
        assert!(text.ends_with("line 998\nline 999\n"), "{text}");
        assert!(text.lines().all(|line| line.starts_with("line ")), "{text}");
        assert_eq!(last_line(&path), "line 999");
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 2);
    }

    #[test]
    fn a_line_longer_than_the_file_is_cut_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = BoundedLog::with_limit(&path, 100).unwrap();
        log.write(&[b'x'; 1234]).unwrap();
        log.write(b"y\n").unwrap();
        assert!(fs::metadata(&path).unwrap().len() <= 100);
        assert!(last_line(&path).ends_with("xy"));
    }

    #[test]
    fn an_old_log_goes_on_and_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "x".repeat(500) + "\n").unwrap();
        let mut log = BoundedLog::with_limit(&path, 100).unwrap();
        log.write(b"new\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new\n");
        assert_eq!(last_line(&path), "new");
        assert_eq!(last_line(&folder.path().join("none")), "");
    }
}
