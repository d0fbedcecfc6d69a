//! Ports that a unit has open, per endpoint.

use std::collections::BTreeSet;
use std::fmt;

use super::args::go_quote;

/// `80/tcp`, `8080-8090/udp`, `icmp`. Sorted by protocol, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PortRange {
    protocol: &'static str,
    from: u16,
    to: u16,
}

impl PortRange {
    /// Reads what `open-port` and `close-port` take; the error is Juju's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_lowercase();
        let (numbers, protocol) = match lower.split_once('/') {
            Some((numbers, protocol)) => (numbers, protocol),
            None if lower == "icmp" => {
                return Ok(Self {
                    protocol: "icmp",
                    from: 0,
                    to: 0,
                });
            }
            None => (lower.as_str(), "tcp"),
        };
        let protocol = match protocol {
            "tcp" => "tcp",
            "udp" => "udp",
            other => {
                return Err(format!(
                    "invalid protocol {}, expected \"tcp\", \"udp\", or \"icmp\"",
                    go_quote(other)
                ));
            }
        };
        let (from, to) = match numbers.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None => {
                let port = number(numbers)?;
                (port, port)
            }
        };
        let bound = |port: i64| {
            u16::try_from(port).map_err(|_| format!("port range bounds must be between 0 and 65535, got {from}-{to}"))
        };
        if from > to {
            return Err(format!(
                "invalid port range {from}-{to}/{protocol}; expected fromPort <= toPort"
            ));
        }
        Ok(Self {
            protocol,
            from: bound(from)?,
            to: bound(to)?,
        })
    }

    pub(super) fn is_range(&self) -> bool {
        self.from != self.to
    }

    fn conflicts(&self, other: &Self) -> bool {
        self != other && self.protocol == other.protocol && self.from <= other.to && other.from <= self.to
    }
}

fn number(text: &str) -> Result<i64, String> {
    text.parse::<i64>().map_err(|_| {
        format!(
            "invalid port {}: strconv.Atoi: parsing {}: invalid syntax",
            go_quote(text),
            go_quote(text)
        )
    })
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.protocol, self.is_range()) {
            ("icmp", _) => f.write_str("icmp"),
            (protocol, false) => write!(f, "{}/{protocol}", self.from),
            (protocol, true) => write!(f, "{}-{}/{protocol}", self.from, self.to),
        }
    }
}

/// The open ranges; the empty endpoint name stands for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PortSet(BTreeSet<(PortRange, String)>);

impl PortSet {
    /// Opens a range; the error is the range that it overlaps.
    pub(super) fn open(&mut self, range: &PortRange, endpoint: &str) -> Result<(), PortRange> {
        if let Some((other, _)) = self.0.iter().find(|(other, _)| other.conflicts(range)) {
            return Err(other.clone());
        }
        self.0.insert((range.clone(), endpoint.to_owned()));
        Ok(())
    }

    /// Closes a range; one that is not open is let pass.
    pub(super) fn close(&mut self, range: &PortRange, endpoint: &str) {
        if endpoint.is_empty() {
            self.0.retain(|(other, _)| other != range);
        } else {
            self.0.remove(&(range.clone(), endpoint.to_owned()));
        }
    }

    /// Each range once, sorted.
    pub(super) fn ranges(&self) -> Vec<String> {
        let mut ranges: Vec<String> = self.0.iter().map(|(range, _)| range.to_string()).collect();
        ranges.dedup();
        ranges
    }

    /// Each range with its endpoints: `80/tcp (*)`, `80/tcp (a, b)`.
    pub(super) fn ranges_with_endpoints(&self) -> Vec<String> {
        let ranges: BTreeSet<&PortRange> = self.0.iter().map(|(range, _)| range).collect();
        ranges
            .into_iter()
            .map(|range| {
                let endpoints: Vec<&str> = self
                    .0
                    .iter()
                    .filter(|(other, _)| other == range)
                    .map(|(_, endpoint)| endpoint.as_str())
                    .collect();
                if endpoints.contains(&"") {
                    format!("{range} (*)")
                } else {
                    format!("{range} ({})", endpoints.join(", "))
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_juju_reads_them() {
        for (text, shown) in [
            ("80", "80/tcp"),
            ("80/TCP", "80/tcp"),
            ("0/udp", "0/udp"),
            ("8080-8090/udp", "8080-8090/udp"),
            ("7-7", "7/tcp"),
            ("icmp", "icmp"),
            ("ICMP", "icmp"),
        ] {
            assert_eq!(PortRange::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for (text, part) in [
            ("abc", "invalid port \"abc\": "),
            ("", "invalid port \"\": "),
            ("80-", "invalid port \"\": "),
            (
                "65536",
                "port range bounds must be between 0 and 65535, got 65536-65536",
            ),
            ("-1", "invalid port \"\""),
            ("90-80", "invalid port range 90-80/tcp"),
            ("80/sctp", "invalid protocol \"sctp\""),
        ] {
            let error = PortRange::parse(text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_repeat_is_nothing_and_an_overlap_is_refused() {
        let range = |text| PortRange::parse(text).unwrap();
        let mut ports = PortSet::default();
        ports.open(&range("80-90"), "").unwrap();
        ports.open(&range("80-90"), "").unwrap();
        ports.open(&range("85/udp"), "web").unwrap();
        ports.open(&range("85/udp"), "admin").unwrap();
        assert_eq!(ports.open(&range("85"), "").unwrap_err().to_string(), "80-90/tcp");
        assert_eq!(ports.ranges(), ["80-90/tcp", "85/udp"]);
        assert_eq!(ports.ranges_with_endpoints(), ["80-90/tcp (*)", "85/udp (admin, web)"]);
        ports.close(&range("85/udp"), "web");
        assert_eq!(ports.ranges_with_endpoints(), ["80-90/tcp (*)", "85/udp (admin)"]);
        ports.close(&range("85/udp"), "");
        ports.close(&range("1"), "");
        assert_eq!(ports.ranges(), ["80-90/tcp"]);
    }
}
