//! [`Network`] is the network configuration of an endpoint, which `network-get` prints.

/// The network configuration of an endpoint of an application: the addresses on which its units
/// listen, those to which others connect, and the subnets from which the units connect.
///
/// Each list may be empty, as it is in Juju for a unit whose network is not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Network {
    pub(super) interfaces: Vec<Interface>,
    pub(super) ingress: Vec<String>,
    pub(super) egress: Vec<String>,
}

/// A network interface of the unit's machine or pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) mac: String,
    pub(super) addresses: Vec<BindAddress>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BindAddress {
    pub(super) hostname: String,
    pub(super) value: String,
    pub(super) cidr: String,
}

impl Network {
    /// Makes a network configuration in which every list is empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the network configuration of a unit that has one address.
    pub(super) fn of_address(address: &str) -> Self {
        let bits = if address.contains(':') { 128 } else { 32 };
        let subnet = format!("{address}/{bits}");
        Self::new().interface("lo", "").address(address, &subnet).ingress(address).egress(subnet)
    }

    /// Adds an interface, such as `eth0`, without addresses. The hardware address may be empty.
    pub fn interface(mut self, name: impl Into<String>, mac: impl Into<String>) -> Self {
        let interface = Interface { name: name.into(), mac: mac.into(), addresses: Vec::new() };
        self.interfaces.push(interface);
        self
    }

    /// Adds an address, and the subnet that it is in, to the interface that was added last. Without
    /// an interface it adds none.
    pub fn address(mut self, value: impl Into<String>, cidr: impl Into<String>) -> Self {
        if let Some(interface) = self.interfaces.last_mut() {
            interface.addresses.push(BindAddress {
                hostname: String::new(),
                value: value.into(),
                cidr: cidr.into(),
            });
        }
        self
    }

    /// Adds an address to which others connect.
    pub fn ingress(mut self, address: impl Into<String>) -> Self {
        self.ingress.push(address.into());
        self
    }

    /// Adds a subnet from which the units connect, such as `10.0.0.7/32`.
    pub fn egress(mut self, subnet: impl Into<String>) -> Self {
        self.egress.push(subnet.into());
        self
    }

    /// Returns the first address on which the unit listens.
    pub(super) fn bind_address(&self) -> Option<&str> {
        let mut addresses = self.interfaces.iter().flat_map(|interface| &interface.addresses);
        addresses.next().map(|address| address.value.as_str())
    }

    /// Returns the first address to which others connect: without one, that on which the unit
    /// listens.
    pub(super) fn ingress_address(&self) -> Option<&str> {
        self.ingress.first().map(String::as_str).or(self.bind_address())
    }
}
