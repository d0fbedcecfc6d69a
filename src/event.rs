//! What happened to the unit.

use std::collections::BTreeMap;
use std::fmt;

use crate::juju::{CheckName, ContainerName};
use crate::pebble::NoticeId;

/// What happened to the unit, as Juju told this hook run.
///
/// An event carries all that its handler needs: a deferred event is run again in a later hook,
/// whose environment is not its own. A hook that this version does not know arrives as
/// [`Event::Unknown`], so that a newer Juju cannot crash a charm. An action is no event: see
/// [`Charm::action`](crate::Charm::action).
///
/// A test makes an event by its name here, or by the function of its name where it carries
/// something:
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
    /// The unit is being set up; runs once, before every other hook but storage's.
    Install,
    /// The unit begins its work: once after the first `config-changed`, and again after each new
    /// pod or reboot.
    Start,
    /// A config option, the unit's trust or its addresses changed; also once at start-up and after
    /// an upgrade.
    ConfigChanged,
    /// The charm's files were replaced by another revision.
    UpgradeCharm,
    /// The unit is about to be removed, or (on Kubernetes) its pod to be replaced.
    Stop,
    /// The last hook of a unit that is going away.
    Remove,
    /// This unit became the leader of its application.
    LeaderElected,
    /// The model's periodic hook (every 5 minutes by default).
    UpdateStatus,
    /// The container's Pebble answered for the first time since it, or the unit agent, started.
    PebbleReady(PebbleReady),
    /// A health check of the container reached its failure threshold.
    PebbleCheckFailed(PebbleCheck),
    /// A health check of the container passes again.
    PebbleCheckRecovered(PebbleCheck),
    /// The workload sent a notice of its own through Pebble (`pebble notify`).
    PebbleCustomNotice(CustomNotice),
    /// A hook that this version has no arm for: relations, storage, secrets, and whatever a newer
    /// Juju adds.
    Unknown(UnknownHook),
}

/// The container whose Pebble came up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PebbleReady {
    container: ContainerName,
}

/// A health check that went down, or is up again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PebbleCheck {
    container: ContainerName,
    check: CheckName,
}

/// A notice that the workload sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomNotice {
    container: ContainerName,
    id: NoticeId,
    kind: String,
    key: String,
}

/// A hook that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownHook {
    hook: String,
    variables: BTreeMap<String, String>,
}

impl PebbleReady {
    /// The container.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }
}

impl PebbleCheck {
    /// The container that the check belongs to.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// The check.
    #[must_use]
    pub fn check(&self) -> &CheckName {
        &self.check
    }
}

impl CustomNotice {
    /// The container in which the notice was recorded.
    #[must_use]
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// Pebble's id of the notice, by which its container's client reads it.
    #[must_use]
    pub fn id(&self) -> &NoticeId {
        &self.id
    }

    /// The notice's type; `custom` today.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The key that the workload gave it, such as `example.com/backup-done`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl UnknownHook {
    /// The hook's name, such as `db-relation-changed`.
    #[must_use]
    pub fn hook(&self) -> &str {
        &self.hook
    }

    /// What Juju said about the hook, by the variable that said it (`JUJU_RELATION_ID`,
    /// `JUJU_SECRET_ID`, …); empty values are left out.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

impl Event {
    /// The Pebble of this container came up.
    #[must_use]
    pub fn pebble_ready(container: ContainerName) -> Self {
        Self::PebbleReady(PebbleReady { container })
    }

    /// This check of the container went down.
    #[must_use]
    pub fn pebble_check_failed(container: ContainerName, check: CheckName) -> Self {
        Self::PebbleCheckFailed(PebbleCheck { container, check })
    }

    /// This check of the container is up again.
    #[must_use]
    pub fn pebble_check_recovered(container: ContainerName, check: CheckName) -> Self {
        Self::PebbleCheckRecovered(PebbleCheck { container, check })
    }

    /// The workload sent a notice, of the type `custom` and with this key.
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

    /// A hook that this version does not know, with what Juju said about it by variable.
    #[must_use]
    pub fn unknown(
        hook: impl Into<String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let variables = variables.into_iter().collect();
        Self::Unknown(UnknownHook { hook: hook.into(), variables })
    }

    /// The container that the event is about, for the workload events.
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

    /// Whether this is one of the `<container>-pebble-*` hooks, whose failure Juju hides.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        self.container().is_some()
    }

    /// Whether the unit, or its pod, is going away.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Stop | Self::Remove)
    }

    /// Whether the event may have changed what the unit is to be: what
    /// [`Charm::reconcile`](crate::Charm::reconcile) runs for. These are all events but `stop` and
    /// `remove`.
    #[must_use]
    pub fn changes_world(&self) -> bool {
        !self.is_ending()
    }

    /// Whether the event may be stored and run again later: not `stop` and `remove` (there is no
    /// later), and not `secret-rotate` and `secret-expired` (Juju sends those again by itself until
    /// they are obeyed).
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

/// Juju's name for the hook, such as `web-pebble-ready`.
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
