//! A file that only this user can read, for the time of one call.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::rand::{GetRandomFlags, getrandom};

/// The number of names that are tried for the folder. A second try is needed only if somebody has
/// guessed 128 random bits.
const ATTEMPTS: usize = 8;

/// A file in a folder of its own. Both are removed when the value is dropped, so also after a
/// panic.
///
/// The folder has the mode 0700 and an unpredictable name, and the file has the mode 0600. Both are
/// created by this process, and a link that is in the way is not followed: `mkdir` and `O_EXCL` do
/// not follow one.
pub(crate) struct PrivateFile {
    folder: PathBuf,
    path: PathBuf,
}

impl PrivateFile {
    /// Writes `content` to a new file below `parent`.
    pub(crate) fn create(parent: &Path, content: &[u8]) -> io::Result<Self> {
        // The agent opens the path, and its working directory is another one.
        let parent = std::path::absolute(parent)?;
        let folder = create_folder(&parent)?;
        // From here on the folder is removed, whatever fails.
        let file = Self { path: folder.join("content"), folder };
        let mut output: File =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file.path)?;
        output.write_all(content)?;
        Ok(file)
    }

    /// Returns the absolute path of the file; `None` if it is not UTF-8, since an argument of a
    /// hook tool is text.
    pub(crate) fn path(&self) -> Option<&str> {
        self.path.to_str()
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Each call fails only if the file is gone already, which is what is wanted, or if the
        // folder is no longer ours to change. A drop has nobody to tell.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Creates a folder with a random name and the mode 0700.
fn create_folder(parent: &Path) -> io::Result<PathBuf> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..ATTEMPTS {
        let mut random = [0_u8; 16];
        let mut filled = 0;
        while let Some(rest) = random.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += getrandom(rest, GetRandomFlags::empty())?;
        }
        let folder =
            parent.join(format!("charmwright-secret-{:032x}", u128::from_ne_bytes(random)));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_file_is_private_and_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let file = PrivateFile::create(parent.path(), b"hunter2").unwrap();
        let path = PathBuf::from(file.path().unwrap());
        assert!(path.is_absolute());
        assert_eq!(fs::read(&path).unwrap(), b"hunter2");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let other = PrivateFile::create(parent.path(), b"").unwrap();
        assert_ne!(other.path(), file.path());
        drop((file, other));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_panic_removes_the_file_too() {
        let parent = tempfile::tempdir().unwrap();
        let panicked = std::panic::catch_unwind(|| {
            let _file = PrivateFile::create(parent.path(), b"hunter2").unwrap();
            assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicked.is_err());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let error = PrivateFile::create(&parent.path().join("missing"), b"").map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
