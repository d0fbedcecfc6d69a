//! [`Mounts`]: the folder of each storage instance, and the links by which a container finds it.
//!
//! Each instance is a folder of the run, at the path that `storage-get` prints; one of the kind
//! block is a file, since only the kernel can make a device. A container has no file system of its
//! own here, so a mount of it is a link at the same path of this machine, where that can be made.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use charmwright_agent::{Model, StorageInstance, StorageKind, UnitName};

use super::fixed_link::FixedLink;
use super::workspace::{STORAGE, Workspace};
use crate::error::{Error, Result};
use crate::private_files;

/// The size of the file that stands for a block device, in bytes: that of a storage of Juju for
/// which nobody asks for another one. It takes up no room before something is written to it.
const BLOCK_SIZE: u64 = 1024 * 1024 * 1024;

/// The links at the paths at which containers mount storage.
#[derive(Debug, Default)]
pub struct Mounts {
    /// The links that were made: path and target.
    made: BTreeMap<PathBuf, PathBuf>,
    /// The mounts for which there is no link. Each is told once.
    failed: BTreeSet<Mount>,
}

/// A path at which a container mounts storage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mount {
    path: PathBuf,
    /// The folder of the storage.
    target: PathBuf,
    container: String,
}

/// Makes the folder of every instance of the model that has none. Those of detached instances stay,
/// and so does what the charm or a workload has made of a folder.
fn make_folders(model: &Model, workspace: &Workspace) -> Result<()> {
    for instance in model.storages() {
        let path = workspace.storage_of(instance.id());
        if fs::symlink_metadata(&path).is_ok() {
            continue;
        }
        let failed = |error: io::Error| {
            Error::new(format!("cannot make the storage {}", path.display())).because(error)
        };
        let parents = [path.parent().and_then(Path::parent), path.parent()];
        for folder in parents.into_iter().flatten() {
            private_files::make_folder(folder).map_err(failed)?;
        }
        if *instance.kind() == StorageKind::Block {
            let file = private_files::append(&path).map_err(failed)?;
            file.set_len(BLOCK_SIZE).map_err(failed)?;
        } else {
            private_files::make_folder(&path).map_err(failed)?;
        }
    }
    Ok(())
}

impl Mounts {
    /// Makes the folders and the links of the unit's storage as the model has it now, and removes
    /// the links of storage that the unit has no more. Returns what could not be made.
    pub fn update(&mut self, model: &Model, unit: &UnitName, workspace: &Workspace) -> Vec<String> {
        let mut notes = Vec::new();
        if let Err(error) = make_folders(model, workspace) {
            notes.push(error.chain());
        }
        let wanted = wanted_mounts(model, unit, workspace);
        let is_wanted = |path: &Path, target: &Path| {
            wanted.iter().any(|mount| mount.path == path && mount.target == target)
        };
        self.made.retain(|path, target| {
            let is_kept = is_wanted(path, target);
            if !is_kept {
                FixedLink::new(path, target.clone()).remove();
            }
            is_kept
        });
        for mount in wanted {
            if self.made.get(&mount.path) == Some(&mount.target) || self.failed.contains(&mount) {
                continue;
            }
            let made = match self.made.get(&mount.path) {
                Some(_) => Err(mount.refuse("another storage of the charm is mounted there")),
                None => mount.make(workspace),
            };
            if let Err(error) = made {
                let target = mount.target.display();
                notes.push(format!("{}; a workload finds the storage at {target}", error.chain()));
                self.failed.insert(mount);
            } else {
                self.made.insert(mount.path, mount.target);
            }
        }
        notes
    }
}

impl Mount {
    fn refuse(&self, why: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        let Self { path, container, .. } = self;
        Error::new(format!("cannot mount storage at {} for {container}", path.display()))
            .because(why)
    }

    fn make(&self, workspace: &Workspace) -> Result<()> {
        let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
        if !self.path.is_absolute() || !self.path.components().all(is_plain) {
            return Err(self.refuse("it is no absolute path, or has a `..` in it"));
        }
        // `FixedLink` takes a link that leads nowhere for one of a run that was killed. At a path
        // that the charm's author has chosen it may be the user's own.
        let is_left_over = |link: &Path| {
            let name = self.target.parent().and_then(Path::file_name);
            let parts: Vec<_> = link.iter().rev().take(3).collect();
            parts.get(1).copied() == name && parts.get(2).is_some_and(|part| *part == STORAGE)
        };
        match fs::read_link(&self.path) {
            // It lies in another storage, which was detached and is attached again.
            Ok(link) if link == self.target => return Ok(()),
            Ok(link) if !is_left_over(&link) => {
                return Err(self.refuse("something else is there"));
            }
            _ => {}
        }
        // Noted first: a run that is killed meanwhile leaves no link that nobody knows of.
        workspace.note_mount(&self.path)?;
        FixedLink::new(&self.path, self.target.clone()).make().map_err(|error| self.refuse(error))
    }
}

/// Returns the mounts of the charm's containers for which the unit has storage. Of several
/// instances of a storage a container has the first: no pod mounts two of them at one path.
fn wanted_mounts(model: &Model, unit: &UnitName, workspace: &Workspace) -> Vec<Mount> {
    let Ok(own) = model.unit(unit) else { return Vec::new() };
    if own.is_gone() {
        return Vec::new();
    }
    let meta = own.meta();
    let mut wanted = Vec::new();
    for container in meta.containers() {
        for mount in meta.mounts(container) {
            let is_mounted = |instance: &&StorageInstance| {
                instance.unit() == Some(unit) && instance.id().name().as_str() == mount.storage
            };
            if let Some(instance) = model.storages().find(is_mounted) {
                // Without a slash at its end, which a link cannot have.
                let path = Path::new(&mount.location).components().collect();
                let target = workspace.storage_of(instance.id());
                wanted.push(Mount { path, target, container: container.to_owned() });
            }
        }
    }
    // A folder comes before what is mounted within it.
    wanted.sort();
    wanted
}
