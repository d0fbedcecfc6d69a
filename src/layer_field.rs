//! A field of a service or of a check, as a charm is asked about it.

use crate::juju::ContainerName;

/// A field of a service or of a check in the plan of one container, of which Pebble has refused the
/// value.
///
/// A charm is asked by [`Charm::option_of`](crate::Charm::option_of) which of its config options
/// the value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerField {
    container: ContainerName,
    entry: Entry,
    key: LayerKey,
}

/// The entry of the plan that a field is in, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Service(String),
    Check(String),
}

/// The fields of a service, or of a check's command, that a user may have given and that only the
/// container can judge.
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

    /// The container whose plan it is in.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// The name of the service; `None` for a check's field.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match &self.entry {
            Entry::Service(name) => Some(name),
            Entry::Check(_) => None,
        }
    }

    /// The name of the check; `None` for a service's field.
    #[must_use]
    pub fn check(&self) -> Option<&str> {
        match &self.entry {
            Entry::Check(name) => Some(name),
            Entry::Service(_) => None,
        }
    }

    /// The field's key.
    #[must_use]
    pub fn key(&self) -> LayerKey {
        self.key
    }
}
