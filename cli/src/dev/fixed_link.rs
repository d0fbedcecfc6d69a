//! [`FixedLink`] is a link at a path that charms have fixed in their code, such as
//! `/charm/containers`. It leads to a folder of this run while the run lasts.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::private_files;

/// The file in a folder above a link that says that a run has made the folder.
const MARKER: &str = ".charmwright";

/// A link at a fixed path.
#[derive(Debug)]
pub struct FixedLink<'a> {
    path: &'a Path,
    target: PathBuf,
}

impl<'a> FixedLink<'a> {
    /// Describes the link at `path`, which is absolute, to `target`.
    pub fn new(path: &'a Path, target: PathBuf) -> Self {
        Self { path, target }
    }

    /// Makes the link, and the folders above it that are missing.
    ///
    /// # Errors
    /// Fails if this user may not make the link, or if something else is there already.
    pub fn make(&self) -> Result<()> {
        let failed = |reason: String| {
            let target = self.target.display();
            Error::new(format!("cannot make {} lead to {target}", self.path.display()))
                .because(reason)
        };
        match fs::symlink_metadata(self.path) {
            // A link that leads nowhere is left from a run that could not clean up.
            Ok(found) if found.is_symlink() && !self.path.exists() => {
                fs::remove_file(self.path).map_err(|e| failed(e.to_string()))?;
            }
            Ok(_) => return Err(failed("something else is there".to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let made = self.make_parents().map_err(|e| failed(e.to_string())).and_then(|()| {
            // If other users may write to the folder, they could replace the link.
            private_files::check_parents(self.path).map_err(|e| failed(e.to_string()))?;
            symlink(&self.target, self.path).map_err(|e| failed(e.to_string()))
        });
        if made.is_err() {
            self.remove_parents();
        }
        made
    }

    fn make_parents(&self) -> std::io::Result<()> {
        let parents: Vec<&Path> = self.path.ancestors().skip(1).collect();
        for parent in parents.into_iter().rev() {
            if fs::symlink_metadata(parent).is_ok() {
                continue;
            }
            private_files::make_folder(parent)?;
            // The marker lies in the folder itself and not in this value, so that of several runs
            // the last one removes the folder.
            let _ = private_files::append(&parent.join(MARKER))
                .and_then(|mut file| file.write_all(b"made by `charmwright dev`\n"));
        }
        Ok(())
    }

    /// Removes the link, if it is this run's, and the folders that were made for it and hold
    /// nothing else.
    pub fn remove(&self) {
        if fs::read_link(self.path).is_ok_and(|target| target == self.target) {
            let _ = fs::remove_file(self.path);
            self.remove_parents();
        }
    }

    fn remove_parents(&self) {
        for parent in self.path.ancestors().skip(1) {
            let marker = parent.join(MARKER);
            let mut entries = fs::read_dir(parent).into_iter().flatten().flatten();
            // Another program, or another run, may have put something there since.
            if !marker.exists() || entries.any(|entry| entry.file_name() != MARKER) {
                return;
            }
            let _ = fs::remove_file(marker);
            let _ = fs::remove_dir(parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_to_the_run_and_leaves_nothing() {
        let outer = tempfile::tempdir().unwrap();
        let target = outer.path().join("run");
        fs::create_dir(&target).unwrap();
        let path = outer.path().join("a/b/c");
        let link = FixedLink::new(&path, target.clone());
        link.make().unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), target);
        let error = link.make().unwrap_err().chain();
        assert!(error.contains("something else is there"), "{error}");
        link.remove();
        assert!(!outer.path().join("a").exists());
    }

    #[test]
    fn what_is_not_ours_stays() {
        let outer = tempfile::tempdir().unwrap();
        let target = outer.path().join("run");
        fs::create_dir(&target).unwrap();
        let path = outer.path().join("a/b");
        let link = FixedLink::new(&path, target);
        link.make().unwrap();
        fs::write(outer.path().join("a/else"), "x").unwrap();
        // Another run cannot remove it.
        FixedLink::new(&path, outer.path().join("other")).remove();
        assert!(path.is_symlink());
        link.remove();
        assert!(!path.is_symlink() && outer.path().join("a/else").exists());
        // A link that leads nowhere is of a run that was killed.
        symlink(outer.path().join("nowhere"), &path).unwrap();
        link.make().unwrap();
        link.remove();
        fs::write(&path, "a file").unwrap();
        assert!(link.make().is_err());
        link.remove();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
    }
}
