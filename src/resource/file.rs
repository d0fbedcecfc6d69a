//! A resource that is a file.

use std::path::{Path, PathBuf};

use super::digest::Digest;
use crate::error::Error;

/// A resource file is the file of a resource on this machine, which Juju has downloaded. The file
/// is Juju's: a charm reads it and does not write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFile {
    name: String,
    path: PathBuf,
}

impl ResourceFile {
    pub(super) fn new(name: &str, path: PathBuf) -> Self {
        Self { name: name.to_owned(), path }
    }

    /// Returns the path of the file. Another revision of the resource may have the same path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file and returns its digest, by which a charm knows that the file has changed. The
    /// call blocks while it reads; the memory that it needs does not depend on the file's size.
    ///
    /// ```
    /// use charmwright::{Declaration, Digest, Hook, ResourceFile, Result};
    ///
    /// # fn install(_: &ResourceFile) -> Result { Ok(()) }
    /// fn update(plugin: &ResourceFile, installed: Option<Digest>) -> Result<Digest> {
    ///     let digest = plugin.digest()?;
    ///     if installed != Some(digest) {
    ///         install(plugin)?;
    ///     }
    ///     Ok(digest)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read.
    pub fn digest(&self) -> Result<Digest, Error> {
        Digest::of_file(&self.path).map_err(|error| {
            Error::new(error).context(format_args!("read the resource \"{}\"", self.name))
        })
    }
}
