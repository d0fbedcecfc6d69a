//! [`read_metadata`] reads `metadata.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use super::assumes::check_assumes;
use super::containers::read_containers;
use super::document::Node;
use super::relations::{read_endpoints, read_extra_bindings};
use super::resources::{check_payloads, read_resources};
use super::sources::Declaration;
use super::storage::{check_devices, read_storages};
use super::terms::check_terms;
use crate::endpoint::EndpointMeta;
use crate::error::Error;
use crate::names::is_application;
use crate::storage_meta::{MountMeta, ResourceMeta, StorageMeta};
use charmwright_juju::JujuVersion;

/// The part of the metadata that the agent needs.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    /// The mounts of each container.
    pub(crate) containers: BTreeMap<String, Vec<MountMeta>>,
    pub(crate) is_subordinate: bool,
    pub(crate) endpoints: BTreeMap<String, EndpointMeta>,
    pub(crate) extra_bindings: BTreeSet<String>,
    pub(crate) storages: BTreeMap<String, StorageMeta>,
    pub(crate) resources: BTreeMap<String, ResourceMeta>,
}

/// The keys that only the old form of the file has, in which a charm has no containers.
const V1_KEYS: [&str; 3] = ["deployment", "min-juju-version", "series"];
/// The keys that only the new form of the file has. Juju refuses a file with keys of both.
const V2_KEYS: [&str; 3] = ["assumes", "charm-user", "containers"];

/// Reads the metadata of a charm, and checks every key that Juju checks.
///
/// # Errors
/// [`ErrorKind::Metadata`](crate::ErrorKind::Metadata) if Juju would refuse the file. The text
/// names the key and the rule.
pub(crate) fn read_metadata(declared: &Declaration) -> Result<Metadata, Error> {
    let file = declared.file;
    let document = declared.document.as_ref().ok_or_else(|| file.refuse("it is empty"))?;
    let root = file.root(document)?;
    let keys_of = |form: &[&'static str]| {
        let keys: Vec<&str> = form.iter().copied().filter(|key| root.get(key).is_some()).collect();
        keys.join(", ")
    };
    let (first, second) = (keys_of(&V1_KEYS), keys_of(&V2_KEYS));
    if !first.is_empty() && !second.is_empty() {
        return Err(
            file.refuse(&format!("ambiguous metadata: {first} cannot be used with {second}"))
        );
    }
    let name = root.require("name")?;
    if !is_application(name.text()?) {
        return Err(name.refuse(&format!(
            "{:?} is not a charm name (lower-case words joined by hyphens, a letter in each)",
            name.text()?
        )));
    }
    let name = name.text()?;
    root.require("summary")?.text()?;
    root.require("description")?.text()?;
    let subordinate =
        root.get("subordinate").map_or(Ok(false), |subordinate| subordinate.boolean())?;
    for key in ["categories", "tags"] {
        if let Some(list) = root.get(key) {
            list.texts()?;
        }
    }
    for key in ["revision", "format"] {
        if let Some(number) = root.get(key) {
            number.integer()?;
        }
    }
    let resources = read_resources(&root)?;
    let storages = read_storages(&root)?;
    let endpoints = read_endpoints(name, &root, subordinate)?;
    let extra_bindings = read_extra_bindings(&root, &endpoints)?;
    let containers = read_containers(&root, &resources, &storages)?;
    check_devices(&root)?;
    check_payloads(&root)?;
    check_terms(&root)?;
    check_assumes(&root)?;
    check_charm_user(&root)?;
    check_series(&root)?;
    check_min_juju_version(&root)?;
    Ok(Metadata {
        name: name.to_owned(),
        containers,
        is_subordinate: subordinate,
        endpoints,
        extra_bindings,
        storages,
        resources,
    })
}

fn check_charm_user(root: &Node<'_>) -> Result<(), Error> {
    match root.get("charm-user") {
        Some(user) if !matches!(user.text()?, "root" | "sudoer" | "non-root") => {
            Err(user.refuse("expected root, sudoer or non-root"))
        }
        _ => Ok(()),
    }
}

fn check_series(root: &Node<'_>) -> Result<(), Error> {
    let series = root.get("series").map(|series| series.items()).transpose()?.unwrap_or_default();
    for name in &series {
        let text = name.text()?;
        let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
        let known =
            letters > 0 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !known {
            return Err(name.refuse("a series is lower-case letters and digits, from a letter on"));
        }
    }
    if let Some(deployment) = root.get("deployment") {
        deployment.map()?;
        if series.first().map(Node::text).transpose()? != Some("kubernetes") {
            return Err(deployment.refuse("only a charm whose first series is kubernetes has one"));
        }
    }
    Ok(())
}

/// Checks `min-juju-version`, such as `2.9.0`, `3.0-beta1` or `3.0.1.2`.
fn check_min_juju_version(root: &Node<'_>) -> Result<(), Error> {
    let Some(version) = root.get("min-juju-version") else {
        return Ok(());
    };
    let text = version.text()?;
    // `JujuVersion` accepts a version without its third number, such as `3.6`, but Juju does not
    // here.
    let known = text.parse::<JujuVersion>().is_ok() && text.split(['.', '-']).count() > 2;
    if known { Ok(()) } else { Err(version.refuse("expected a whole version such as 3.6.0")) }
}
