//! What the two readers have in common, and that there are two.

/// What the tag of every type of YAML's own begins with; `!!` is short for it.
pub(super) const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Whose YAML it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Juju's fork of yaml.v2.
    Juju,
    /// yaml.v3, which Pebble reads its layers with.
    Pebble,
}
