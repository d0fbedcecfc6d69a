//! [`RelationRules`] are the rules of Juju's controller for relations that differ by its version.

/// The rules of a version of Juju.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RelationRules {
    /// The version of a databag is the number of its changes. The others see a dying unit as gone
    /// at once (source: Juju 3.6, `state/cleanup.go`).
    #[default]
    Juju3,
    /// The version of a databag follows from its content: a value that was changed and changed back
    /// before anyone looked is no change. A charm cannot write the addresses that Juju itself
    /// writes, and a databag has at most 16 MiB. The others see a dying unit until it has left the
    /// scope, which it does by itself (source: Juju 4.0, `domain/unitstate` and `domain/removal`).
    Juju4,
}
