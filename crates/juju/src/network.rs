//! The network configuration of a binding: addresses, and the subnets that traffic comes from.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

/// A host is an IP address or the name of a host, as Juju writes it: on some clouds, and for a
/// Kubernetes service, Juju knows a name only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Host {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// The name of a host.
    Name(Box<str>),
}

impl Host {
    /// Returns the IP address; `None` if Juju knows a name only.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name(_) => None,
        }
    }

    /// Returns the host as a URL has it, and as an address with a port: an IPv6 address is in
    /// brackets.
    ///
    /// ```
    /// use charmwright_juju::Host;
    ///
    /// let host: Host = "fd00::7".parse()?;
    /// assert_eq!(format!("http://{}:80/", host.in_url()), "http://[fd00::7]:80/");
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    #[must_use]
    pub fn in_url(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            Self::Ip(IpAddr::V4(_)) | Self::Name(_) => self.to_string(),
        }
    }
}

impl FromStr for Host {
    // Whatever is not an IP address is a name.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.into()), Self::Ip))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}

/// A subnet is an IP address and the length of its prefix in bits, such as `10.0.0.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

/// The error for a text that is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {text:?} as a subnet: expected ADDRESS/BITS, such as 10.0.0.0/24")]
pub struct InvalidSubnet {
    text: String,
}

impl Subnet {
    /// Returns the address, which is that of the subnet or of a host in it.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Returns the length of the prefix in bits: at most 32 for IPv4 and 128 for IPv6.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Returns `true` if the address is in the subnet. An IPv4 address is in no IPv6 subnet, and
    /// the reverse.
    ///
    /// ```
    /// use charmwright_juju::Subnet;
    ///
    /// let subnet: Subnet = "10.0.0.0/24".parse()?;
    /// assert!(subnet.contains([10, 0, 0, 7].into()));
    /// assert!(!subnet.contains([10, 0, 1, 7].into()));
    /// # Ok::<(), charmwright_juju::InvalidSubnet>(())
    /// ```
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        // The first `prefix` bits of both are equal if nothing is left after the others are
        // shifted out. A shift by all bits is none that Rust does.
        let is_same = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - u32::from(self.prefix))
                    == Some(0)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - u32::from(self.prefix))
                    == Some(0)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        is_same || self.prefix == 0
    }
}

impl FromStr for Subnet {
    type Err = InvalidSubnet;

    fn from_str(text: &str) -> Result<Self, InvalidSubnet> {
        // The error quotes the text, which may be very long.
        let invalid = || InvalidSubnet { text: text.chars().take(60).collect() };
        let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        // `u8::from_str` would also take a leading `+`.
        if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let prefix = prefix.parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix > longest { Err(invalid()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The network configuration of a binding, which is an endpoint or an extra binding of the charm's
/// metadata.
///
/// Juju leaves out what it does not know, so each part may have nothing in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    interfaces: Vec<NetworkInterface>,
    ingress: Vec<Host>,
    egress: Vec<Subnet>,
}

/// A network interface of the unit with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    name: String,
    mac_address: Option<String>,
    addresses: Vec<InterfaceAddress>,
}

/// An address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddress {
    host: Host,
    subnet: Option<Subnet>,
}

impl Network {
    /// Returns the address that the workload listens on: the first one of the first interface that
    /// has any.
    #[must_use]
    pub fn bind_address(&self) -> Option<&Host> {
        self.interfaces
            .iter()
            .flat_map(NetworkInterface::addresses)
            .map(InterfaceAddress::host)
            .next()
    }

    /// Returns the address for others to connect to. Without any it is the
    /// [`bind_address`](Self::bind_address), as in `network-get --ingress-address` (measured on
    /// Juju 3.6 and 4.0).
    #[must_use]
    pub fn ingress_address(&self) -> Option<&Host> {
        self.ingress.first().or_else(|| self.bind_address())
    }

    /// Returns the addresses for others to connect to, the preferred one first.
    #[must_use]
    pub fn ingress_addresses(&self) -> &[Host] {
        &self.ingress
    }

    /// Returns the subnets that this unit's connections come from. What Juju prints there and is no
    /// subnet is left out.
    #[must_use]
    pub fn egress_subnets(&self) -> &[Subnet] {
        &self.egress
    }

    /// Returns the interfaces of the binding.
    #[must_use]
    pub fn interfaces(&self) -> &[NetworkInterface] {
        &self.interfaces
    }
}

impl NetworkInterface {
    /// Returns the name of the interface, such as `eth0`. It may be empty.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the hardware address of the interface; `None` if Juju does not know it, as on
    /// Kubernetes.
    #[must_use]
    pub fn mac_address(&self) -> Option<&str> {
        self.mac_address.as_deref()
    }

    /// Returns the addresses of the interface.
    #[must_use]
    pub fn addresses(&self) -> &[InterfaceAddress] {
        &self.addresses
    }
}

impl InterfaceAddress {
    /// Returns the address.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the subnet that the address is in; `None` if Juju does not know it.
    #[must_use]
    pub fn subnet(&self) -> Option<Subnet> {
        self.subnet
    }
}

/// The configuration as `network-get` prints it. Each of its parts may be missing or null.
#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "bind-addresses")]
    interfaces: Option<Vec<PrintedInterface>>,
    #[serde(rename = "ingress-addresses")]
    ingress: Option<Vec<String>>,
    #[serde(rename = "egress-subnets")]
    egress: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct PrintedInterface {
    #[serde(rename = "interface-name")]
    name: Option<String>,
    #[serde(rename = "mac-address")]
    mac_address: Option<String>,
    addresses: Option<Vec<PrintedAddress>>,
}

#[derive(Deserialize)]
struct PrintedAddress {
    hostname: Option<String>,
    value: Option<String>,
    cidr: Option<String>,
}

/// Reads the output of `network-get`.
pub(super) fn parse_network(answer: Value) -> Result<Network, String> {
    // The text of serde's error may quote the output.
    let printed = Printed::deserialize(answer)
        .map_err(|_| "printed what is not the network configuration of a binding".to_owned())?;
    Ok(Network {
        interfaces: printed.interfaces.into_iter().flatten().map(interface).collect(),
        ingress: printed.ingress.into_iter().flatten().filter_map(|text| host(&text)).collect(),
        egress: printed.egress.into_iter().flatten().filter_map(|text| text.parse().ok()).collect(),
    })
}

fn interface(printed: PrintedInterface) -> NetworkInterface {
    NetworkInterface {
        name: printed.name.unwrap_or_default(),
        mac_address: printed.mac_address.filter(|address| !address.is_empty()),
        addresses: printed.addresses.into_iter().flatten().filter_map(address).collect(),
    }
}

/// Reads an address; `None` if it has neither a value nor a host's name. Juju prints both as empty
/// texts where it has nothing (Juju 3.6 and 4.0).
fn address(printed: PrintedAddress) -> Option<InterfaceAddress> {
    let value = printed.value.filter(|value| !value.is_empty()).or(printed.hostname)?;
    // A subnet that cannot be read is one that Juju does not know.
    let subnet = printed.cidr.and_then(|cidr| cidr.parse().ok());
    Some(InterfaceAddress { host: host(&value)?, subnet })
}

fn host(text: &str) -> Option<Host> {
    let Ok(host) = text.parse();
    (!text.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;
    use serde_json::json;

    fn network(answer: Value) -> Network {
        parse_network(answer).unwrap()
    }

    #[test]
    fn every_part_may_have_nothing_in_it() {
        for nothing in [
            json!({}),
            json!({"bind-addresses": null, "ingress-addresses": null, "egress-subnets": null}),
            json!({"bind-addresses": [], "ingress-addresses": [""], "egress-subnets": [""]}),
        ] {
            assert_eq!(network(nothing), Network::default());
        }
        for interface in [
            json!({}),
            json!({"interface-name": "eth0", "addresses": null}),
            json!({"addresses": [{"hostname": "", "value": "", "cidr": ""}]}),
            json!({"addresses": [{}], "macaddress": "", "a newer key": [1]}),
        ] {
            let network = network(json!({ "bind-addresses": [interface] }));
            assert_eq!(network.bind_address(), None);
            assert_eq!(network.ingress_address(), None);
            assert_eq!(network.interfaces().len(), 1);
            assert_eq!(network.interfaces()[0].addresses(), []);
        }
    }

    #[test]
    fn what_juju_prints_is_read() {
        let network = network(json!({
            "bind-addresses": [
                {"mac-address": "", "interface-name": "lo", "addresses": null},
                {
                    "mac-address": "fa:16:3e:00:00:01",
                    "interface-name": "eth0",
                    "addresses": [{"hostname": "", "value": "10.1.2.3", "cidr": "10.1.2.0/24"}],
                },
            ],
            "egress-subnets": ["10.1.2.3/32", "web.example.com", "fd00::/8"],
            "ingress-addresses": ["web.example.com", "10.1.2.3"],
        }));
        assert_eq!(network.bind_address(), Some(&Host::Ip([10, 1, 2, 3].into())));
        assert_eq!(network.ingress_address(), Some(&Host::Name("web.example.com".into())));
        assert_eq!(network.ingress_addresses()[1].ip(), Some([10, 1, 2, 3].into()));
        let egress: Vec<String> =
            network.egress_subnets().iter().map(ToString::to_string).collect();
        assert_eq!(egress, ["10.1.2.3/32", "fd00::/8"]);
        let [lo, eth0] = network.interfaces() else { panic!("two interfaces") };
        assert_eq!((lo.name(), lo.mac_address()), ("lo", None));
        assert_eq!((eth0.name(), eth0.mac_address()), ("eth0", Some("fa:16:3e:00:00:01")));
        assert_eq!(eth0.addresses()[0].subnet().unwrap().to_string(), "10.1.2.0/24");
    }

    #[test]
    fn an_address_may_be_a_name_only_and_ingress_falls_back_to_it() {
        let network = network(json!({"bind-addresses": [
            {"addresses": [{"hostname": "web-0.local", "value": "", "cidr": "?"}]},
        ]}));
        let name = Host::Name("web-0.local".into());
        assert_eq!(network.bind_address(), Some(&name));
        assert_eq!(network.ingress_address(), Some(&name));
        assert_eq!(network.interfaces()[0].addresses()[0].subnet(), None);
    }

    #[test]
    fn what_is_no_network_is_an_error_that_quotes_nothing() {
        for wrong in [
            json!(null),
            json!("hunter2"),
            json!(["hunter2"]),
            json!({"bind-addresses": "hunter2"}),
            json!({"ingress-addresses": [7]}),
            json!({"egress-subnets": [["hunter2"]]}),
        ] {
            let cause = parse_network(wrong).unwrap_err();
            assert!(cause.starts_with("printed ") && !cause.contains("hunter2"), "{cause}");
        }
    }

    #[test]
    fn a_subnet_is_an_address_and_a_prefix() {
        for text in ["10.0.0.0/33", "10.0.0.0", "x/8", "10.0.0.0/+8", "::/129", "::/", "/8", ""] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
        for (subnet, address, is_in) in [
            ("0.0.0.0/0", "9.9.9.9", true),
            ("::/0", "fd00::1", true),
            ("10.1.0.0/16", "10.1.255.255", true),
            ("10.1.0.0/16", "10.2.0.0", false),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.2", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe00::1", false),
            ("0.0.0.0/0", "::1", false),
        ] {
            let parsed: Subnet = subnet.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), is_in, "{subnet} {address}");
            assert_eq!(parsed.to_string(), subnet);
        }
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>, text in "[0-9a-f.:/]{0,20}") {
            let _ = parse_json(&output).and_then(parse_network);
            let _ = text.parse::<Subnet>();
        }
    }
}
