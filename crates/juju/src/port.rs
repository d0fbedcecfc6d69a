//! A port that a unit opens to the outside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::EndpointName;

/// The protocol of an open port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, which has no port numbers.
    Icmp,
}

impl Protocol {
    /// Returns the word that Juju uses for the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }
}

/// A port, a range of ports, or ICMP, written as Juju writes them: `80/tcp`, `8000-8010/udp`,
/// `icmp`.
///
/// ```
/// use charmwright_juju::Port;
///
/// assert_eq!("80".parse::<Port>()?, Port::tcp(80));
/// assert_eq!("8000-8010/UDP".parse::<Port>()?.to_string(), "8000-8010/udp");
/// assert!("8010-8000/tcp".parse::<Port>().is_err());
/// # Ok::<(), charmwright_juju::InvalidPort>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Port {
    protocol: Protocol,
    first: u16,
    last: u16,
}

/// The error for a text, or for the bounds of a range, that is not a valid port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot use {text:?} as a port: expected PORT, PORT/PROTOCOL, FIRST-LAST/PROTOCOL or icmp, \
     ports from 0 to 65535"
)]
pub struct InvalidPort {
    text: String,
}

impl Port {
    /// Makes one TCP port.
    #[must_use]
    pub const fn tcp(port: u16) -> Self {
        Self { protocol: Protocol::Tcp, first: port, last: port }
    }

    /// Makes one UDP port.
    #[must_use]
    pub const fn udp(port: u16) -> Self {
        Self { protocol: Protocol::Udp, first: port, last: port }
    }

    /// Makes the value for ICMP, which has no port numbers.
    #[must_use]
    pub const fn icmp() -> Self {
        // The numbers are always 0, so that two values for ICMP are equal.
        Self { protocol: Protocol::Icmp, first: 0, last: 0 }
    }

    /// Makes the range from `first` to `last`, both included. For ICMP the bounds are ignored.
    ///
    /// Juju opens no range on Kubernetes, only single ports.
    ///
    /// # Errors
    ///
    /// `first` is greater than `last`.
    pub fn range(first: u16, last: u16, protocol: Protocol) -> Result<Self, InvalidPort> {
        match protocol {
            Protocol::Icmp => Ok(Self::icmp()),
            Protocol::Tcp | Protocol::Udp if first <= last => Ok(Self { protocol, first, last }),
            Protocol::Tcp | Protocol::Udp => {
                Err(InvalidPort { text: format!("{first}-{last}/{}", protocol.as_str()) })
            }
        }
    }

    /// Returns the protocol.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        self.protocol
    }

    /// Returns the first and the last port, both included. They are equal for a single port. ICMP
    /// has none.
    #[must_use]
    pub fn bounds(self) -> Option<(u16, u16)> {
        match self.protocol {
            Protocol::Icmp => None,
            Protocol::Tcp | Protocol::Udp => Some((self.first, self.last)),
        }
    }

    /// Returns `true` if both have a port in common. Juju opens no two ranges of one machine that
    /// overlap, unless they are equal and of one unit.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.protocol == other.protocol && self.first <= other.last && other.first <= self.last
    }

    /// Returns the opening of this port for one endpoint only.
    #[must_use]
    pub fn on(self, endpoint: EndpointName) -> OpenPort {
        OpenPort { port: self, endpoint: Some(endpoint) }
    }
}

/// An open port is a port, and the endpoint that it is open for. Without an endpoint it is open for
/// all.
///
/// On which networks a port can be reached follows from it: the operator binds endpoints to them,
/// and `juju expose` takes endpoints.
///
/// ```
/// use charmwright_juju::{EndpointName, OpenPort, Port};
///
/// const ADMIN: EndpointName = EndpointName::from_static("admin");
/// assert_eq!(OpenPort::from(Port::tcp(80)).to_string(), "80/tcp");
/// assert_eq!(Port::tcp(8080).on(ADMIN).to_string(), "8080/tcp (admin)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenPort {
    port: Port,
    endpoint: Option<EndpointName>,
}

impl OpenPort {
    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> Port {
        self.port
    }

    /// Returns the endpoint that the port is open for; `None` stands for all.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointName> {
        self.endpoint.as_ref()
    }
}

impl From<Port> for OpenPort {
    fn from(port: Port) -> Self {
        Self { port, endpoint: None }
    }
}

impl fmt::Display for OpenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            None => self.port.fmt(f),
            Some(endpoint) => write!(f, "{} ({endpoint})", self.port),
        }
    }
}

impl FromStr for Port {
    type Err = InvalidPort;

    /// Parses what Juju's own tools accept: the protocol in any case, and TCP if there is none.
    fn from_str(text: &str) -> Result<Self, InvalidPort> {
        // The error quotes the text, which may be very long.
        let invalid = || InvalidPort { text: text.chars().take(60).collect() };
        if text.eq_ignore_ascii_case("icmp") {
            return Ok(Self::icmp());
        }
        let (ports, protocol) = match text.split_once('/') {
            None => (text, Protocol::Tcp),
            Some((ports, protocol)) if protocol.eq_ignore_ascii_case("tcp") => {
                (ports, Protocol::Tcp)
            }
            Some((ports, protocol)) if protocol.eq_ignore_ascii_case("udp") => {
                (ports, Protocol::Udp)
            }
            Some(_) => return Err(invalid()),
        };
        let number = |text: &str| {
            // `u16::from_str` would also take a leading `+`.
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u16>().ok() } else { None }.ok_or_else(invalid)
        };
        let (first, last) = match ports.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(ports)?, number(ports)?),
        };
        Self::range(first, last, protocol).map_err(|_| invalid())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.protocol.as_str();
        match self.bounds() {
            None => f.write_str(protocol),
            Some((first, last)) if first == last => write!(f, "{first}/{protocol}"),
            Some((first, last)) => write!(f, "{first}-{last}/{protocol}"),
        }
    }
}

impl TryFrom<String> for Port {
    type Error = InvalidPort;

    fn try_from(text: String) -> Result<Self, InvalidPort> {
        text.parse()
    }
}

impl From<Port> for String {
    fn from(port: Port) -> Self {
        port.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ports_are_read_as_juju_reads_them() {
        let range = Port::range(8000, 8010, Protocol::Udp).unwrap();
        for (text, port) in [
            ("80", Port::tcp(80)),
            ("0/tcp", Port::tcp(0)),
            ("80/TCP", Port::tcp(80)),
            ("80-80/tcp", Port::tcp(80)),
            ("53/udp", Port::udp(53)),
            ("8000-8010/udp", range),
            ("icmp", Port::icmp()),
            ("ICMP", Port::icmp()),
        ] {
            assert_eq!(text.parse::<Port>().unwrap(), port, "{text}");
        }
        for text in [
            "",
            "/tcp",
            "x",
            "80/",
            "80/sctp",
            "80/icmp",
            "-80",
            "+80",
            "80-",
            "90-80",
            "65536",
            "1-2-3",
            "80/tcp/udp",
            " 80",
        ] {
            assert!(text.parse::<Port>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ports_overlap_if_they_have_one_in_common() {
        for (one, other, overlap) in [
            ("80", "80", true),
            ("80-90", "90-99", true),
            ("80-90", "85", true),
            ("80-90", "91", false),
            ("80", "80/udp", false),
            ("icmp", "icmp", true),
            ("icmp", "0/tcp", false),
        ] {
            let (one, other): (Port, Port) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(
                (one.overlaps(other), other.overlaps(one)),
                (overlap, overlap),
                "{one} {other}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9/a-z-]{0,12}|.{0,12}") {
            let _ = text.parse::<Port>();
        }

        #[test]
        fn every_port_reads_back(a: u16, b: u16, which in 0..3_usize) {
            let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp][which];
            let port = Port::range(a.min(b), a.max(b), protocol).unwrap();
            prop_assert_eq!(port.to_string().parse::<Port>().unwrap(), port);
        }
    }
}
