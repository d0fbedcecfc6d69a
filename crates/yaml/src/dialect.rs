//! The two dialects that are read.

/// The prefix of the tag of every type of YAML's own; `!!` is short for it.
pub(super) const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// The reader that a text is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Juju's fork of yaml.v2.
    Juju,
    /// yaml.v3, which Pebble reads its layers with.
    Pebble,
}
