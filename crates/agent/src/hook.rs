//! [`HookKind`] lists the hooks and actions that an agent runs on a unit, with their names and
//! their environment variables.
//!
//! Source: reference `juju-agent.md` sections 5.2 and 6.

use charmwright_juju::{ActionId, StorageId, StorageKind};

use super::relations::RelationHook;

/// A custom notice that the workload has recorded in Pebble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeInfo {
    /// The id that Pebble has given to the notice.
    pub id: String,
    /// The notice's type. `custom` is the only type for which Juju runs a hook (Juju 3.6).
    pub kind: String,
    /// The notice's key, such as `example.com/done`.
    pub key: String,
}

/// The secret of a secret hook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretHook {
    /// The bare id, without the scheme.
    pub id: String,
    /// The label by which the unit knows the secret; empty if it has none.
    pub label: String,
    /// The revision that is new, has expired, or is tracked no more. For secret-rotate it is the
    /// latest one.
    pub revision: u32,
}

impl SecretHook {
    pub(super) fn new(id: String, label: String, revision: u32) -> Self {
        Self { id, label, revision }
    }
}

/// The storage of a storage hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageHook {
    id: StorageId,
    kind: StorageKind,
    location: Option<String>,
}

impl StorageHook {
    pub(super) fn new(id: &StorageId, kind: &StorageKind, location: Option<&str>) -> Self {
        Self { id: id.clone(), kind: kind.clone(), location: location.map(str::to_owned) }
    }

    /// Returns the id of the instance, such as `data/0`.
    #[must_use]
    pub fn id(&self) -> &StorageId {
        &self.id
    }

    /// Returns the kind of the storage.
    #[must_use]
    pub fn kind(&self) -> &StorageKind {
        &self.kind
    }

    /// Returns the path at which the charm finds the instance, or `None` if it is not provisioned.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

/// A kind of hook, or an action.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookKind {
    /// `install`
    Install,
    /// `leader-elected`
    LeaderElected,
    /// `leader-settings-changed`, which Juju 3 and older run on a unit that is not the leader.
    LeaderSettingsChanged,
    /// `config-changed`
    ConfigChanged,
    /// `start`
    Start,
    /// `upgrade-charm`
    UpgradeCharm,
    /// `update-status`
    UpdateStatus,
    /// `stop`
    Stop,
    /// `remove`
    Remove,
    /// `CONTAINER-pebble-ready`
    PebbleReady {
        /// The name of the container.
        container: String,
        /// The boot id of Pebble, which is a new one after each start of Pebble.
        boot_id: String,
    },
    /// `CONTAINER-pebble-check-failed`
    PebbleCheckFailed {
        /// The name of the container.
        container: String,
        /// The name of the check.
        check: String,
    },
    /// `CONTAINER-pebble-check-recovered`
    PebbleCheckRecovered {
        /// The name of the container.
        container: String,
        /// The name of the check.
        check: String,
    },
    /// `CONTAINER-pebble-custom-notice`
    PebbleCustomNotice {
        /// The name of the container.
        container: String,
        /// The notice.
        notice: NoticeInfo,
    },
    /// `secret-changed`, which a unit runs when a secret that it has read has a new revision.
    SecretChanged(SecretHook),
    /// `secret-rotate`, which the owner runs when it is time for a new revision.
    SecretRotate(SecretHook),
    /// `secret-expired`, which the owner runs when a revision has expired.
    SecretExpired(SecretHook),
    /// `secret-remove`, which the owner runs when no unit tracks a revision any more.
    SecretRemove(SecretHook),
    /// `STORAGE-storage-attached`, which a unit runs once for each instance of its storage.
    StorageAttached(StorageHook),
    /// `STORAGE-storage-detaching`, which a unit runs before an instance is detached from it.
    StorageDetaching(StorageHook),
    /// A hook of a relation, such as `db-relation-changed`.
    Relation(RelationHook),
    /// An action.
    Action {
        /// The id of this run of the action.
        id: ActionId,
        /// The name of the action.
        name: String,
    },
}

impl HookKind {
    /// Returns the full name of the hook, such as `web-pebble-ready`, or the name of the action.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::PebbleReady { container, .. }
            | Self::PebbleCheckFailed { container, .. }
            | Self::PebbleCheckRecovered { container, .. }
            | Self::PebbleCustomNotice { container, .. } => {
                format!("{container}-{}", self.bare_name())
            }
            Self::StorageAttached(hook) | Self::StorageDetaching(hook) => {
                format!("{}-{}", hook.id.name(), self.bare_name())
            }
            Self::Relation(hook) => hook.name(),
            _ => self.bare_name().to_owned(),
        }
    }

    /// Returns the name without the container, the endpoint or the storage, such as `pebble-ready`.
    #[must_use]
    pub fn bare_name(&self) -> &str {
        match self {
            Self::Install => "install",
            Self::LeaderElected => "leader-elected",
            Self::LeaderSettingsChanged => "leader-settings-changed",
            Self::ConfigChanged => "config-changed",
            Self::Start => "start",
            Self::UpgradeCharm => "upgrade-charm",
            Self::UpdateStatus => "update-status",
            Self::Stop => "stop",
            Self::Remove => "remove",
            Self::PebbleReady { .. } => "pebble-ready",
            Self::PebbleCheckFailed { .. } => "pebble-check-failed",
            Self::PebbleCheckRecovered { .. } => "pebble-check-recovered",
            Self::PebbleCustomNotice { .. } => "pebble-custom-notice",
            Self::SecretChanged(_) => "secret-changed",
            Self::SecretRotate(_) => "secret-rotate",
            Self::SecretExpired(_) => "secret-expired",
            Self::SecretRemove(_) => "secret-remove",
            Self::StorageAttached(_) => "storage-attached",
            Self::StorageDetaching(_) => "storage-detaching",
            Self::Relation(hook) => hook.event().as_str(),
            Self::Action { name, .. } => name,
        }
    }

    /// Returns the name that Juju prints when the hook has failed: the full name of a relation
    /// hook, and the bare one of a storage hook and of a workload hook (Juju 3.6).
    pub(super) fn failed_name(&self) -> String {
        match self {
            Self::Relation(hook) => hook.name(),
            other => other.bare_name().to_owned(),
        }
    }

    /// Returns the hook of a relation, or `None` for any other hook.
    #[must_use]
    pub fn relation(&self) -> Option<&RelationHook> {
        match self {
            Self::Relation(hook) => Some(hook),
            _ => None,
        }
    }

    /// Returns the storage of a storage hook, or `None` for any other hook.
    #[must_use]
    pub fn storage(&self) -> Option<&StorageHook> {
        match self {
            Self::StorageAttached(hook) | Self::StorageDetaching(hook) => Some(hook),
            _ => None,
        }
    }

    /// Returns the container of a workload hook, or `None` for any other hook.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        match self {
            Self::PebbleReady { container, .. }
            | Self::PebbleCheckFailed { container, .. }
            | Self::PebbleCheckRecovered { container, .. }
            | Self::PebbleCustomNotice { container, .. } => Some(container),
            _ => None,
        }
    }

    /// Returns the secret of a secret hook, or `None` for any other hook.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretHook> {
        match self {
            Self::SecretChanged(secret)
            | Self::SecretRotate(secret)
            | Self::SecretExpired(secret)
            | Self::SecretRemove(secret) => Some(secret),
            _ => None,
        }
    }

    /// Returns the secret of a secret hook, as Juju shows it in the status of the agent while the
    /// hook runs: with the revision if the hook is about one (Juju 3.6).
    pub(super) fn secret_text(&self) -> Option<String> {
        let secret = self.secret()?;
        Some(match self {
            Self::SecretExpired(_) | Self::SecretRemove(_) => {
                format!("secret:{}/{}", secret.id, secret.revision)
            }
            _ => format!("secret:{}", secret.id),
        })
    }

    /// Returns `true` for an action.
    #[must_use]
    pub fn is_action(&self) -> bool {
        matches!(self, Self::Action { .. })
    }

    /// Returns the environment variables that only this kind of hook has.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if let Some(container) = self.container() {
            variables.push(("JUJU_WORKLOAD_NAME", container.to_owned()));
        }
        if let Some(secret) = self.secret() {
            variables.push(("JUJU_SECRET_ID", format!("secret:{}", secret.id)));
            variables.push(("JUJU_SECRET_LABEL", secret.label.clone()));
        }
        match self {
            Self::SecretExpired(secret) | Self::SecretRemove(secret) => {
                variables.push(("JUJU_SECRET_REVISION", secret.revision.to_string()));
            }
            // An instance that is not provisioned has none of them (measured).
            Self::StorageAttached(hook) | Self::StorageDetaching(hook) => {
                if let Some(location) = &hook.location {
                    variables.push(("JUJU_STORAGE_ID", hook.id.to_string()));
                    variables.push(("JUJU_STORAGE_LOCATION", location.clone()));
                    variables.push(("JUJU_STORAGE_KIND", hook.kind.to_string()));
                }
            }
            Self::Relation(hook) => variables.extend(hook.variables()),
            Self::PebbleCheckFailed { check, .. } | Self::PebbleCheckRecovered { check, .. } => {
                variables.push(("JUJU_PEBBLE_CHECK_NAME", check.clone()));
            }
            Self::PebbleCustomNotice { notice, .. } => {
                variables.push(("JUJU_NOTICE_ID", notice.id.clone()));
                variables.push(("JUJU_NOTICE_TYPE", notice.kind.clone()));
                variables.push(("JUJU_NOTICE_KEY", notice.key.clone()));
            }
            Self::Action { id, name } => {
                variables.push(("JUJU_ACTION_NAME", name.clone()));
                variables.push(("JUJU_ACTION_UUID", id.to_string()));
                variables.push(("JUJU_ACTION_TAG", format!("action-{id}")));
            }
            _ => {}
        }
        variables
    }
}
