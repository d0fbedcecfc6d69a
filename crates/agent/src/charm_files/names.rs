//! The rules for the names of actions, containers and endpoints in a charm's files.

/// Returns `true` for lower-case letters, digits and hyphens with no hyphen at an end: the name of
/// an action or of a container.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Returns `true` for the name of an endpoint: words of lower-case letters and digits that are
/// joined by single hyphens or underscores and begin with a letter.
pub(super) fn is_endpoint_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split(['-', '_']).all(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

/// Returns the reason for which a charm may not use a name, or `None` if it may. A charm whose own
/// name begins with `juju-` may use the reserved names.
pub(super) fn reserved_name_reason(charm: &str, name: &str) -> Option<&'static str> {
    if charm.starts_with("juju-") {
        None
    } else if name == "juju" {
        Some("\"juju\" is a reserved name")
    } else if name.starts_with("juju-") {
        Some("the \"juju-\" prefix is reserved")
    } else {
        None
    }
}
