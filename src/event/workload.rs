//! The data of the events of a workload container.

use crate::juju::{CheckName, ContainerName};
use crate::pebble::NoticeId;

/// A pebble-ready event has the container whose Pebble has started to answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PebbleReady {
    container: ContainerName,
}

/// A check event has the container and the name of a health check that has failed or passes again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PebbleCheck {
    container: ContainerName,
    check: CheckName,
}

/// A custom notice event has the notice that the workload recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomNotice {
    container: ContainerName,
    id: NoticeId,
    kind: String,
    key: String,
}

impl PebbleReady {
    pub(super) fn new(container: ContainerName) -> Self {
        Self { container }
    }

    /// Returns the container whose Pebble answered.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }
}

impl PebbleCheck {
    pub(super) fn new(container: ContainerName, check: CheckName) -> Self {
        Self { container, check }
    }

    /// Returns the container that the check belongs to.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// Returns the name of the check.
    #[must_use]
    pub fn check(&self) -> &CheckName {
        &self.check
    }
}

impl CustomNotice {
    pub(super) fn new(container: ContainerName, id: NoticeId, kind: String, key: String) -> Self {
        Self { container, id, kind, key }
    }

    /// Returns the container in which the notice was recorded.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// Returns Pebble's id of the notice, with which the container's client can read it
    /// ([`Reader::notice`](crate::pebble::Reader::notice)).
    #[must_use]
    pub fn id(&self) -> &NoticeId {
        &self.id
    }

    /// Returns the type of the notice, which is `custom` today.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the key that the workload gave the notice, such as `example.com/backup-done`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}
