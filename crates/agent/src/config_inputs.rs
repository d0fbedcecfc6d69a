//! [`ConfigInputs`] is the data whose change makes config-changed due.

use serde_json::{Map, Value};

/// The config, the trust and the address of a unit. config-changed is due while they differ from
/// those that its last success saw (reference `juju-agent.md` section 6).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfigInputs {
    pub(super) options: Map<String, Value>,
    pub(super) is_trusted: bool,
    pub(super) address: String,
}
