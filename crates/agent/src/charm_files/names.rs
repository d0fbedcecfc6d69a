//! The rules for the names that a charm's files declare.

/// Words of lower-case letters and digits joined by hyphens: actions and containers.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Words of lower-case letters and digits joined by single hyphens or underscores, the first
/// beginning with a letter.
pub(super) fn is_endpoint_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split(['-', '_']).all(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

/// Tells why Juju keeps a name to itself; a charm whose own name begins with `juju-` may use it.
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
