//! A local file that gets its name only when it is complete.

use std::fs::{File, Permissions, remove_file, rename};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::encoder::random_hex;
use super::mode::Mode;

/// A new file beside its target. Dropped before [`Self::keep`], it is removed.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    file: File,
    path: Option<PathBuf>,
}

impl TemporaryFile {
    /// A hidden file with a name that nobody else has, in the target's folder, so that renaming it is one step.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        if target.file_name().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        }
        let path = target.with_file_name(format!(".pull-{}~", random_hex(16)?));
        let file = File::create_new(&path)?;
        Ok(Self { file, path: Some(path) })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives it the target's name, in place of what has it now.
    pub(super) fn keep(mut self, target: &Path, mode: Option<Mode>) -> io::Result<()> {
        if let Some(mode) = mode {
            self.file.set_permissions(Permissions::from_mode(mode.bits()))?;
        }
        if let Some(path) = &self.path {
            rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = remove_file(&path)
        {
            tracing::warn!("cannot remove the temporary file {}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut file = TemporaryFile::beside(&target).unwrap();
        file.write(b"half").unwrap();
        assert_eq!((names(), target.exists()), (1, false));
        drop(file);
        assert_eq!(names(), 0);
        let mut file = TemporaryFile::beside(&target).unwrap();
        file.write(b"whole").unwrap();
        file.keep(&target, Mode::new(0o640).ok()).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
        let mode = std::fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!((mode & 0o7777, names()), (0o640, 1));
        assert!(TemporaryFile::beside(Path::new("/")).is_err());
    }
}
