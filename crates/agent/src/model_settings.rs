//! [`ModelSettings`] describe a model: everything that is the same for all its applications.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use charmwright_juju::JujuVersion;

use super::cloud::Cloud;

/// Returns `true` if a version of Juju is `major.minor` or newer. A beta of `major.minor` counts as
/// that version, since it has the features of it.
pub(super) fn is_at_least(version: &JujuVersion, major: u32, minor: u32) -> bool {
    (version.major(), version.minor()) >= (major, minor)
}

/// The kind of cloud on which the units of a model run.
///
/// On Kubernetes Juju refuses port ranges, and a refresh replaces the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Substrate {
    /// Each unit runs in a pod.
    Kubernetes,
    /// Each unit runs on a machine.
    Machine,
}

/// The settings of a model. Each of them has a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct ModelSettings {
    pub(super) model_name: String,
    pub(super) model_uuid: String,
    pub(super) juju_version: JujuVersion,
    pub(super) substrate: Option<Substrate>,
    pub(super) speed: u32,
    pub(super) automatic_retry: bool,
    pub(super) update_status_interval: Option<Duration>,
    pub(super) api_addresses: String,
    /// An instant and its time of day, from which the time of day of any other instant follows.
    pub(super) clock: Option<(Instant, SystemTime)>,
    pub(super) home: Option<PathBuf>,
    pub(super) cloud: Option<Cloud>,
    pub(super) storage_directory: Option<String>,
    pub(super) provisions_storage: bool,
    pub(super) seed: u64,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl ModelSettings {
    /// Makes the settings of a model named `dev` on Juju 3.6.28.
    pub fn new() -> Self {
        Self {
            model_name: "dev".to_owned(),
            model_uuid: "4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10".to_owned(),
            juju_version: JujuVersion::release(3, 6, 28),
            substrate: None,
            speed: 1,
            automatic_retry: true,
            update_status_interval: Some(Duration::from_secs(300)),
            api_addresses: "127.0.0.1:17070".to_owned(),
            clock: None,
            home: None,
            cloud: None,
            storage_directory: None,
            provisions_storage: true,
            // The bytes of `charmwri`: any constant would do, and a test needs the same each time.
            seed: 0x6368_6172_6d77_7269,
        }
    }

    /// Sets the model's name; `dev` by default.
    pub fn model_name(mut self, name: impl Into<String>) -> Self {
        self.model_name = name.into();
        self
    }

    /// Sets the model's UUID; a constant by default.
    pub fn model_uuid(mut self, uuid: impl Into<String>) -> Self {
        self.model_uuid = uuid.into();
        self
    }

    /// Sets the version of Juju; 3.6.28 by default.
    pub fn juju_version(mut self, version: JujuVersion) -> Self {
        self.juju_version = version;
        self
    }

    /// Sets the kind of cloud. The default is Kubernetes for a charm that declares containers, and
    /// a machine for any other.
    pub fn substrate(mut self, substrate: Substrate) -> Self {
        self.substrate = Some(substrate);
        self
    }

    /// Sets the number by which the delays before a failed hook runs again are divided. The delays
    /// are 5, 10, 20 … 300 seconds (Juju 3.6). The default is 1, and 0 counts as 1.
    pub fn speed(mut self, speed: u32) -> Self {
        self.speed = speed.max(1);
        self
    }

    /// Sets whether a failed hook runs again without `juju resolved`: the model's setting
    /// `automatically-retry-hooks`, `true` by default.
    pub fn automatic_retry(mut self, retry: bool) -> Self {
        self.automatic_retry = retry;
        self
    }

    /// Sets the time between two update-status hooks: the model's setting
    /// `update-status-hook-interval`, 5 minutes by default. With `None` the hook never runs by
    /// itself.
    ///
    /// Juju varies each interval by ±20 % at random (Juju 3.6). This model does not, so that a test
    /// can tell when the hook runs.
    pub fn update_status_interval(mut self, interval: Option<Duration>) -> Self {
        self.update_status_interval = interval;
        self
    }

    /// Sets the time of day at an instant. `goal-state` needs it to print when the unit's status
    /// was set; without it the tool prints the start of 1970.
    pub fn clock(mut self, at: Instant, time: SystemTime) -> Self {
        self.clock = Some((at, time));
        self
    }

    /// Sets the home directory of the agent's user, which replaces `~` in `--output ~/FILE` and
    /// `--file ~/FILE`.
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Sets the cloud that `credential-get` prints to a trusted application. Without it the tool
    /// fails.
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = Some(cloud);
        self
    }

    /// Sets the directory in which every storage instance is, such as `DIRECTORY/data/0`. Without
    /// it the location is that of the charm's metadata, or else in `/var/lib/juju/storage`.
    ///
    /// It is for a caller that makes the directories, and that may not make them anywhere.
    pub fn storage_directory(mut self, directory: impl Into<String>) -> Self {
        self.storage_directory = Some(directory.into());
        self
    }

    /// Sets whether the model provisions storage by itself, which it does by default: on a machine
    /// when an instance is made or attached, on Kubernetes when the unit has started. If it does
    /// not, [`Model::provision_storage`](super::Model::provision_storage) does.
    pub fn provision_storage(mut self, provision: bool) -> Self {
        self.provisions_storage = provision;
        self
    }

    /// Sets the seed from which the context ids of the hooks are made; a constant by default.
    ///
    /// Give each run of a model another seed: then a tool that an old hook left behind, and that
    /// still has the old context id, is refused.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beta_counts_as_its_version() {
        let version = |text: &str| text.parse::<JujuVersion>().unwrap();
        assert!(is_at_least(&version("4.0-beta1"), 4, 0) && is_at_least(&version("3.6.28"), 3, 6));
        assert!(!is_at_least(&version("3.6.28"), 4, 0) && !is_at_least(&version("2.9"), 3, 0));
    }
}
