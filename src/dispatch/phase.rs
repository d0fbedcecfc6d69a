//! Whether a container's Pebble is still expected to come up.

use serde::{Deserialize, Serialize};

/// How the library takes a Pebble that does not answer.
///
/// A container is in *setup* from the unit's first hook, from `install` or `upgrade-charm`, or from
/// a `start` that is not the unit's first (a new pod, a reboot), until its pebble-ready
/// **arrives**, whatever that hook's outcome. There Pebble being away is nothing out of the
/// ordinary: the calls give up after seconds and the event is stored. In *operation* it is a fault:
/// the calls are retried for minutes, and then the hook fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Pebble has not announced itself yet.
    Setup,
    /// Pebble has announced itself.
    Operation,
}
