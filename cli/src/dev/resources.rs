//! The resources of the application: the files that --resource and `attach-resource` name are
//! copied into the run's folder, where `resource-get` finds them.
//!
//! It is a copy, as in Juju: an edit of the file is seen only after `attach-resource`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use charmwright_agent::{CharmMeta, ResourceKind};

use super::spelling::nearest;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::private_files;

/// The file name of an image's description (Juju 3.6 and 4.0).
const IMAGE_FILE: &str = "content.yaml";

/// A resource whose content has been read.
pub struct Resource {
    name: String,
    path: PathBuf,
    content: Vec<u8>,
}

impl Resource {
    /// Reads the file for a resource that the charm declares. For an image `file` may also be its
    /// reference, such as `ubuntu:24.04`.
    ///
    /// # Errors
    /// Fails if the charm does not declare the resource, or if the file cannot be read.
    pub fn read(meta: &CharmMeta, workspace: &Workspace, name: &str, file: &str) -> Result<Self> {
        let Some(declared) = meta.resources().get(name) else {
            return Err(undeclared(meta, name));
        };
        let failed = |error: io::Error| {
            Error::new(format!("cannot read the file {file} for the resource {name}"))
                .because(error)
        };
        let is_image = declared.kind == ResourceKind::OciImage;
        let content = match fs::metadata(file) {
            Ok(found) if !found.is_file() => {
                return Err(failed(io::Error::other("it is not a regular file")));
            }
            Ok(_) => fs::read(file).map_err(failed)?,
            // Juju too takes the text for the image then.
            Err(error) if is_image && error.kind() == io::ErrorKind::NotFound => {
                format!("registrypath: {file}\nusername: \"\"\npassword: \"\"\n").into_bytes()
            }
            Err(error) => return Err(failed(error)),
        };
        let filename = if is_image { IMAGE_FILE } else { declared.filename.as_str() };
        // Juju takes other names too, but they must not lead out of the folder.
        if [name, filename].into_iter().any(|part| part.contains('/') || part.starts_with('.')) {
            return Err(failed(io::Error::other("its name is no name of a file")));
        }
        let path = workspace.resources().join(name).join(filename);
        Ok(Self { name: name.to_owned(), path, content })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path that `resource-get` prints.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns `true` if the resource has this content already. Then Juju does nothing.
    pub fn is_unchanged(&self) -> bool {
        fs::read(&self.path).is_ok_and(|content| content == self.content)
    }

    /// Puts the content in the place where `resource-get` finds it.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn store(&self) -> Result<()> {
        self.write().map_err(|error| {
            Error::new(format!("cannot write the resource {}", self.path.display())).because(error)
        })
    }

    fn write(&self) -> io::Result<()> {
        let Some(folder) = self.path.parent() else { return Ok(()) };
        for folder in [folder.parent(), Some(folder)].into_iter().flatten() {
            private_files::make_folder(folder)?;
        }
        // A charm that reads the old file meanwhile must not find a half of the new one.
        let next = folder.join(".next");
        let _ = fs::remove_file(&next);
        private_files::append(&next)?.write_all(&self.content)?;
        fs::rename(&next, &self.path)
    }
}

fn undeclared(meta: &CharmMeta, name: &str) -> Error {
    let declared: Vec<&str> = meta.resources().keys().map(String::as_str).collect();
    let error = Error::new(format!("cannot find the resource {name:?}"));
    match nearest(name, declared.iter().copied()) {
        Some(meant) => error.advice(format!("did you mean `{meant}`?")),
        None if declared.is_empty() => error.because("the charm declares no resource"),
        None => error.because(format!("the charm declares {}", declared.join(", "))),
    }
}

/// Reads the value of each --resource.
///
/// # Errors
/// As [`Resource::read`], and if a value has no `=`.
pub fn named(meta: &CharmMeta, workspace: &Workspace, pairs: &[String]) -> Result<Vec<Resource>> {
    let read = |pair: &String| {
        let (name, file) = pair.split_once('=').ok_or_else(|| {
            Error::new(format!("cannot use --resource {pair}"))
                .because("it has no `=`")
                .advice("it goes: --resource NAME=FILE")
        })?;
        Resource::read(meta, workspace, name, file)
    };
    pairs.iter().map(read).collect()
}
