//! The calls that read the network configuration of a binding.

use std::sync::Arc;

use serde_json::Value;

use super::relation::shared;
use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::names::{EndpointName, RelationId};
use crate::network::{Network, parse_network};
use crate::tool_runner::ToolCall;

const TOOL: &str = "network-get";

/// One of the two addresses of a unit that `unit-get` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnitAddress {
    /// The address within the model.
    Private,
    /// The address for clients outside the model.
    Public,
}

impl UnitAddress {
    fn setting(self) -> &'static str {
        match self {
            Self::Private => "private-address",
            Self::Public => "public-address",
        }
    }
}

impl HookTools {
    /// Returns the network configuration of a binding: of an endpoint of the charm, which relations
    /// need not have yet, or of an extra binding.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if Juju has no configuration for the
    ///   binding. It is so for a binding that the charm does not declare, and for one that has no
    ///   address yet (measured on Juju 3.6 and 4.0).
    /// - The tool failed, or its output is not a network configuration.
    pub fn network(&self, binding: &EndpointName) -> Result<Arc<Network>, Error> {
        self.networks.get_or_try_init(&(binding.clone(), None), || {
            let attempt = format!("read the network configuration of the binding \"{binding}\"");
            let call = ToolCall::new(TOOL).arg("--format=json").arg(binding.as_str());
            self.query_network(attempt, call)
        })
    }

    /// Returns the network configuration of an endpoint for one of its relations. It differs from
    /// that of the endpoint if the relation crosses models: then the addresses are those that the
    /// other model can reach.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// Fails as [`network`](Self::network) does, and with
    /// [`ErrorKind::Gone`](crate::ErrorKind::Gone) if the relation does not exist.
    pub fn relation_network(
        &self,
        endpoint: &EndpointName,
        relation: &RelationId,
    ) -> Result<Arc<Network>, Error> {
        self.networks.get_or_try_init(&(endpoint.clone(), Some(relation.number())), || {
            let attempt = format!(
                "read the network configuration of the endpoint \"{endpoint}\" for the relation \
                 {relation}"
            );
            let call = ToolCall::new(TOOL)
                .arg("--format=json")
                .arg("-r")
                .arg(relation.number().to_string())
                .arg(endpoint.as_str());
            self.query_network(attempt, call).map_err(shared)
        })
    }

    /// Returns an address of the unit, as the older tool `unit-get` prints it: an IP address, or
    /// the name of a host. [`network`](Self::network) says more, and Juju deprecates the tool for
    /// it.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because the unit has no address yet, or it printed none.
    pub fn unit_address(&self, which: UnitAddress) -> Result<String, Error> {
        let setting = which.setting();
        let attempt = format!("read the {setting} of the unit");
        let call = ToolCall::new("unit-get").arg("--format=json").arg(setting);
        match self.query_json(attempt.clone(), call)? {
            Value::String(address) if !address.is_empty() => Ok(address),
            _ => Err(Error::output(attempt, "unit-get", "printed what is no address")),
        }
    }

    fn query_network(&self, attempt: String, call: ToolCall<'_>) -> Result<Arc<Network>, Error> {
        let answer = self.query_json(attempt.clone(), call)?;
        parse_network(answer).map(Arc::new).map_err(|cause| Error::output(attempt, TOOL, &cause))
    }
}
