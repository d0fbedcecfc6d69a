//! Keeps the local folder that a tree is pulled to, and the folders that were made for it.
//!
//! A new folder can be used only by this user while it is filled, and gets its mode afterwards,
//! however the pull ends. A pull that was killed and is made again finds these folders as existing
//! ones and keeps their private modes.

use std::io;
use std::path::{Path, PathBuf};

use super::super::mode::Mode;
use super::super::temporary::LocalFolder;

/// The root of the tree, and the new folders whose modes are still to be set.
pub(super) struct NewFolders {
    root: LocalFolder,
    /// The parent of the root, the name of the root in it, and its mode, if the root was made.
    new_root: Option<(LocalFolder, PathBuf, Mode)>,
    /// The other new folders and their modes, in the order in which they were made.
    new_folders: Vec<(PathBuf, Mode)>,
}

impl NewFolders {
    /// Makes the root and its parents. The root gets this mode at the end if it is new.
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

    /// Returns the root.
    pub(super) fn root(&self) -> &LocalFolder {
        &self.root
    }

    /// Adds a folder of the tree that was made private and is to get this mode.
    pub(super) fn add(&mut self, path: &Path, mode: Mode) {
        self.new_folders.push((path.to_owned(), mode));
    }

    /// Sets the modes, the innermost first: once a folder may not be entered, those in it cannot be
    /// reached. Returns the modes that could not be set.
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
