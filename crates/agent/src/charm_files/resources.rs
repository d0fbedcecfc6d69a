//! [`read_resources`] reads the resources of a charm, and [`check_payloads`] checks its payloads.

use std::collections::BTreeMap;

use super::document::Node;
use super::names::is_plain_name;
use crate::error::Error;
use crate::storage_meta::{ResourceKind, ResourceMeta};

/// Reads the resources by name. A resource without a type is a file.
///
/// # Errors
/// Returns an error if Juju would refuse a resource.
pub(super) fn read_resources(root: &Node<'_>) -> Result<BTreeMap<String, ResourceMeta>, Error> {
    let resources = root.entries_of("resources")?.into_iter();
    resources
        .map(|(name, resource)| {
            if name.is_empty() {
                return Err(resource.refuse("a resource has no name"));
            }
            resource.map()?;
            if let Some(description) = resource.get("description") {
                description.text()?;
            }
            let kind = match resource.get("type") {
                None => ResourceKind::File,
                Some(kind) => match kind.text()? {
                    "file" => ResourceKind::File,
                    "oci-image" => ResourceKind::OciImage,
                    _ => return Err(kind.refuse("expected file or oci-image")),
                },
            };
            let filename = resource.get("filename").map(|name| name.text()).transpose()?;
            match filename.unwrap_or_default() {
                "" if kind == ResourceKind::File => {
                    Err(resource.refuse("a resource of type file has a filename"))
                }
                filename if kind == ResourceKind::File && filename.contains('/') => {
                    Err(resource.require("filename")?.refuse("a filename has no slash"))
                }
                filename => Ok((name.to_owned(), ResourceMeta::new(kind, filename))),
            }
        })
        .collect()
}

/// Checks the payloads, which only Juju 3 and older read.
///
/// # Errors
/// Returns an error if Juju 3 would refuse a payload.
pub(super) fn check_payloads(root: &Node<'_>) -> Result<(), Error> {
    for (name, payload) in root.entries_of("payloads")? {
        if !is_plain_name(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(
                payload.refuse("a payload's name is lower-case letters, digits and hyphens")
            );
        }
        payload.map()?;
        let kind = payload.require("type")?;
        if kind.text()?.is_empty() {
            return Err(kind.refuse("expected a type such as docker"));
        }
    }
    Ok(())
}
