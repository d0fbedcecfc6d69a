//! Writes a local file that gets its name only when it is complete, and opens the folders for such
//! files.
//!
//! A folder is held open, and everything in it is reached through its descriptor. So if something
//! else takes the place of a folder later, such as a link to somewhere else, it is not followed
//! (`openat(2)`, "Rationale for openat").

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, FileType, OFlags, RawMode, fchmod, mkdirat, openat, renameat, statat, unlinkat,
};

use super::encoder::random_hex;
use super::mode::Mode;

/// The mode of a file that is not complete: only this process needs it.
const UNFINISHED_FILE: RawMode = 0o600;
/// The mode of a folder that is not complete.
const UNFINISHED_FOLDER: RawMode = 0o700;

/// The mode of a new file, from which the umask is subtracted.
const USUAL_FILE: RawMode = 0o666;
/// The mode of a new folder, from which the umask is subtracted.
const USUAL_FOLDER: RawMode = 0o777;

/// An open local folder.
#[derive(Debug, Clone)]
pub(super) struct LocalFolder(Arc<OwnedFd>);

impl LocalFolder {
    /// Opens the folder at a path. Links are followed: the caller chooses where to begin.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        // With `O_PATH` the folder need not be readable, as for any other way of using a path.
        let folder =
            openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, mode(0))?;
        Ok(Self(Arc::new(folder)))
    }

    /// Opens the folder some names further down. None of them may be a link.
    pub(super) fn below(&self, path: &Path) -> io::Result<Self> {
        let mut folder = self.clone();
        for name in path {
            folder = Self(Arc::new(folder.open_entry(name, OFlags::PATH)?));
        }
        Ok(folder)
    }

    /// Makes a folder in this one. Returns `false` if it existed. A `private` folder can be used
    /// only by this user until [`Self::set_mode`].
    pub(super) fn create(&self, name: &OsStr, private: bool) -> io::Result<bool> {
        let bits = if private { UNFINISHED_FOLDER } else { USUAL_FOLDER };
        match mkdirat(&*self.0, name, mode(bits)) {
            Ok(()) => Ok(true),
            // Opening tells a folder from anything else in its place, including a link to a folder.
            Err(rustix::io::Errno::EXIST) => {
                let it_is = self.open_entry(name, OFlags::PATH);
                it_is.map(|_| false).map_err(|_| {
                    io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        "something else than a folder is in its place",
                    )
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the mode of a folder in this one.
    pub(super) fn set_mode(&self, name: &OsStr, wanted: Mode) -> io::Result<()> {
        // `fchmod(2)` refuses a descriptor that was opened with `O_PATH`.
        let folder = self.open_entry(name, OFlags::RDONLY)?;
        Ok(fchmod(folder, mode(wanted.bits()))?)
    }

    /// Opens a folder in this one, which must not be a link.
    fn open_entry(&self, name: &OsStr, access: OFlags) -> io::Result<OwnedFd> {
        let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&*self.0, name, flags, mode(0))?)
    }

    /// Returns the mode of the file that a new one of this name replaces, or `None` if there is no
    /// file, or a link. A device, a pipe or a folder is an error.
    fn mode_of_replaced(&self, name: &OsStr) -> io::Result<Option<Mode>> {
        let stat = match statat(&*self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Some(Mode::of_local(stat.st_mode))),
            FileType::Symlink => Ok(None),
            FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "what is in its place is no file, and is not replaced",
            )),
        }
    }
}

fn mode(bits: RawMode) -> rustix::fs::Mode {
    rustix::fs::Mode::from_raw_mode(bits)
}

/// A new file in the folder of its target. If it is dropped before [`Self::persist`], it is
/// removed.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    file: File,
    folder: LocalFolder,
    name: Option<String>,
    /// The mode that the file gets when it is complete. Until then only this user can read it.
    /// Without this, the file has the mode that the umask leaves from the beginning.
    mode: Option<Mode>,
}

impl TemporaryFile {
    /// Makes a hidden file with a random name in the folder of the target, so that renaming it is a
    /// single step.
    ///
    /// The file is to have the mode `wanted`, or else that of the file that it replaces, or else
    /// that of any new file.
    pub(super) fn beside(
        folder: &LocalFolder,
        target: &OsStr,
        wanted: Option<Mode>,
    ) -> io::Result<Self> {
        let replaced = folder.mode_of_replaced(target)?;
        let wanted = wanted.or(replaced);
        let bits = if wanted.is_some() { UNFINISHED_FILE } else { USUAL_FILE };
        let name = format!(".pull-{}~", random_hex(16)?);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&*folder.0, &name, flags, mode(bits))?;
        Ok(Self { file: file.into(), folder: folder.clone(), name: Some(name), mode: wanted })
    }

    /// Appends bytes to the file.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Renames the file to the target, which replaces what has that name.
    pub(super) fn persist(mut self, target: &OsStr) -> io::Result<()> {
        // The mode is set before the rename, so that the file never has its name with the wrong
        // mode.
        if let Some(mode) = self.mode {
            self.file.set_permissions(Permissions::from_mode(mode.bits()))?;
        }
        if let Some(name) = &self.name {
            renameat(&*self.folder.0, name, &*self.folder.0, target)?;
        }
        // The file is no longer temporary, and dropping it must not remove it.
        self.name = None;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Some(name) = self.name.take()
            && let Err(error) = unlinkat(&*self.folder.0, &name, AtFlags::empty())
        {
            tracing::warn!("cannot remove the temporary file {name}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_complete_or_absent() {
        let outer = tempfile::tempdir().unwrap();
        let folder = LocalFolder::open(outer.path()).unwrap();
        let (name, target) = (OsStr::new("a"), outer.path().join("a"));
        let names = || std::fs::read_dir(outer.path()).unwrap().count();
        let mode = || std::fs::metadata(&target).unwrap().permissions().mode() & 0o7777;
        let mut file = TemporaryFile::beside(&folder, name, None).unwrap();
        file.write(b"half").unwrap();
        assert_eq!((names(), target.exists()), (1, false));
        drop(file);
        assert_eq!(names(), 0);
        let mut file = TemporaryFile::beside(&folder, name, Mode::new(0o640).ok()).unwrap();
        assert_eq!(file.file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        file.write(b"whole").unwrap();
        file.persist(name).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
        assert_eq!((mode(), names()), (0o640, 1));
        let file = TemporaryFile::beside(&folder, name, None).unwrap();
        file.persist(name).unwrap();
        assert_eq!((mode(), names()), (0o640, 1), "it has the mode of the one before");
    }

    #[test]
    fn no_link_is_followed() {
        let outer = tempfile::tempdir().unwrap();
        std::fs::create_dir(outer.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", outer.path().join("link")).unwrap();
        let folder = LocalFolder::open(outer.path()).unwrap();
        assert!(folder.below(Path::new("real")).is_ok());
        assert!(folder.below(Path::new("link")).is_err());
        assert!(!folder.create(OsStr::new("real"), true).unwrap());
        assert!(folder.create(OsStr::new("link"), true).is_err());
        assert!(folder.set_mode(OsStr::new("link"), Mode::new(0o700).unwrap()).is_err());
        assert!(
            LocalFolder::open(&outer.path().join("link")).is_ok(),
            "where to begin is the caller's choice"
        );
    }
}
