//! What is given about a unit that its charm does not say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::charm_meta::is_application_name;
use super::error::{Error, ErrorKind};

/// Juju's version: it decides which tools and which variables there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JujuVersion {
    text: String,
    major: u32,
    minor: u32,
}

impl JujuVersion {
    /// The first number.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The second number.
    #[must_use]
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// Whether it is `major.minor` or newer.
    #[must_use]
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

impl FromStr for JujuVersion {
    type Err = Error;

    /// `MAJOR.MINOR`, then anything that follows a `.` or a `-`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::new(
                ErrorKind::Setting,
                format!("cannot use {text:?} as Juju's version: expected one such as 3.6.28"),
            )
        };
        let (major, rest) = text.split_once('.').ok_or_else(refuse)?;
        let end = rest.find(['.', '-']).unwrap_or(rest.len());
        let minor = rest.get(..end).unwrap_or_default();
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refuse());
        }
        Ok(Self {
            text: text.to_owned(),
            major: major.parse().map_err(|_| refuse())?,
            minor: minor.parse().map_err(|_| refuse())?,
        })
    }
}

impl fmt::Display for JujuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the unit's cloud is: it decides about port ranges, and when `start` runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substrate {
    /// A pod.
    Kubernetes,
    /// A machine.
    Machine,
}

/// The unit's name and surroundings; every value but the name has a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct UnitSettings {
    pub(super) application: String,
    pub(super) unit: String,
    pub(super) model_name: String,
    pub(super) model_uuid: String,
    pub(super) juju_version: JujuVersion,
    pub(super) leader: bool,
    pub(super) substrate: Option<Substrate>,
    pub(super) retry_divisor: u32,
    pub(super) automatic_retry: bool,
    pub(super) update_status_interval: Option<Duration>,
    pub(super) address: String,
    pub(super) api_addresses: String,
    pub(super) machine_id: String,
    pub(super) since: String,
    pub(super) resources: BTreeMap<String, String>,
    pub(super) home: Option<PathBuf>,
    pub(super) context_seed: u64,
}

impl UnitSettings {
    /// A unit such as `web/0`, which is its application's leader on Juju 3.6.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] if that is not a unit's name.
    pub fn new(unit: &str) -> Result<Self, Error> {
        let application = unit
            .split_once('/')
            .filter(|(application, number)| {
                let digits = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
                is_application_name(application) && digits && (number.len() == 1 || !number.starts_with('0'))
            })
            .map(|(application, _)| application.to_owned())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Setting,
                    format!("cannot use {unit:?} as a unit's name: expected one such as web/0"),
                )
            })?;
        Ok(Self {
            application,
            unit: unit.to_owned(),
            model_name: "dev".to_owned(),
            model_uuid: "4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10".to_owned(),
            juju_version: JujuVersion {
                text: "3.6.28".to_owned(),
                major: 3,
                minor: 6,
            },
            leader: true,
            substrate: None,
            retry_divisor: 1,
            automatic_retry: true,
            update_status_interval: Some(Duration::from_secs(300)),
            address: "127.0.0.1".to_owned(),
            api_addresses: "127.0.0.1:17070".to_owned(),
            machine_id: String::new(),
            since: "1970-01-01 00:00:00Z".to_owned(),
            resources: BTreeMap::new(),
            home: None,
            context_seed: 0x6368_6172_6d77_7269,
        })
    }

    /// The model's name; `dev` by default.
    pub fn model_name(mut self, name: impl Into<String>) -> Self {
        self.model_name = name.into();
        self
    }

    /// The model's UUID.
    pub fn model_uuid(mut self, uuid: impl Into<String>) -> Self {
        self.model_uuid = uuid.into();
        self
    }

    /// Juju's version; 3.6.28 by default.
    pub fn juju_version(mut self, version: JujuVersion) -> Self {
        self.juju_version = version;
        self
    }

    /// Whether the unit is the leader from the start; it is by default.
    pub fn leader(mut self, leader: bool) -> Self {
        self.leader = leader;
        self
    }

    /// The cloud. By default Kubernetes for a charm with containers, else a machine.
    pub fn substrate(mut self, substrate: Substrate) -> Self {
        self.substrate = Some(substrate);
        self
    }

    /// Divides the waits before a failed hook runs again (5, 10, 20 … 300 s); 1 by default, and 0 counts as 1.
    pub fn retry_divisor(mut self, divisor: u32) -> Self {
        self.retry_divisor = divisor.max(1);
        self
    }

    /// Whether a failed hook runs again by itself (`automatically-retry-hooks`, true by default).
    pub fn automatic_retry(mut self, retry: bool) -> Self {
        self.automatic_retry = retry;
        self
    }

    /// The time between two update-status hooks: 5 minutes by default, `None` for never. Juju varies each by ±20 %, this does not.
    pub fn update_status_interval(mut self, interval: Option<Duration>) -> Self {
        self.update_status_interval = interval;
        self
    }

    /// The unit's own address, as `unit-get` and `network-get` give it; 127.0.0.1 by default.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// The machine's id; empty by default, as on Kubernetes.
    pub fn machine_id(mut self, id: impl Into<String>) -> Self {
        self.machine_id = id.into();
        self
    }

    /// The time that `goal-state` gives for the unit's status, as `2006-01-02 15:04:05Z`.
    pub fn since(mut self, since: impl Into<String>) -> Self {
        self.since = since.into();
        self
    }

    /// The file that `resource-get NAME` answers with.
    pub fn resource(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.resources.insert(name.into(), path.into());
        self
    }

    /// The agent's home, to which `--output ~/FILE` refers.
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// What the context ids are made from: another seed for each agent keeps a stale one from being taken for this one's.
    pub fn context_seed(mut self, seed: u64) -> Self {
        self.context_seed = seed;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_checked() {
        for good in ["web/0", "any-workload-k8s/12"] {
            assert!(UnitSettings::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "web", "web/", "/0", "web/x", "web/01", "Web/0", "web/0/1", "../0", "a b/0",
        ] {
            assert_eq!(UnitSettings::new(bad).unwrap_err().kind(), ErrorKind::Setting, "{bad}");
        }
        for (text, numbers) in [
            ("3.6.28", (3, 6)),
            ("2.9", (2, 9)),
            ("4.1-beta2", (4, 1)),
            ("4.0.1.7", (4, 0)),
        ] {
            let version: JujuVersion = text.parse().unwrap();
            assert_eq!((version.major(), version.minor()), numbers);
            assert_eq!(version.to_string(), text);
        }
        for bad in ["", "3", "x.y", "3.", "3.6 28", "-1.2"] {
            assert!(bad.parse::<JujuVersion>().is_err(), "{bad}");
        }
    }
}
