//! The events of a unit.

use std::collections::BTreeMap;
use std::fmt;

use crate::juju::{CheckName, ContainerName};
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
    /// A hook ran for which this version has no variant: those of relations, storage and secrets,
    /// and whatever a newer Juju adds.
    Unknown(UnknownHook),
}

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

/// An unknown hook has the name and the variables of a hook for which this version has no variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownHook {
    hook: String,
    variables: BTreeMap<String, String>,
}

impl PebbleReady {
    /// Returns the container whose Pebble answered.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }
}

impl PebbleCheck {
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

impl UnknownHook {
    /// Returns the name of the hook, such as `db-relation-changed`.
    #[must_use]
    pub fn hook(&self) -> &str {
        &self.hook
    }

    /// Returns the variables of the environment that describe the hook (`JUJU_RELATION_ID`,
    /// `JUJU_SECRET_ID`, …), by name. A variable that is empty is left out.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

impl Event {
    /// Makes the event that the Pebble of this container has started to answer.
    #[must_use]
    pub fn pebble_ready(container: ContainerName) -> Self {
        Self::PebbleReady(PebbleReady { container })
    }

    /// Makes the event that this check of the container reached its failure threshold.
    #[must_use]
    pub fn pebble_check_failed(container: ContainerName, check: CheckName) -> Self {
        Self::PebbleCheckFailed(PebbleCheck { container, check })
    }

    /// Makes the event that this check of the container passes again.
    #[must_use]
    pub fn pebble_check_recovered(container: ContainerName, check: CheckName) -> Self {
        Self::PebbleCheckRecovered(PebbleCheck { container, check })
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
        Self::PebbleCustomNotice(CustomNotice { container, id, kind, key })
    }

    /// Makes the event of a hook that this version does not know, with the variables that describe
    /// it.
    #[must_use]
    pub fn unknown(
        hook: impl Into<String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let variables = variables.into_iter().collect();
        Self::Unknown(UnknownHook { hook: hook.into(), variables })
    }

    /// Returns the container of a workload event, and `None` for any other event.
    #[must_use]
    pub fn container(&self) -> Option<&ContainerName> {
        match self {
            Self::PebbleReady(ready) => Some(&ready.container),
            Self::PebbleCheckFailed(check) | Self::PebbleCheckRecovered(check) => {
                Some(&check.container)
            }
            Self::PebbleCustomNotice(notice) => Some(&notice.container),
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
            Self::Stop | Self::Remove => false,
            Self::Unknown(unknown) => {
                !matches!(unknown.hook.as_str(), "secret-rotate" | "secret-expired")
            }
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
            Self::PebbleReady(ready) => write!(f, "{}-pebble-ready", ready.container),
            Self::PebbleCheckFailed(check) => write!(f, "{}-pebble-check-failed", check.container),
            Self::PebbleCheckRecovered(check) => {
                write!(f, "{}-pebble-check-recovered", check.container)
            }
            Self::PebbleCustomNotice(notice) => {
                write!(f, "{}-pebble-custom-notice", notice.container)
            }
            Self::Unknown(unknown) => f.write_str(&unknown.hook),
        }
    }
}
