//! The resources of the application: the files that --resource and `attach-resource` name are
//! copied into the run's folder, where `resource-get` finds them.
//!
//! It is a copy, as in Juju: an edit of the file is seen only after `attach-resource`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use charmwright_agent::{CharmMeta, JujuVersion, ResourceKind};

use super::image_details::ImageDetails;
use super::spelling::nearest;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::private_files;

/// The file name of an image's description (Juju 3.6 and 4.0).
const IMAGE_FILE: &str = "content.yaml";

/// A resource whose content has been read.
pub struct Resource {
    name: String,
    source: String,
    path: PathBuf,
    content: Vec<u8>,
}

impl Resource {
    /// Reads the file for a resource that the charm declares. For an image `file` may also be its
    /// reference, such as `ubuntu:24.04`.
    ///
    /// # Errors
    /// Fails if the charm does not declare the resource, if the file cannot be read, or if Juju
    /// would refuse it for this resource.
    pub fn read(
        meta: &CharmMeta,
        version: &JujuVersion,
        workspace: &Workspace,
        name: &str,
        file: &str,
    ) -> Result<Self> {
        let Some(declared) = meta.resources().get(name) else {
            return Err(undeclared(meta, name));
        };
        let failed = |why: &str| {
            Error::new(format!("cannot use {file} for the resource {name}")).because(why)
        };
        let (content, filename) = match declared.kind {
            ResourceKind::OciImage => {
                let details = match read_file(file) {
                    Ok(content) => ImageDetails::of_file(&content).map_err(failed)?,
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        ImageDetails::of_reference(file).ok_or_else(|| {
                            failed("there is no such file, and it is no reference of an image")
                        })?
                    }
                    Err(error) => return Err(failed(&error.to_string())),
                };
                (details.content(version).into_bytes(), IMAGE_FILE)
            }
            _ => {
                let content = read_file(file).map_err(|error| {
                    let is_image = error.kind() == ErrorKind::NotFound
                        && ImageDetails::of_reference(file).is_some();
                    let failed = failed(&error.to_string());
                    match is_image {
                        true => failed.advice(format!(
                            "{name} is a file; a resource of type oci-image takes a reference"
                        )),
                        false => failed,
                    }
                })?;
                check_extension(file, &declared.filename).map_err(|why| failed(&why))?;
                (content, declared.filename.as_str())
            }
        };
        // Juju takes other names too, but they must not lead out of the folder.
        if ![name, filename].into_iter().all(is_file_name) {
            return Err(failed("`charmwright dev` keeps no resource of such a name")
                .advice("a name has no slash and is neither `.` nor `..`"));
        }
        let path = workspace.resources().join(name).join(filename);
        Ok(Self { name: name.to_owned(), source: file.to_owned(), path, content })
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

fn read_file(path: &str) -> io::Result<Vec<u8>> {
    match fs::metadata(path)? {
        found if found.is_file() => fs::read(path),
        found if found.is_dir() => Err(io::Error::other("it is a folder")),
        _ => Err(io::Error::other("it is no regular file")),
    }
}

/// Returns `true` if a folder may have an entry of this name.
fn is_file_name(name: &str) -> bool {
    !name.contains(['/', '\0']) && !matches!(name, "" | "." | "..")
}

/// Refuses a file whose extension is not that of the declared name, as Juju's controller does
/// (Juju 3.6 and 4.0).
fn check_extension(file: &str, declared: &str) -> Result<(), String> {
    // As Go has it: from the last dot on, also if the name begins with it.
    let extension = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default().to_owned()
    };
    let wanted = extension(declared);
    if extension(file) == wanted {
        return Ok(());
    }
    Err(match wanted.as_str() {
        "" => format!("Juju refuses an extension: the charm's name of the file is {declared}"),
        wanted => format!("Juju wants the extension {wanted}, as that of the charm's {declared}"),
    })
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
/// As [`Resource::read`], and if a value has no name or no file, or a name comes twice.
pub fn named(
    meta: &CharmMeta,
    version: &JujuVersion,
    workspace: &Workspace,
    pairs: &[String],
) -> Result<Vec<Resource>> {
    let mut seen = BTreeSet::new();
    let read = |pair: &String| {
        let failed = |why: &str| {
            Error::new(format!("cannot use --resource {pair}"))
                .because(why)
                .advice("it goes: --resource NAME=FILE")
        };
        let (name, file) = pair.split_once('=').ok_or_else(|| failed("it has no `=`"))?;
        if name.is_empty() || file.is_empty() {
            return Err(failed("it lacks the name or the file"));
        }
        if !seen.insert(name.to_owned()) {
            return Err(failed("the resource is given twice"));
        }
        Resource::read(meta, version, workspace, name, file)
    };
    pairs.iter().map(read).collect()
}

/// Returns a text for the first lines of a run: what each resource was given, and which of the kind
/// file have none. An image is seldom read by a charm, so that one that is missing is not told.
pub fn summary(meta: &CharmMeta, given: &[Resource]) -> String {
    let parts = meta.resources().iter().filter_map(|(name, declared)| {
        match given.iter().find(|resource| resource.name == *name) {
            Some(resource) => Some(format!("{name}={}", resource.source)),
            None if declared.kind == ResourceKind::File => {
                Some(format!("{name} (no file: --resource {name}=FILE gives it one)"))
            }
            None => None,
        }
    });
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for name in ["plugin", "plugin.tgz", ".htaccess", "...", "a b"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "/", "../x", "a\0"] {
            assert!(!is_file_name(name), "{name:?}");
        }
    }

    #[test]
    fn the_extension_is_that_of_the_declared_name() {
        for (file, declared) in
            [("/tmp/x.tgz", "plugin.tgz"), ("plugin", "data"), ("a.d/plugin", "data"), (".x", ".x")]
        {
            assert_eq!(check_extension(file, declared), Ok(()), "{file}");
        }
        for (file, declared, why) in [
            ("x.zip", "plugin.tgz", "the extension .tgz"),
            ("plugin", "plugin.tgz", "the extension .tgz"),
            ("plugin.tgz", "plugin", "refuses an extension"),
        ] {
            let error = check_extension(file, declared).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
