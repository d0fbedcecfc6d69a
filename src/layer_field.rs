//! The field of a layer whose value Pebble has refused.

use crate::juju::ContainerName;

/// A field identifies a key of a service or a check in the plan of one container, whose value
/// Pebble has refused.
///
/// The framework calls [`Charm::option_of`](crate::Charm::option_of) with it to learn which config
/// option the value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerField {
    container: ContainerName,
    entry: Entry,
    key: LayerKey,
}

/// The service or the check of the plan that has the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Service(String),
    Check(String),
}

/// A key names a field of a service, or of a check's command, that may come from an option and
/// whose value only the container can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerKey {
    /// `command`
    Command,
    /// `user`
    User,
    /// `user-id`
    UserId,
    /// `group`
    Group,
    /// `group-id`
    GroupId,
    /// `working-dir`
    WorkingDir,
}

impl LayerField {
    pub(crate) fn new(container: ContainerName, entry: Entry, key: LayerKey) -> Self {
        Self { container, entry, key }
    }

    /// Returns the container whose plan has the field.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// Returns the name of the service, or `None` if the field belongs to a check.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match &self.entry {
            Entry::Service(name) => Some(name),
            Entry::Check(_) => None,
        }
    }

    /// Returns the name of the check, or `None` if the field belongs to a service.
    #[must_use]
    pub fn check(&self) -> Option<&str> {
        match &self.entry {
            Entry::Check(name) => Some(name),
            Entry::Service(_) => None,
        }
    }

    /// Returns the key of the field.
    #[must_use]
    pub fn key(&self) -> LayerKey {
        self.key
    }
}
