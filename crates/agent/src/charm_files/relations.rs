//! [`read_endpoints`] reads `provides`, `requires` and `peers`, and [`read_extra_bindings`] reads
//! `extra-bindings`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::Node;
use super::names::{is_endpoint_name, reserved_name_reason};
use crate::endpoint::{EndpointMeta, EndpointRole, EndpointScope};
use crate::error::Error;

const ROLES: [(&str, EndpointRole); 3] = [
    ("provides", EndpointRole::Provider),
    ("requires", EndpointRole::Requirer),
    ("peers", EndpointRole::Peer),
];

/// Reads the endpoints by name.
///
/// # Errors
/// Returns an error if Juju would refuse an endpoint, or if a subordinate charm has no endpoint
/// with `scope: container`.
pub(super) fn read_endpoints(
    charm: &str,
    root: &Node<'_>,
    subordinate: bool,
) -> Result<BTreeMap<String, EndpointMeta>, Error> {
    let mut endpoints = BTreeMap::new();
    let mut reaches_principal = false;
    for (key, role) in ROLES {
        for (name, endpoint) in root.entries_of(key)? {
            let declared = read_endpoint(name, role, &endpoint)?;
            if !is_endpoint_name(name) {
                return Err(endpoint.refuse(
                    "an endpoint's name is lower-case letters and digits in words joined by \
                     hyphens or underscores",
                ));
            }
            let to_principal =
                role == EndpointRole::Requirer && declared.scope() == EndpointScope::Container;
            // The endpoint of a subordinate for its principal may have a reserved name, such as
            // `juju-info`.
            if !(subordinate && to_principal)
                && let Some(why) = reserved_name_reason(charm, name)
            {
                return Err(
                    endpoint.refuse(&format!("cannot use this as an endpoint's name: {why}"))
                );
            }
            // A charm may require an interface of Juju's own, but not provide one.
            if role != EndpointRole::Requirer
                && let Some(why) = reserved_name_reason(charm, declared.interface())
            {
                return Err(endpoint.refuse(&format!(
                    "cannot use the interface {:?}: {why}",
                    declared.interface()
                )));
            }
            if endpoints.insert(name.to_owned(), declared).is_some() {
                return Err(endpoint.refuse("this endpoint's name is used twice"));
            }
            reaches_principal |= to_principal;
        }
    }
    if subordinate && !reaches_principal {
        return Err(root
            .require("subordinate")?
            .refuse("a subordinate charm requires at least one endpoint with `scope: container`"));
    }
    Ok(endpoints)
}

/// Reads one endpoint. A string instead of a map is the interface.
fn read_endpoint(
    name: &str,
    role: EndpointRole,
    endpoint: &Node<'_>,
) -> Result<EndpointMeta, Error> {
    if let Value::String(interface) = endpoint.value() {
        return Ok(EndpointMeta::new(name, role, interface));
    }
    endpoint.map()?;
    let interface = endpoint.require("interface")?.text()?;
    let limit = endpoint.get("limit").filter(|limit| !limit.value().is_null());
    let limit = limit.map_or(Ok(0), |limit| limit.integer())?;
    let optional = endpoint.get("optional").map_or(Ok(false), |optional| optional.boolean())?;
    let scope = match endpoint.get("scope") {
        None => EndpointScope::Global,
        Some(scope) => match scope.text()? {
            "global" => EndpointScope::Global,
            "container" => EndpointScope::Container,
            _ => return Err(scope.refuse("expected global or container")),
        },
    };
    // Juju takes a number below 1 for no limit, and no endpoint has as many relations as a larger
    // number than this.
    let limit = u32::try_from(limit.max(0)).unwrap_or(u32::MAX);
    Ok(EndpointMeta::new(name, role, interface)
        .with_limit(limit)
        .with_optional(optional)
        .with_scope(scope))
}

/// Reads the names under `extra-bindings`. A name has no value, and is not the name of an endpoint.
///
/// # Errors
/// Returns an error if Juju would refuse a binding.
pub(super) fn read_extra_bindings(
    root: &Node<'_>,
    endpoints: &BTreeMap<String, EndpointMeta>,
) -> Result<BTreeSet<String>, Error> {
    let Some(bindings) = root.get("extra-bindings") else {
        return Ok(BTreeSet::new());
    };
    let mut names = BTreeSet::new();
    for (name, binding) in bindings.entries()? {
        if name.is_empty() {
            return Err(bindings.refuse("a binding has no name"));
        }
        if !binding.value().is_null() {
            return Err(binding.refuse("expected nothing after the binding's name"));
        }
        if endpoints.contains_key(name) {
            return Err(
                binding.refuse("an endpoint has this name already, and a binding of its own")
            );
        }
        names.insert(name.to_owned());
    }
    if names.is_empty() {
        return Err(bindings.refuse("it is empty: name a binding, or leave it out"));
    }
    Ok(names)
}
