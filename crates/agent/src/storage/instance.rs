//! [`StorageInstance`] is one instance of a storage.

use charmwright_juju::{StorageId, StorageKind, UnitName};

/// The state of a storage instance, as `juju storage` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageState {
    /// The instance belongs to a unit and is not provisioned yet: it has no location.
    Pending,
    /// The instance is provisioned for a unit, whose storage-attached hook has run or is due.
    Attached,
    /// The instance is being detached from its unit.
    Detaching,
    /// The instance belongs to no unit. The operator may attach it to one.
    Detached,
}

impl StorageState {
    /// Returns Juju's word for the state.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Attached => "attached",
            Self::Detaching => "detaching",
            Self::Detached => "detached",
        }
    }
}

/// One instance of a storage, such as `data/0`, to be read. The methods of the
/// [`Model`](crate::Model) change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageInstance {
    pub(super) id: StorageId,
    pub(super) kind: StorageKind,
    pub(super) attachment: Option<Attachment>,
}

/// The attachment of an instance to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attachment {
    pub(super) unit: UnitName,
    /// The path in the charm's file system; it counts once the instance is provisioned.
    pub(super) location: String,
    pub(super) is_provisioned: bool,
    /// `true` while the instance is being detached.
    pub(super) is_dying: bool,
    /// `true` once the unit's storage-attached hook has succeeded.
    pub(super) has_run_attached: bool,
}

impl StorageInstance {
    /// Returns the id, such as `data/0`. The numbers of all instances of a model are one sequence,
    /// and none is used again.
    #[must_use]
    pub fn id(&self) -> &StorageId {
        &self.id
    }

    /// Returns the kind of the storage.
    #[must_use]
    pub fn kind(&self) -> &StorageKind {
        &self.kind
    }

    /// Returns the unit to which the instance belongs, or `None` if it is detached.
    #[must_use]
    pub fn unit(&self) -> Option<&UnitName> {
        Some(&self.attachment.as_ref()?.unit)
    }

    /// Returns the path at which the unit's charm finds the instance, or `None` if it is detached
    /// or not provisioned yet.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        let attachment = self.attachment.as_ref().filter(|attachment| attachment.is_provisioned)?;
        Some(&attachment.location)
    }

    /// Returns the state of the instance.
    #[must_use]
    pub fn state(&self) -> StorageState {
        match &self.attachment {
            None => StorageState::Detached,
            Some(attachment) if attachment.is_dying => StorageState::Detaching,
            Some(attachment) if !attachment.is_provisioned => StorageState::Pending,
            Some(_) => StorageState::Attached,
        }
    }

    /// Returns `true` if the instance belongs to this unit.
    pub(crate) fn belongs_to(&self, unit: &UnitName) -> bool {
        self.unit() == Some(unit)
    }

    /// Returns `true` if storage-attached is due: the instance is provisioned, and the hook has not
    /// succeeded.
    pub(crate) fn is_attached_due(&self) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| {
            attachment.is_provisioned && !attachment.is_dying && !attachment.has_run_attached
        })
    }

    /// Returns `true` if the unit waits for the instance before its `install`: the storage-attached
    /// hook has not succeeded yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.attachment
            .as_ref()
            .is_some_and(|attachment| !attachment.is_dying && !attachment.has_run_attached)
    }

    /// Returns `true` if the instance is being detached and its storage-attached has never
    /// succeeded.
    pub(crate) fn is_unseen_and_dying(&self) -> bool {
        self.attachment
            .as_ref()
            .is_some_and(|attachment| attachment.is_dying && !attachment.has_run_attached)
    }

    /// Returns `true` if storage-detaching is due.
    pub(crate) fn is_detaching_due(&self) -> bool {
        self.attachment
            .as_ref()
            .is_some_and(|attachment| attachment.is_dying && attachment.has_run_attached)
    }
}
