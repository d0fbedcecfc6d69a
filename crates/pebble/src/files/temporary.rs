//! A local file that gets its name only when it is complete, and the folders that such files are
//! in.
//!
//! A folder is held open and everything in it is reached through that, so what takes the place of a
//! folder later is not gone into: a link to somewhere else, say. (`openat(2)` says more under
//! "Rationale for openat".)

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

/// Until it is complete, only we need to get at it.
const UNFINISHED_FILE: RawMode = 0o600;
const UNFINISHED_FOLDER: RawMode = 0o700;

/// What the umask is to take from, as for every new file and folder.
const USUAL_FILE: RawMode = 0o666;
const USUAL_FOLDER: RawMode = 0o777;

/// An open local folder.
#[derive(Debug, Clone)]
pub(super) struct LocalFolder(Arc<OwnedFd>);

impl LocalFolder {
    /// The folder at a path, links followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let folder =
            openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, mode(0))?;
        Ok(Self(Arc::new(folder)))
    }

    /// The folder some names further down; none of them may be a link.
    pub(super) fn below(&self, path: &Path) -> io::Result<Self> {
        let mut folder = self.clone();
        for name in path {
            folder = Self(Arc::new(folder.open_entry(name, OFlags::PATH)?));
        }
        Ok(folder)
    }

    /// Makes a folder in it; whether it was not there yet. With `unfinished` it is ours alone until
    /// [`Self::set_mode`].
    pub(super) fn create(&self, name: &OsStr, private: bool) -> io::Result<bool> {
        let bits = if private { UNFINISHED_FOLDER } else { USUAL_FOLDER };
        match mkdirat(&*self.0, name, mode(bits)) {
            Ok(()) => Ok(true),
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

    /// Gives a folder in it its mode.
    pub(super) fn set_mode(&self, name: &OsStr, wanted: Mode) -> io::Result<()> {
        let folder = self.open_entry(name, OFlags::RDONLY)?;
        Ok(fchmod(folder, mode(wanted.bits()))?)
    }

    fn open_entry(&self, name: &OsStr, access: OFlags) -> io::Result<OwnedFd> {
        let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&*self.0, name, flags, mode(0))?)
    }

    /// The mode of the file that a new one of this name takes the place of; `None` when there is
    /// none, or a link. A device, a pipe or a folder is an error.
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

/// A new file beside its target. Dropped before [`Self::persist`], it is removed.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    file: File,
    folder: LocalFolder,
    name: Option<String>,
    /// What it gets when it is kept; until then only we can read it. Without one it has what the
    /// umask leaves from the beginning.
    mode: Option<Mode>,
}

impl TemporaryFile {
    /// A hidden file with a name that nobody else has, in the target's folder, so that renaming it
    /// is one step.
    ///
    /// It is to have this mode, or else that of the file whose place it is to take, or else that of
    /// any new file.
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

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives it the target's name, in place of what has it now.
    pub(super) fn persist(mut self, target: &OsStr) -> io::Result<()> {
        if let Some(mode) = self.mode {
            self.file.set_permissions(Permissions::from_mode(mode.bits()))?;
        }
        if let Some(name) = &self.name {
            renameat(&*self.folder.0, name, &*self.folder.0, target)?;
        }
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
    fn it_is_there_whole_or_not_at_all() {
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
    fn no_link_is_gone_through() {
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
