//! The hooks and actions that an agent runs on a unit without relations, storage or secrets: their
//! names and variables.
//!
//! Source: reference `juju-agent.md` sections 5.2 and 6.

use charmwright_juju::ActionId;

/// A custom notice, as the workload gave it to Pebble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeInfo {
    /// Pebble's id of the notice.
    pub id: String,
    /// Its type: `custom` is the only one that Juju passes on.
    pub kind: String,
    /// Its key, such as `example.com/done`.
    pub key: String,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookKind {
    /// `install`
    Install,
    /// `leader-elected`
    LeaderElected,
    /// `leader-settings-changed`: Juju 3 and older, on a unit that is not the leader.
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
        /// The container.
        container: String,
        /// Which start of Pebble it is.
        boot_id: String,
    },
    /// `CONTAINER-pebble-check-failed`
    PebbleCheckFailed {
        /// The container.
        container: String,
        /// The check's name.
        check: String,
    },
    /// `CONTAINER-pebble-check-recovered`
    PebbleCheckRecovered {
        /// The container.
        container: String,
        /// The check's name.
        check: String,
    },
    /// `CONTAINER-pebble-custom-notice`
    PebbleCustomNotice {
        /// The container.
        container: String,
        /// The notice.
        notice: NoticeInfo,
    },
    /// An action.
    Action {
        /// Which run of it.
        id: ActionId,
        /// Its name.
        name: String,
    },
}

impl HookKind {
    /// The full name: `web-pebble-ready`; for an action, its own.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::PebbleReady { container, .. }
            | Self::PebbleCheckFailed { container, .. }
            | Self::PebbleCheckRecovered { container, .. }
            | Self::PebbleCustomNotice { container, .. } => {
                format!("{container}-{}", self.bare_name())
            }
            _ => self.bare_name().to_owned(),
        }
    }

    /// The name as error messages have it: a workload hook's lacks its container.
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
            Self::Action { name, .. } => name,
        }
    }

    /// The container that a workload hook is about.
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

    /// Whether it is an action.
    #[must_use]
    pub fn is_action(&self) -> bool {
        matches!(self, Self::Action { .. })
    }

    /// The variables that only this kind of hook has.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if let Some(container) = self.container() {
            variables.push(("JUJU_WORKLOAD_NAME", container.to_owned()));
        }
        match self {
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
