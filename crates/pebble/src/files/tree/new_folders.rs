//! The folder that a tree is pulled to, and the folders that were made for it: ours alone while
//! they are filled, they get their modes afterwards, however that ends. A pull that was broken off
//! and is made again takes them for folders that were there, whose modes it keeps.

use std::io;
use std::path::{Path, PathBuf};

use super::super::mode::Mode;
use super::super::temporary::LocalFolder;

/// See the head of this file.
pub(super) struct NewFolders {
    root: LocalFolder,
    /// The name of the root in its folder, and its mode, if it was made.
    new_root: Option<(LocalFolder, PathBuf, Mode)>,
    /// The others, and their modes, in the order in which they were made.
    new_folders: Vec<(PathBuf, Mode)>,
}

impl NewFolders {
    /// Makes the root, with this mode if it is new, and the folders on the way to it.
    pub(super) fn create(root: &Path, mode: Option<Mode>) -> io::Result<Self> {
        let mut new_root = None;
        if let (Some(parent), Some(name), Some(mode)) = (root.parent(), root.file_name(), mode)
            && !root.is_dir()
        {
            std::fs::create_dir_all(parent)?;
            let parent = LocalFolder::open(parent)?;
            if parent.create(name, true)? {
                new_root = Some((parent, PathBuf::from(name), mode));
            }
        } else {
            std::fs::create_dir_all(root)?;
        }
        Ok(Self { root: LocalFolder::open(root)?, new_root, new_folders: Vec::new() })
    }

    pub(super) fn root(&self) -> &LocalFolder {
        &self.root
    }

    /// A folder of the tree was made, as one that is not finished, and is to have this mode.
    pub(super) fn add(&mut self, path: &Path, mode: Mode) {
        self.new_folders.push((path.to_owned(), mode));
    }

    /// Sets the modes, the innermost first: a folder that may not be entered ends the way to those
    /// in it. Gives what could not be set.
    pub(super) fn set_modes(&mut self) -> Vec<(PathBuf, Mode, io::Error)> {
        let mut failures = Vec::new();
        for (path, mode) in std::mem::take(&mut self.new_folders).into_iter().rev() {
            let parent = self.root.below(path.parent().unwrap_or(Path::new("")));
            let name = path.file_name().unwrap_or_default();
            if let Err(error) = parent.and_then(|parent| parent.set_mode(name, mode)) {
                failures.push((path, mode, error));
            }
        }
        if let Some((parent, name, mode)) = self.new_root.take()
            && let Err(error) = parent.set_mode(name.as_os_str(), mode)
        {
            failures.push((PathBuf::new(), mode, error));
        }
        failures
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for (path, mode, error) in self.set_modes() {
            tracing::warn!(
                "cannot give the new folder {} the mode {mode}: {error}",
                path.display()
            );
        }
    }
}
