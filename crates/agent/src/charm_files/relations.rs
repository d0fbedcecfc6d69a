//! [`read_endpoints`] reads `provides`, `requires` and `peers`, and [`read_extra_bindings`] reads
//! `extra-bindings`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::Node;
use super::names::{is_endpoint_name, reserved_name_reason};
use crate::error::Error;

const ROLES: [&str; 3] = ["provides", "requires", "peers"];

/// Reads the names of the endpoints.
///
/// # Errors
/// Returns an error if Juju would refuse an endpoint, or if a subordinate charm has no endpoint
/// with `scope: container`.
pub(super) fn read_endpoints(
    charm: &str,
    root: &Node<'_>,
    subordinate: bool,
) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    let mut reaches_principal = false;
    for role in ROLES {
        for (name, endpoint) in root.entries_of(role)? {
            let (interface, container_scope) = read_endpoint(&endpoint)?;
            if !is_endpoint_name(name) {
                return Err(endpoint.refuse(
                    "an endpoint's name is lower-case letters and digits in words joined by \
                     hyphens or underscores",
                ));
            }
            let to_principal = role == "requires" && container_scope;
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
            if role != "requires"
                && let Some(why) = reserved_name_reason(charm, interface)
            {
                return Err(
                    endpoint.refuse(&format!("cannot use the interface {interface:?}: {why}"))
                );
            }
            if !names.insert(name.to_owned()) {
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
    Ok(names)
}

/// Reads the interface of an endpoint, and whether its scope is `container`. A string instead of a
/// map is the interface.
fn read_endpoint<'a>(endpoint: &Node<'a>) -> Result<(&'a str, bool), Error> {
    if let Value::String(interface) = endpoint.value() {
        return Ok((interface, false));
    }
    endpoint.map()?;
    let interface = endpoint.require("interface")?.text()?;
    if let Some(limit) = endpoint.get("limit").filter(|limit| !limit.value().is_null()) {
        limit.integer()?;
    }
    if let Some(optional) = endpoint.get("optional") {
        optional.boolean()?;
    }
    let scope = match endpoint.get("scope") {
        None => false,
        Some(scope) => match scope.text()? {
            "global" => false,
            "container" => true,
            _ => return Err(scope.refuse("expected global or container")),
        },
    };
    Ok((interface, scope))
}

/// Reads the names under `extra-bindings`. A name has no value, and is not the name of an endpoint.
///
/// # Errors
/// Returns an error if Juju would refuse a binding.
pub(super) fn read_extra_bindings(
    root: &Node<'_>,
    endpoints: &BTreeSet<String>,
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
        if endpoints.contains(name) {
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
