//! [`PortSet`] holds the open port ranges of a unit, and [`PortChanges`] the ranges that the
//! running hook opens and closes. Juju opens a range for all endpoints or for single ones.
//!
//! Source: reference `juju-agent-measured.md` 2.1, rows 3 to 5, 28 and 29.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::go_text::{atoi, go_quote, to_lower};

/// A range of ports with its protocol, such as `80/tcp`, `8080-8090/udp` or `icmp`. The derived
/// order sorts by protocol, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PortRange {
    protocol: &'static str,
    from: u16,
    to: u16,
}

impl PortRange {
    /// Parses the argument of `open-port` and `close-port`. As in Juju, a wrong number is refused
    /// before a wrong protocol.
    ///
    /// # Errors
    /// Returns Juju's text for a malformed range.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = to_lower(text);
        let (numbers, protocol) = lower.split_once('/').unwrap_or((&lower, "tcp"));
        let parts: Vec<&str> = numbers.split('-').collect();
        let number = |text: &str| {
            atoi(text).map_err(|why| format!("invalid port {}: {why}", go_quote(text)))
        };
        let (from, to) = match parts.as_slice() {
            // Juju ignores any text after `icmp/` (measured).
            ["icmp"] => {
                return Ok(Self { protocol: "icmp", from: 0, to: 0 });
            }
            [port] => {
                let port = number(port)?;
                (port, port)
            }
            [from, to] => (number(from)?, number(to)?),
            _ => return Err(format!("invalid port range {}", go_quote(numbers))),
        };
        let protocol = match protocol {
            "tcp" => "tcp",
            "udp" => "udp",
            "icmp" => {
                return Err(format!("protocol \"icmp\" doesn't support any ports; got \"{from}\""));
            }
            other => {
                return Err(format!(
                    "invalid protocol {}, expected \"tcp\", \"udp\", or \"icmp\"",
                    go_quote(other)
                ));
            }
        };
        if from > to {
            return Err(format!("invalid port range {from}-{to}/{protocol}"));
        }
        let bound = |port: i64| {
            u16::try_from(port).map_err(|_| {
                format!("port range bounds must be between 0 and 65535, got {from}-{to}")
            })
        };
        Ok(Self { protocol, from: bound(from)?, to: bound(to)? })
    }

    pub(super) fn is_range(&self) -> bool {
        self.from != self.to
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.from <= other.to && other.from <= self.to
    }
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

/// A range that is open for one endpoint. The empty name stands for all endpoints.
type Opening = (PortRange, String);

/// A set of openings in the order in which they were requested. The order decides which of several
/// overlapping ranges Juju's error names: the oldest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PortSet(Vec<Opening>);

/// The result of comparing a range with the openings of a set.
enum Comparison {
    /// The set has no overlapping range.
    Free,
    /// The set has the same range for the same endpoint.
    Present,
    /// The set has this other range, which overlaps. The same range for another endpoint does not
    /// overlap.
    Overlaps(PortRange),
}

impl PortSet {
    fn compare(&self, range: &PortRange, endpoint: &str) -> Comparison {
        if self.0.iter().any(|(other, name)| other == range && name == endpoint) {
            return Comparison::Present;
        }
        let other = self.0.iter().find(|(other, _)| other != range && other.overlaps(range));
        other.map_or(Comparison::Free, |(other, _)| Comparison::Overlaps(other.clone()))
    }

    fn remove(&mut self, opening: &Opening) {
        self.0.retain(|other| other != opening);
    }

    /// Returns each range once, sorted.
    pub(super) fn ranges(&self) -> Vec<String> {
        let ranges: BTreeSet<&PortRange> = self.0.iter().map(|(range, _)| range).collect();
        ranges.into_iter().map(ToString::to_string).collect()
    }

    /// Returns each range with its endpoints, such as `80/tcp (*)` or `80/tcp (a, b)`, sorted.
    pub(super) fn ranges_with_endpoints(&self) -> Vec<String> {
        let mut by_range: BTreeMap<&PortRange, BTreeSet<&str>> = BTreeMap::new();
        for (range, endpoint) in &self.0 {
            by_range.entry(range).or_default().insert(endpoint);
        }
        let shown = |endpoints: BTreeSet<&str>| {
            if endpoints.contains("") {
                "*".to_owned()
            } else {
                endpoints.into_iter().collect::<Vec<_>>().join(", ")
            }
        };
        by_range
            .into_iter()
            .map(|(range, endpoints)| format!("{range} ({})", shown(endpoints)))
            .collect()
    }
}

/// The ranges that the running hook opens and closes. They are committed when it exits with 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PortChanges {
    open: PortSet,
    close: PortSet,
}

/// The overlapping range for which a range can be neither opened nor closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    range: PortRange,
    /// `true` if the running hook has requested the overlapping range.
    is_pending: bool,
}

impl Conflict {
    /// Returns Juju's text, which names the unit that has the overlapping range.
    pub(super) fn message(&self, unit: &str) -> String {
        let earlier = if self.is_pending { " requested earlier" } else { "" };
        format!("port range conflicts with {} (unit \"{unit}\"){earlier}", self.range)
    }
}

impl PortChanges {
    /// Requests to open a range. Nothing changes if the range is open or requested for the same
    /// endpoint.
    ///
    /// # Errors
    /// Returns the overlapping range, if there is one.
    pub(super) fn open(
        &mut self,
        stored: &PortSet,
        range: &PortRange,
        endpoint: &str,
    ) -> Result<(), Conflict> {
        let opening = (range.clone(), endpoint.to_owned());
        // An open cancels an earlier close of the same range, even if it is refused below.
        self.close.remove(&opening);
        for (set, is_pending) in [(&self.open, true), (stored, false)] {
            match set.compare(range, endpoint) {
                Comparison::Free => {}
                Comparison::Present => return Ok(()),
                Comparison::Overlaps(range) => return Err(Conflict { range, is_pending }),
            }
        }
        self.open.0.push(opening);
        Ok(())
    }

    /// Requests to close a range for exactly this endpoint. Nothing changes if the range is not
    /// open.
    ///
    /// # Errors
    /// Returns the overlapping range, if there is one.
    pub(super) fn close(
        &mut self,
        stored: &PortSet,
        range: &PortRange,
        endpoint: &str,
    ) -> Result<(), Conflict> {
        let opening = (range.clone(), endpoint.to_owned());
        self.open.remove(&opening);
        match self.close.compare(range, endpoint) {
            Comparison::Free => {}
            Comparison::Present => return Ok(()),
            Comparison::Overlaps(range) => return Err(Conflict { range, is_pending: true }),
        }
        if let Comparison::Overlaps(range) = stored.compare(range, endpoint) {
            return Err(Conflict { range, is_pending: false });
        }
        // Juju drops the request if the unit has no open range at all.
        if !stored.0.is_empty() {
            self.close.0.push(opening);
        }
        Ok(())
    }

    /// Returns the endpoints for which a range is to be opened, and those for which one is to be
    /// closed, sorted.
    pub(super) fn endpoints(&self) -> [BTreeSet<&str>; 2] {
        [&self.open, &self.close].map(|set| {
            let named = set.0.iter().map(|(_, endpoint)| endpoint.as_str());
            named.filter(|endpoint| !endpoint.is_empty()).collect()
        })
    }

    /// Returns `true` if ICMP is to be opened.
    pub(super) fn opens_icmp(&self) -> bool {
        self.open.0.iter().any(|(range, _)| range.protocol == "icmp")
    }

    /// Returns the open ranges after these changes.
    pub(super) fn applied_to(&self, stored: &PortSet) -> PortSet {
        let mut ports = stored.clone();
        ports.0.extend(self.open.0.iter().cloned());
        ports.0.retain(|opening| !self.close.0.contains(opening));
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parsed_as_juju_parses_them() {
        for (text, shown) in [
            ("80", "80/tcp"),
            ("80/TCP", "80/tcp"),
            ("0/udp", "0/udp"),
            ("8080-8090/udp", "8080-8090/udp"),
            ("7-7", "7/tcp"),
            ("icmp", "icmp"),
            ("ICMP", "icmp"),
            ("icmp/", "icmp"),
            ("icmp/80", "icmp"),
            ("icmp/x", "icmp"),
            ("+80", "80/tcp"),
        ] {
            assert_eq!(PortRange::parse(text).unwrap().to_string(), shown, "{text}");
        }
        let syntax = |text: &str| {
            format!("invalid port {text:?}: strconv.Atoi: parsing {text:?}: invalid syntax")
        };
        let bounds =
            |got: &str| format!("port range bounds must be between 0 and 65535, got {got}");
        for (text, error) in [
            ("abc", syntax("abc")),
            ("", syntax("")),
            ("80-", syntax("")),
            ("-1", syntax("")),
            ("/", syntax("")),
            ("tcp/80", syntax("tcp")),
            ("icmp-1", syntax("icmp")),
            ("1_0", syntax("1_0")),
            ("65536", bounds("65536-65536")),
            ("1-65536", bounds("1-65536")),
            ("90-80", "invalid port range 90-80/tcp".to_owned()),
            ("90000-80000", "invalid port range 90000-80000/tcp".to_owned()),
            ("80-90-100", "invalid port range \"80-90-100\"".to_owned()),
            ("80--90/udp", "invalid port range \"80--90\"".to_owned()),
            (
                "80/sctp",
                "invalid protocol \"sctp\", expected \"tcp\", \"udp\", or \"icmp\"".to_owned(),
            ),
            ("80/", "invalid protocol \"\", expected \"tcp\", \"udp\", or \"icmp\"".to_owned()),
            (
                "80/tcp/x",
                "invalid protocol \"tcp/x\", expected \"tcp\", \"udp\", or \"icmp\"".to_owned(),
            ),
            ("80/icmp", "protocol \"icmp\" doesn't support any ports; got \"80\"".to_owned()),
            ("80-81/ICMP", "protocol \"icmp\" doesn't support any ports; got \"80\"".to_owned()),
            (
                "9223372036854775808",
                "invalid port \"9223372036854775808\": strconv.Atoi: parsing \
                 \"9223372036854775808\": value out of range"
                    .to_owned(),
            ),
        ] {
            assert_eq!(PortRange::parse(text).unwrap_err(), error, "{text:?}");
        }
    }

    fn range(text: &str) -> PortRange {
        PortRange::parse(text).unwrap()
    }

    #[test]
    fn a_repeat_changes_nothing_and_an_overlap_is_refused() {
        let (stored, mut changes) = (PortSet::default(), PortChanges::default());
        for (text, endpoint) in
            [("80-90", ""), ("80-90", ""), ("85/udp", "web"), ("85/udp", "admin")]
        {
            changes.open(&stored, &range(text), endpoint).unwrap();
        }
        let conflict = changes.open(&stored, &range("85"), "").unwrap_err();
        assert_eq!(
            conflict.message("u/0"),
            "port range conflicts with 80-90/tcp (unit \"u/0\") requested earlier"
        );
        let ports = changes.applied_to(&stored);
        assert_eq!(ports.ranges(), ["80-90/tcp", "85/udp"]);
        assert_eq!(ports.ranges_with_endpoints(), ["80-90/tcp (*)", "85/udp (admin, web)"]);
        let mut changes = PortChanges::default();
        let conflict = changes.open(&ports, &range("85"), "").unwrap_err();
        assert_eq!(conflict.message("u/0"), "port range conflicts with 80-90/tcp (unit \"u/0\")");
    }

    #[test]
    fn a_close_is_for_its_endpoint_only() {
        let mut changes = PortChanges::default();
        for endpoint in ["", "web"] {
            changes.open(&PortSet::default(), &range("80"), endpoint).unwrap();
        }
        let stored = changes.applied_to(&PortSet::default());
        changes.close(&PortSet::default(), &range("80"), "").unwrap();
        assert_eq!(
            changes.applied_to(&PortSet::default()).ranges_with_endpoints(),
            ["80/tcp (web)"]
        );

        let mut changes = PortChanges::default();
        changes.close(&stored, &range("80"), "").unwrap();
        changes.close(&stored, &range("80"), "other").unwrap();
        assert_eq!(changes.applied_to(&stored).ranges_with_endpoints(), ["80/tcp (web)"]);
        changes.open(&stored, &range("80"), "").unwrap();
        assert_eq!(changes.applied_to(&stored), stored, "a close that is taken back is none");
    }

    #[test]
    fn a_close_that_overlaps_is_refused() {
        let mut changes = PortChanges::default();
        changes.open(&PortSet::default(), &range("200-210"), "").unwrap();
        let stored = changes.applied_to(&PortSet::default());
        let mut changes = PortChanges::default();
        let stands = "port range conflicts with 200-210/tcp (unit \"u/0\")";
        let refused = changes.close(&stored, &range("201-202"), "").unwrap_err();
        assert_eq!(refused.message("u/0"), stands);
        changes.close(&stored, &range("200-210"), "").unwrap();
        changes.close(&stored, &range("999"), "").unwrap();
        for (text, other) in [("201-202", "200-210"), ("999-1000", "999")] {
            let refused = changes.close(&stored, &range(text), "").unwrap_err();
            let stands =
                format!("port range conflicts with {other}/tcp (unit \"u/0\") requested earlier");
            assert_eq!(refused.message("u/0"), stands);
        }
        changes.close(&stored, &range("300-310"), "").unwrap();
    }
}
