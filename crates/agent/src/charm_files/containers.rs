//! [`read_containers`] reads the workload containers of a charm.

use std::collections::BTreeMap;

use super::document::Node;
use super::names::is_plain_name;
use crate::error::Error;
use crate::storage_meta::{MountMeta, ResourceKind, ResourceMeta, StorageMeta};

/// The most characters of a container's name in a pod, a limit of Kubernetes.
const NAME_LIMIT: usize = 63;

/// Reads the containers by name, each with its mounts, and checks their resources and user ids.
///
/// # Errors
/// Returns an error if Juju would refuse a container.
pub(super) fn read_containers(
    root: &Node<'_>,
    resources: &BTreeMap<String, ResourceMeta>,
    storages: &BTreeMap<String, StorageMeta>,
) -> Result<BTreeMap<String, Vec<MountMeta>>, Error> {
    let mut containers = BTreeMap::new();
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
                    match resources.get(name).map(|resource| resource.kind) {
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
        let mut mounts = Vec::new();
        if let Some(nodes) = container.get("mounts") {
            for node in nodes.items()? {
                mounts.push(read_mount(&node, storages)?);
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
        containers.insert(name.to_owned(), mounts);
    }
    Ok(containers)
}

fn read_mount(
    mount: &Node<'_>,
    storages: &BTreeMap<String, StorageMeta>,
) -> Result<MountMeta, Error> {
    mount.map()?;
    for key in ["storage", "location"] {
        if mount.require(key)?.text()?.is_empty() {
            return Err(mount.require(key)?.refuse("missing"));
        }
    }
    let storage = mount.require("storage")?;
    let name = storage.text()?;
    if !storages.contains_key(name) {
        return Err(storage.refuse(&format!("the charm declares no storage {name:?}")));
    }
    Ok(MountMeta::new(name, mount.require("location")?.text()?))
}
