//! The two dialects of YAML that this crate reads.

/// The prefix of YAML's own tags, for which a document writes `!!`.
pub(super) const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// A dialect of YAML, named for the program that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The dialect of Juju's fork of yaml.v2.
    Juju,
    /// The dialect of yaml.v3, with which Pebble reads its layers.
    Pebble,
}
