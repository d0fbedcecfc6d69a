//! [`read_containers`] reads the workload containers of a charm.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Node;
use super::names::is_plain_name;
use super::resources::ResourceKind;
use crate::error::Error;

/// The most characters of a container's name in a pod, a limit of Kubernetes.
const NAME_LIMIT: usize = 63;

/// Reads the names of the containers, and checks their resources, mounts and user ids.
///
/// # Errors
/// Returns an error if Juju would refuse a container.
pub(super) fn read_containers(
    root: &Node<'_>,
    resources: &BTreeMap<String, ResourceKind>,
    storages: &BTreeSet<String>,
) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    for (name, container) in root.entries_of("containers")? {
        if !is_plain_name(name) || name.len() > NAME_LIMIT {
            return Err(container.refuse(
                "a container's name is at most 63 lower-case letters, digits and hyphens",
            ));
        }
        container.map()?;
        if let Some(resource) = container.get("resource") {
            match resource.text()? {
                // Juju takes an empty name for no resource.
                "" => {}
                name => {
                    match resources.get(name) {
                        None => {
                            return Err(resource
                                .refuse(&format!("the charm declares no resource {name:?}")));
                        }
                        Some(ResourceKind::File) => {
                            return Err(resource
                                .refuse(&format!("the resource {name:?} is not an oci-image")));
                        }
                        Some(ResourceKind::OciImage) => {}
                    }
                }
            }
        }
        if let Some(mounts) = container.get("mounts") {
            for mount in mounts.items()? {
                check_mount(&mount, storages)?;
            }
        }
        for key in ["uid", "gid"] {
            if let Some(id) = container.get(key)
                && (1_000..10_000).contains(&id.integer()?)
            {
                return Err(id.refuse(&format!(
                    "Juju keeps 1000 to 9999 to itself: a {key} is below or above"
                )));
            }
        }
        names.insert(name.to_owned());
    }
    Ok(names)
}

fn check_mount(mount: &Node<'_>, storages: &BTreeSet<String>) -> Result<(), Error> {
    mount.map()?;
    for key in ["storage", "location"] {
        if mount.require(key)?.text()?.is_empty() {
            return Err(mount.require(key)?.refuse("missing"));
        }
    }
    let storage = mount.require("storage")?;
    let name = storage.text()?;
    if !storages.contains(name) {
        return Err(storage.refuse(&format!("the charm declares no storage {name:?}")));
    }
    Ok(())
}
