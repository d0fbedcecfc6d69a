//! What is given about a unit that its charm does not say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::error::{Error, ErrorKind};
use super::names::is_unit;
use charmwright_juju::{InvalidName, JujuVersion, UnitName};

/// Whether a Juju has what `major.minor` brought; its betas have it too.
pub(super) fn is_at_least(version: &JujuVersion, major: u32, minor: u32) -> bool {
    (version.major(), version.minor()) >= (major, minor)
}

/// What the unit's cloud is: it decides about port ranges, and when `start` runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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
    pub(super) speed: u32,
    pub(super) automatic_retry: bool,
    pub(super) update_status_interval: Option<Duration>,
    pub(super) address: String,
    pub(super) api_addresses: String,
    pub(super) machine_id: String,
    /// The time of day at one instant, from which every other is told.
    pub(super) clock: Option<(Instant, SystemTime)>,
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
        let invalid = |why: InvalidName| Error::new(ErrorKind::Setting, why.to_string());
        let name: UnitName = unit.parse().map_err(invalid)?;
        if !is_unit(unit) {
            return Err(Error::new(
                ErrorKind::Setting,
                format!(
                    "cannot use {unit:?} as a unit's name: Juju wants an application's name of \
                     words joined by hyphens, a letter in each, and a number without a leading zero"
                ),
            ));
        }
        Ok(Self {
            application: name.application().to_string(),
            unit: name.to_string(),
            model_name: "dev".to_owned(),
            model_uuid: "4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10".to_owned(),
            juju_version: "3.6.28".parse().map_err(invalid)?,
            leader: true,
            substrate: None,
            speed: 1,
            automatic_retry: true,
            update_status_interval: Some(Duration::from_secs(300)),
            address: "127.0.0.1".to_owned(),
            api_addresses: "127.0.0.1:17070".to_owned(),
            machine_id: String::new(),
            clock: None,
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

    /// Divides the waits before a failed hook runs again (5, 10, 20 … 300 s); 1 by default, and 0
    /// counts as 1.
    pub fn speed(mut self, speed: u32) -> Self {
        self.speed = speed.max(1);
        self
    }

    /// Whether a failed hook runs again by itself (`automatically-retry-hooks`, true by default).
    pub fn automatic_retry(mut self, retry: bool) -> Self {
        self.automatic_retry = retry;
        self
    }

    /// The time between two update-status hooks: 5 minutes by default, `None` for never. Juju
    /// varies each by ±20 %, this does not.
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

    /// The time of day at an instant, from which `goal-state` tells since when the unit has its
    /// status. Without it that is 1970.
    pub fn clock(mut self, at: Instant, time: SystemTime) -> Self {
        self.clock = Some((at, time));
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

    /// What the context ids are made from: another seed for each agent keeps a stale one from being
    /// taken for this one's.
    pub fn context_seed(mut self, seed: u64) -> Self {
        self.context_seed = seed;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["web/0", "any-workload-k8s/12"] {
            assert!(UnitSettings::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "web", "web/", "/0", "web/x", "Web/0", "web/0/1", "../0", "a b/0", "app-1/0",
            "1app/0", "web/00", "web/+1",
        ] {
            let error = UnitSettings::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Setting, "{bad}");
            assert!(error.to_string().starts_with("cannot use "), "{error}");
        }
    }

    #[test]
    fn a_beta_has_what_its_version_brought() {
        let version = |text: &str| text.parse::<JujuVersion>().unwrap();
        assert!(is_at_least(&version("4.0-beta1"), 4, 0) && is_at_least(&version("3.6.28"), 3, 6));
        assert!(!is_at_least(&version("3.6.28"), 4, 0) && !is_at_least(&version("2.9"), 3, 0));
    }
}
