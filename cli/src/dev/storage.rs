//! The storage of the unit: the commands on it, the folder of each instance, and the links by which
//! a container finds it.
//!
//! Each instance is a folder of the run, at the path that `storage-get` prints; one of the kind
//! block is a file, since only the kernel can make a device. A container has no file system of its
//! own here, so a mount of it is a link at the same path of this machine, where that can be made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use charmwright_agent::{Model, StorageId, StorageInstance, StorageKind, UnitName};

use super::fixed_link::FixedLink;
use super::session::Session;
use super::spelling::nearest;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::private_files;

/// The size of the file that stands for a block device, in bytes: that of a storage of Juju for
/// which nobody asks for another one. It takes up no room before something is written to it.
const BLOCK_SIZE: u64 = 1024 * 1024 * 1024;

/// The links at the paths at which containers mount storage.
#[derive(Debug, Default)]
pub struct Mounts {
    /// The links that are there: path and target.
    made: BTreeMap<PathBuf, PathBuf>,
    /// The paths at which no link could be made, each with its target. Each is told once.
    failed: BTreeSet<(PathBuf, PathBuf)>,
}

impl Session {
    /// Makes the folders and the links of the unit's storage as the model has it now, and removes
    /// the links of storage that is detached. What cannot be made is told.
    pub(super) fn prepare_storage(&mut self) {
        if let Err(error) = make_folders(&self.model, &self.workspace) {
            self.terminal_output.print_detail(&error.chain());
        }
        for note in self.mounts.update(&self.model, &self.unit, &self.workspace) {
            self.terminal_output.print_detail(&note);
        }
    }
}

/// Makes the folder of every instance of the model that has none. Those of detached instances stay.
fn make_folders(model: &Model, workspace: &Workspace) -> Result<()> {
    for instance in model.storages() {
        let path = workspace.storage_of(instance.id());
        let failed = |error: io::Error| {
            Error::new(format!("cannot make the storage {}", path.display())).because(error)
        };
        let parents = [path.parent().and_then(Path::parent), path.parent()];
        for folder in parents.into_iter().flatten() {
            private_files::make_folder(folder).map_err(failed)?;
        }
        if *instance.kind() != StorageKind::Block {
            private_files::make_folder(&path).map_err(failed)?;
        } else if fs::symlink_metadata(&path).is_err() {
            let file = private_files::append(&path).map_err(failed)?;
            file.set_len(BLOCK_SIZE).map_err(failed)?;
        }
    }
    Ok(())
}

impl Mounts {
    /// Makes the links that are missing, and removes those of storage that the unit has no more.
    /// Returns what is to be told.
    fn update(&mut self, model: &Model, unit: &UnitName, workspace: &Workspace) -> Vec<String> {
        let wanted = wanted_mounts(model, unit, workspace);
        let stale: Vec<_> =
            self.made.iter().filter(|(path, target)| wanted.get(*path) != Some(target)).collect();
        let stale: Vec<PathBuf> = stale.into_iter().map(|(path, _)| path.clone()).collect();
        for path in stale {
            if let Some(target) = self.made.remove(&path) {
                FixedLink::new(&path, target).remove();
            }
        }
        let mut notes = Vec::new();
        for (path, target) in wanted {
            if self.made.contains_key(&path)
                || self.failed.contains(&(path.clone(), target.clone()))
            {
                continue;
            }
            match make_mount(&path, &target, workspace) {
                Ok(()) => {
                    self.made.insert(path, target);
                }
                Err(error) => {
                    notes.push(format!(
                        "{}; a workload finds the storage at {}",
                        error.chain(),
                        target.display()
                    ));
                    self.failed.insert((path, target));
                }
            }
        }
        notes
    }
}

fn make_mount(path: &Path, target: &Path, workspace: &Workspace) -> Result<()> {
    if !path.is_absolute() {
        return Err(Error::new(format!("cannot mount storage at {}", path.display()))
            .because("the path is not absolute"));
    }
    // Noted first: a run that is killed meanwhile leaves no link that nobody knows of.
    workspace.note_mount(path)?;
    FixedLink::new(path, target.to_owned()).make()
}

/// Returns the paths at which the charm's containers mount storage of the unit, each with the
/// folder of the storage. Of several instances of a storage a container has the first: Juju has no
/// more than one in a pod (Juju 3.6).
fn wanted_mounts(
    model: &Model,
    unit: &UnitName,
    workspace: &Workspace,
) -> BTreeMap<PathBuf, PathBuf> {
    let Ok(own) = model.unit(unit) else { return BTreeMap::new() };
    if own.is_gone() {
        return BTreeMap::new();
    }
    let meta = own.meta();
    let mut wanted = BTreeMap::new();
    for mount in meta.containers().flat_map(|container| meta.mounts(container)) {
        let is_mounted = |instance: &&StorageInstance| {
            instance.unit() == Some(unit) && instance.id().name().as_str() == mount.storage
        };
        if let Some(instance) = model.storages().find(is_mounted) {
            let target = workspace.storage_of(instance.id());
            wanted.entry(PathBuf::from(&mount.location)).or_insert(target);
        }
    }
    wanted
}

/// Attaches a detached instance, or a new one of a storage, and returns the lines to print.
///
/// # Errors
/// Says what was attempted and why Juju refuses it.
pub fn attach(model: &mut Model, unit: &UnitName, what: &str) -> Result<String> {
    let id = if what.contains('/') {
        let id = instance_id(model, what)?;
        model.attach_storage(unit, &id).map_err(|error| unknown(model, &error, what))?;
        id
    } else {
        let added = model.add_storage(unit, what, 1);
        let added = added.map_err(|error| undeclared(model, unit, &error, what))?;
        added.into_iter().next().ok_or_else(|| Error::new(format!("cannot add {what}")))?
    };
    Ok(format!("{id} is attached to {unit}{}", on_kubernetes(model, unit)))
}

/// Begins to detach an instance, and returns the lines to print.
///
/// # Errors
/// Says what was attempted and why Juju refuses it.
pub fn detach(model: &mut Model, unit: &UnitName, what: &str) -> Result<String> {
    let id = instance_id(model, what)?;
    model.detach_storage(&id).map_err(|error| unknown(model, &error, what))?;
    let is_detached = model.storage(&id).is_ok_and(|instance| instance.unit().is_none());
    let said = match is_detached {
        true => format!("{id} is detached"),
        false => format!("{id} is detached once its hook has run"),
    };
    Ok(format!("{said}{}", on_kubernetes(model, unit)))
}

/// Returns a remark for a unit on Kubernetes, where an author must not expect these commands.
fn on_kubernetes(model: &Model, unit: &UnitName) -> &'static str {
    if model.unit(unit).is_ok_and(|unit| unit.is_kubernetes()) {
        "; Juju takes this command on machines only, on Kubernetes storage comes and goes with the \
         unit"
    } else {
        ""
    }
}

fn instance_id(model: &Model, text: &str) -> Result<StorageId> {
    let why = Error::new(format!("cannot find storage {text}"));
    text.parse().map_err(|error| why.because(error).advice(known_instances(model)))
}

/// Returns an error about an instance, with the instances that there are.
fn unknown(model: &Model, error: &charmwright_agent::Error, text: &str) -> Error {
    let message = Error::new(error.to_string());
    match model.storages().any(|instance| instance.id().to_string() == text) {
        true => message,
        false => message.advice(known_instances(model)),
    }
}

fn known_instances(model: &Model) -> String {
    let known: Vec<String> = model.storages().map(|instance| instance.id().to_string()).collect();
    match known.is_empty() {
        true => "there is no storage".to_owned(),
        false => format!("there is {}", known.join(", ")),
    }
}

/// Returns an error about a storage of the charm, with the name that was probably meant.
fn undeclared(
    model: &Model,
    unit: &UnitName,
    error: &charmwright_agent::Error,
    name: &str,
) -> Error {
    let message = Error::new(error.to_string());
    let Ok(unit) = model.unit(unit) else { return message };
    let declared: Vec<&str> = unit.meta().storages().keys().map(String::as_str).collect();
    if declared.contains(&name) {
        return message;
    }
    message.advice(match nearest(name, declared.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if declared.is_empty() => "the charm declares no storage".to_owned(),
        None => format!("the charm declares {}", declared.join(", ")),
    })
}
