//! The events of a unit. Each file has the data of the events about one subject.

mod relation;
mod secret;
mod storage;
mod unknown;
mod workload;

use std::fmt;
use std::path::PathBuf;

pub use relation::{
    RelationBroken, RelationChanged, RelationCreated, RelationDeparted, RelationJoined,
};
pub use secret::{SecretEvent, SecretRevisionEvent};
pub use storage::StorageEvent;
pub use unknown::UnknownHook;
pub use workload::{CustomNotice, PebbleCheck, PebbleReady};

use crate::juju::{
    ApplicationName, CheckName, ContainerName, EndpointName, RelationId, SecretId, StorageId,
    StorageKind, StorageName, StorageVars, UnitName,
};
use crate::pebble::NoticeId;

/// An event says why Juju runs a hook of the unit.
///
/// An event has all the data that its handler needs, because a deferred event runs again in a later
/// hook with that hook's environment. A hook that this version does not know becomes
/// [`Event::Unknown`], so that a newer Juju cannot crash a charm. An action is not an event: see
/// [`Charm::action`](crate::Charm::action).
///
/// A test makes an event by its variant, or by the function of that name if the event has data:
///
/// ```
/// use charmwright::Event;
///
/// let ready = Event::pebble_ready("web".parse()?);
/// assert_eq!(ready.to_string(), "web-pebble-ready");
/// assert!(ready.changes_world() && !Event::Stop.changes_world());
/// # Ok::<(), charmwright::juju::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Event {
    /// The unit is being installed. This is the unit's first hook, apart from storage hooks, and it
    /// runs once.
    Install,
    /// The unit starts: once after the first `config-changed`, and again after each new pod or
    /// reboot.
    Start,
    /// A config option, the application's trust or the unit's addresses changed. Juju also sends it
    /// once at start-up and after an upgrade.
    ConfigChanged,
    /// The charm's files were replaced by those of another revision.
    UpgradeCharm,
    /// The unit is about to be removed or, on Kubernetes, its pod is about to be replaced.
    Stop,
    /// The unit is being removed; this is its last hook.
    Remove,
    /// The unit became the leader of its application.
    LeaderElected,
    /// The periodic hook of the model runs, every 5 minutes by default.
    UpdateStatus,
    /// The container's Pebble answered the unit agent for the first time since Pebble, or the
    /// agent, started.
    PebbleReady(PebbleReady),
    /// A health check of the container reached its failure threshold.
    PebbleCheckFailed(PebbleCheck),
    /// A health check of the container passes again.
    PebbleCheckRecovered(PebbleCheck),
    /// The workload recorded a custom notice in Pebble (`pebble notify`).
    PebbleCustomNotice(CustomNotice),
    /// A relation of this unit's application was made. It is the first event of each relation, and
    /// this unit has seen no remote unit in it yet. The peer relation has it right after `install`.
    RelationCreated(RelationCreated),
    /// A remote unit has entered the relation. The relation-changed of that unit follows at once.
    RelationJoined(RelationJoined),
    /// The databag of a remote unit or of the remote application has changed. Juju sends it once
    /// for any number of changes.
    RelationChanged(RelationChanged),
    /// A remote unit has left the relation, or this unit leaves it.
    RelationDeparted(RelationDeparted),
    /// The relation ends for this unit. It is the last event of the relation. Peer relations have
    /// none.
    RelationBroken(RelationBroken),
    /// A storage instance was attached to the unit.
    StorageAttached(StorageEvent),
    /// A storage instance is about to be detached from the unit.
    StorageDetaching(StorageEvent),
    /// A secret that this unit observes has a newer revision than the one that the unit tracks.
    SecretChanged(SecretEvent),
    /// A secret that this unit or its application owns is due for a new content. Juju sends it
    /// again until there is one.
    SecretRotate(SecretEvent),
    /// A revision of a secret that this unit or its application owns has expired. Juju sends it
    /// again until the revision is removed.
    SecretExpired(SecretRevisionEvent),
    /// No observer tracks this revision of a secret that this unit or its application owns, so it
    /// can be removed.
    SecretRemove(SecretRevisionEvent),
    /// A hook ran for which this version has no variant: one that Juju has removed
    /// (`collect-metrics`), one that a newer Juju has added, or one that lacks a variable or whose
    /// container the charm does not declare.
    Unknown(UnknownHook),
}

impl Event {
    /// Makes the event that the Pebble of this container has started to answer.
    #[must_use]
    pub fn pebble_ready(container: ContainerName) -> Self {
        Self::PebbleReady(PebbleReady::new(container))
    }

    /// Makes the event that this check of the container reached its failure threshold.
    #[must_use]
    pub fn pebble_check_failed(container: ContainerName, check: CheckName) -> Self {
        Self::PebbleCheckFailed(PebbleCheck::new(container, check))
    }

    /// Makes the event that this check of the container passes again.
    #[must_use]
    pub fn pebble_check_recovered(container: ContainerName, check: CheckName) -> Self {
        Self::PebbleCheckRecovered(PebbleCheck::new(container, check))
    }

    /// Makes the event that the workload recorded a notice of the type `custom` with this key.
    #[must_use]
    pub fn pebble_custom_notice(
        container: ContainerName,
        id: NoticeId,
        key: impl Into<String>,
    ) -> Self {
        Self::notice_of_kind(container, id, "custom".to_owned(), key.into())
    }

    pub(crate) fn notice_of_kind(
        container: ContainerName,
        id: NoticeId,
        kind: String,
        key: String,
    ) -> Self {
        Self::PebbleCustomNotice(CustomNotice::new(container, id, kind, key))
    }

    /// Makes the event that a relation with this application was made.
    #[must_use]
    pub fn relation_created(
        endpoint: EndpointName,
        id: RelationId,
        application: ApplicationName,
    ) -> Self {
        Self::RelationCreated(RelationCreated::new(endpoint, id, application))
    }

    /// Makes the event that this remote unit has entered the relation.
    #[must_use]
    pub fn relation_joined(endpoint: EndpointName, id: RelationId, unit: UnitName) -> Self {
        Self::RelationJoined(RelationJoined::new(endpoint, id, unit))
    }

    /// Makes the event that the databag of this remote unit has changed.
    #[must_use]
    pub fn relation_changed(endpoint: EndpointName, id: RelationId, unit: UnitName) -> Self {
        Self::RelationChanged(RelationChanged::of_unit(endpoint, id, unit))
    }

    /// Makes the event that the databag of the remote application has changed.
    #[must_use]
    pub fn relation_application_changed(
        endpoint: EndpointName,
        id: RelationId,
        application: ApplicationName,
    ) -> Self {
        Self::RelationChanged(RelationChanged::of_application(endpoint, id, application))
    }

    /// Makes the event that this remote unit has left the relation, or, if `departing_unit` is this
    /// unit, that this unit leaves it.
    #[must_use]
    pub fn relation_departed(
        endpoint: EndpointName,
        id: RelationId,
        unit: UnitName,
        departing_unit: Option<UnitName>,
    ) -> Self {
        Self::RelationDeparted(RelationDeparted::new(endpoint, id, unit, departing_unit))
    }

    /// Makes the event that the relation ends. Juju may leave the remote application out.
    #[must_use]
    pub fn relation_broken(
        endpoint: EndpointName,
        id: RelationId,
        application: Option<ApplicationName>,
    ) -> Self {
        Self::RelationBroken(RelationBroken::new(endpoint, id, application))
    }

    /// Makes the event that this storage instance was attached.
    #[must_use]
    pub fn storage_attached(
        id: StorageId,
        kind: StorageKind,
        location: impl Into<PathBuf>,
    ) -> Self {
        Self::StorageAttached(StorageEvent::new(id, kind, location.into()))
    }

    /// Makes the event that this storage instance is about to be detached.
    #[must_use]
    pub fn storage_detaching(
        id: StorageId,
        kind: StorageKind,
        location: impl Into<PathBuf>,
    ) -> Self {
        Self::StorageDetaching(StorageEvent::new(id, kind, location.into()))
    }

    /// Makes the event that an instance of this storage that was never provisioned is about to be
    /// detached.
    #[must_use]
    pub fn unprovisioned_storage_detaching(name: StorageName) -> Self {
        Self::StorageDetaching(StorageEvent::unprovisioned(name))
    }

    pub(crate) fn storage_attached_with(name: StorageName, vars: StorageVars) -> Self {
        Self::StorageAttached(StorageEvent::from_vars(name, vars))
    }

    pub(crate) fn storage_detaching_with(name: StorageName, vars: StorageVars) -> Self {
        Self::StorageDetaching(StorageEvent::from_vars(name, vars))
    }

    /// Makes the event that this secret has a newer revision. An empty label counts as none.
    #[must_use]
    pub fn secret_changed(id: SecretId, label: Option<String>) -> Self {
        Self::SecretChanged(SecretEvent::new(id, label))
    }

    /// Makes the event that this secret is due for a new content. An empty label counts as none.
    #[must_use]
    pub fn secret_rotate(id: SecretId, label: Option<String>) -> Self {
        Self::SecretRotate(SecretEvent::new(id, label))
    }

    /// Makes the event that this revision of the secret has expired. An empty label counts as none.
    #[must_use]
    pub fn secret_expired(id: SecretId, label: Option<String>, revision: u64) -> Self {
        Self::SecretExpired(SecretRevisionEvent::new(id, label, revision))
    }

    /// Makes the event that no observer tracks this revision of the secret. An empty label counts
    /// as none.
    #[must_use]
    pub fn secret_remove(id: SecretId, label: Option<String>, revision: u64) -> Self {
        Self::SecretRemove(SecretRevisionEvent::new(id, label, revision))
    }

    /// Makes the event of a hook that this version does not know, with the variables that describe
    /// it.
    #[must_use]
    pub fn unknown(
        hook: impl Into<String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let variables = variables.into_iter().collect();
        Self::Unknown(UnknownHook::new(hook.into(), variables))
    }

    /// Returns the container of a workload event, and `None` for any other event.
    #[must_use]
    pub fn container(&self) -> Option<&ContainerName> {
        match self {
            Self::PebbleReady(ready) => Some(ready.container()),
            Self::PebbleCheckFailed(check) | Self::PebbleCheckRecovered(check) => {
                Some(check.container())
            }
            Self::PebbleCustomNotice(notice) => Some(notice.container()),
            _ => None,
        }
    }

    /// Returns this unit's endpoint of a relation event, and `None` for any other event.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointName> {
        match self {
            Self::RelationCreated(created) => Some(created.endpoint()),
            Self::RelationJoined(joined) => Some(joined.endpoint()),
            Self::RelationChanged(changed) => Some(changed.endpoint()),
            Self::RelationDeparted(departed) => Some(departed.endpoint()),
            Self::RelationBroken(broken) => Some(broken.endpoint()),
            _ => None,
        }
    }

    /// Returns the relation of a relation event, and `None` for any other event.
    #[must_use]
    pub fn relation(&self) -> Option<&RelationId> {
        match self {
            Self::RelationCreated(created) => Some(created.id()),
            Self::RelationJoined(joined) => Some(joined.id()),
            Self::RelationChanged(changed) => Some(changed.id()),
            Self::RelationDeparted(departed) => Some(departed.id()),
            Self::RelationBroken(broken) => Some(broken.id()),
            _ => None,
        }
    }

    /// Returns the name of the storage of a storage event, and `None` for any other event.
    #[must_use]
    pub fn storage(&self) -> Option<&StorageName> {
        match self {
            Self::StorageAttached(storage) | Self::StorageDetaching(storage) => {
                Some(storage.name())
            }
            _ => None,
        }
    }

    /// Returns the secret of a secret event, and `None` for any other event.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretId> {
        match self {
            Self::SecretChanged(secret) | Self::SecretRotate(secret) => Some(secret.id()),
            Self::SecretExpired(secret) | Self::SecretRemove(secret) => Some(secret.id()),
            _ => None,
        }
    }

    /// Returns `true` if this is one of the `<container>-pebble-*` hooks, whose failure Juju hides.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        self.container().is_some()
    }

    /// Returns `true` if the unit, or its pod, is about to be removed: for `stop` and `remove`.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Stop | Self::Remove)
    }

    /// Returns `true` if the event may have changed the state that the unit should have, so that
    /// [`Charm::reconcile`](crate::Charm::reconcile) runs. These are all events but `stop` and
    /// `remove`.
    #[must_use]
    pub fn changes_world(&self) -> bool {
        !self.is_ending()
    }

    /// Returns `true` if the event may be stored and run again later. It is `false` for `stop` and
    /// `remove`, which no later hook follows, and for `secret-rotate` and `secret-expired`, which
    /// Juju sends again by itself until the charm acts on them.
    #[must_use]
    pub fn is_deferrable(&self) -> bool {
        match self {
            Self::Stop | Self::Remove | Self::SecretRotate(_) | Self::SecretExpired(_) => false,
            // Their variables may have been missing.
            Self::Unknown(unknown) => !matches!(unknown.hook(), "secret-rotate" | "secret-expired"),
            _ => true,
        }
    }
}

/// Prints Juju's name of the hook, such as `web-pebble-ready`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install => f.write_str("install"),
            Self::Start => f.write_str("start"),
            Self::ConfigChanged => f.write_str("config-changed"),
            Self::UpgradeCharm => f.write_str("upgrade-charm"),
            Self::Stop => f.write_str("stop"),
            Self::Remove => f.write_str("remove"),
            Self::LeaderElected => f.write_str("leader-elected"),
            Self::UpdateStatus => f.write_str("update-status"),
            Self::PebbleReady(ready) => write!(f, "{}-pebble-ready", ready.container()),
            Self::PebbleCheckFailed(check) => {
                write!(f, "{}-pebble-check-failed", check.container())
            }
            Self::PebbleCheckRecovered(check) => {
                write!(f, "{}-pebble-check-recovered", check.container())
            }
            Self::PebbleCustomNotice(notice) => {
                write!(f, "{}-pebble-custom-notice", notice.container())
            }
            Self::RelationCreated(created) => write!(f, "{}-relation-created", created.endpoint()),
            Self::RelationJoined(joined) => write!(f, "{}-relation-joined", joined.endpoint()),
            Self::RelationChanged(changed) => write!(f, "{}-relation-changed", changed.endpoint()),
            Self::RelationDeparted(departed) => {
                write!(f, "{}-relation-departed", departed.endpoint())
            }
            Self::RelationBroken(broken) => write!(f, "{}-relation-broken", broken.endpoint()),
            Self::StorageAttached(storage) => write!(f, "{}-storage-attached", storage.name()),
            Self::StorageDetaching(storage) => write!(f, "{}-storage-detaching", storage.name()),
            Self::SecretChanged(_) => f.write_str("secret-changed"),
            Self::SecretRotate(_) => f.write_str("secret-rotate"),
            Self::SecretExpired(_) => f.write_str("secret-expired"),
            Self::SecretRemove(_) => f.write_str("secret-remove"),
            Self::Unknown(unknown) => f.write_str(unknown.hook()),
        }
    }
}
