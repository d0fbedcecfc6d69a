#![doc = include_str!("../docs/network.md")]

use std::sync::Arc;

use crate::juju::{self, EndpointName, ErrorKind};
pub use crate::juju::{Host, InterfaceAddress, Network, NetworkInterface, Subnet};
use crate::relation::{Endpoint, Relation};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

impl Unit {
    /// Returns the network configuration of an endpoint: the address that the workload listens on
    /// for it, the addresses for others to connect to, and the subnets that connections come from.
    ///
    /// Juju leaves out what it does not know, so each of them may have nothing in it. An address
    /// may be a host's name.
    ///
    /// ```
    /// use charmwright::{Declaration, Endpoint, Hook, OrStop as _, Result};
    ///
    /// # use charmwright::{NoLimit, Provides};
    /// # #[derive(Clone, Copy)]
    /// # struct Website;
    /// # impl Endpoint for Website {
    /// #     const NAME: &'static str = "website";
    /// #     const INTERFACE: &'static str = "http";
    /// #     type Role = Provides;
    /// #     type Limit = NoLimit;
    /// # }
    /// fn url<D: Declaration>(hook: &Hook<D>) -> Result<String> {
    ///     let network = hook.network(Website)?;
    ///     let host = network.ingress_address().or_wait("website: no address yet")?;
    ///     Ok(format!("http://{}/", host.in_url()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - *Not ready* (Waiting) if Juju has no configuration for the endpoint yet. It sends
    ///   `config-changed` when the unit's network changes (Juju 3.6 and 4.0).
    /// - An error if the hook tool fails.
    pub fn network<E: Endpoint>(&self, endpoint: E) -> Result<Arc<Network>> {
        self.network_named(&endpoint.name())
    }

    /// Returns the network configuration of a binding by its name, which is an endpoint or an extra
    /// binding of the charm's metadata.
    ///
    /// # Errors
    ///
    /// Fails as [`network`](Self::network) does. A binding that the charm does not declare is not
    /// ready too, since Juju 3.6 has one answer for both.
    pub fn network_named(&self, binding: &EndpointName) -> Result<Arc<Network>> {
        known(binding, self.context.tools.network(binding))
    }
}

impl<E> Relation<E> {
    /// Returns the network configuration of this unit in the relation. It differs from
    /// [`Unit::network`](crate::Unit::network) if the relation crosses models: then the addresses
    /// are those that the other model can reach.
    ///
    /// # Errors
    ///
    /// Fails as [`Unit::network`](crate::Unit::network) does, also if the relation is gone.
    pub fn network(&self) -> Result<Arc<Network>> {
        let tools = &self.core().context.tools;
        let endpoint = self.endpoint_name();
        known(endpoint, tools.relation_network(endpoint, self.id()))
    }
}

fn known(binding: &EndpointName, read: Result<Arc<Network>, juju::Error>) -> Result<Arc<Network>> {
    match read {
        Ok(network) => Ok(network),
        Err(error) if error.kind() == &ErrorKind::NotFound => {
            Err(Stop::waiting(format!("{binding}: Juju has no network configuration for it yet")))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::played_juju::{Answer, run};
    use crate::{NoLimit, Provides};

    #[derive(Clone, Copy)]
    struct Website;

    impl Endpoint for Website {
        const NAME: &'static str = "website";
        const INTERFACE: &'static str = "http";
        type Role = Provides;
        type Limit = NoLimit;
    }

    fn networks(tool: &str, args: &str) -> Answer {
        match (tool, args) {
            ("relation-ids", _) => Ok(r#"["website:3"]"#.to_owned()),
            ("relation-list", _) => Ok("\"proxy\"".to_owned()),
            ("network-get", "--format=json website") => {
                Ok(r#"{"ingress-addresses":["10.0.0.1"]}"#.to_owned())
            }
            ("network-get", "--format=json -r 3 website") => {
                Ok(r#"{"ingress-addresses":["web.example.com"]}"#.to_owned())
            }
            ("network-get", "--format=json nothing") => Ok("{}".to_owned()),
            _ => Err("no network config found for binding \"admin\"".to_owned()),
        }
    }

    #[test]
    fn a_network_is_that_of_an_endpoint_or_of_a_relation() {
        let ran = run("config-changed", &[], networks, |hook| {
            let own = hook.network(Website)?;
            assert_eq!(own.ingress_address(), Some(&Host::Ip([10, 0, 0, 1].into())));
            let relation = hook.related(Website)?.pop().unwrap();
            let name = Host::Name("web.example.com".into());
            assert_eq!(relation.network()?.ingress_address(), Some(&name));
            let nothing = hook.view().network_named(&"nothing".parse().unwrap())?;
            assert_eq!((nothing.bind_address(), nothing.ingress_address()), (None, None));
            assert!(nothing.egress_subnets().is_empty());
            Ok(())
        });
        assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
    }

    #[test]
    fn a_binding_without_a_network_is_not_ready() {
        let ran = run("install", &[], networks, |hook| {
            hook.network_named(&"admin".parse().unwrap())?;
            panic!("it goes on without a network")
        });
        assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
        assert_eq!(ran.status(), "waiting: admin: Juju has no network configuration for it yet");
    }

    #[test]
    fn a_tool_that_fails_is_an_error() {
        let away = |_: &str, _: &str| Err("connection is shut down".to_owned());
        let ran = run("install", &[], away, |hook| hook.network(Website).map(drop));
        assert_eq!(ran.report.exit_code(), 1);
        assert!(ran.failure().contains("\"website\""), "{}", ran.failure());
    }
}
