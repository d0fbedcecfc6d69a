//! An event as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::event::Event;
use crate::juju::{CheckName, ContainerName};
use crate::pebble::NoticeId;

/// The form of an event in the framework's document, since its version 1.
///
/// An event that has no form of its own here is kept as Juju's name for the hook and the variables
/// that came with it. So a kind of event that a later version knows needs no new form: an older
/// version reads it as a hook that it does not know, and the later one reads what the older one
/// stored as the event that it is ([`Event::known_as`](Event::known_as)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub(crate) enum StoredEvent {
    Install,
    Start,
    ConfigChanged,
    UpgradeCharm,
    LeaderElected,
    UpdateStatus,
    PebbleReady {
        container: ContainerName,
    },
    PebbleCheckFailed {
        container: ContainerName,
        check: CheckName,
    },
    PebbleCheckRecovered {
        container: ContainerName,
        check: CheckName,
    },
    PebbleCustomNotice {
        container: ContainerName,
        id: NoticeId,
        #[serde(rename = "type")]
        kind: String,
        key: String,
    },
    Unknown {
        hook: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        variables: BTreeMap<String, String>,
    },
}

impl StoredEvent {
    /// Gives the form of an event. An event that is never stored has that of a hook without
    /// variables.
    pub(crate) fn of(event: &Event) -> Self {
        match event.clone() {
            Event::Install => Self::Install,
            Event::Start => Self::Start,
            Event::ConfigChanged => Self::ConfigChanged,
            Event::UpgradeCharm => Self::UpgradeCharm,
            Event::LeaderElected => Self::LeaderElected,
            Event::UpdateStatus => Self::UpdateStatus,
            Event::PebbleReady { container } => Self::PebbleReady { container },
            Event::PebbleCheckFailed { container, check } => {
                Self::PebbleCheckFailed { container, check }
            }
            Event::PebbleCheckRecovered { container, check } => {
                Self::PebbleCheckRecovered { container, check }
            }
            Event::PebbleCustomNotice { container, id, kind, key } => {
                Self::PebbleCustomNotice { container, id, kind, key }
            }
            Event::Unknown { hook, variables } => Self::Unknown { hook, variables },
            event @ (Event::Stop | Event::Remove | Event::Action { .. }) => {
                Self::Unknown { hook: event.to_string(), variables: BTreeMap::new() }
            }
        }
    }

    /// Gives the event of this form.
    pub(crate) fn into_event(self) -> Event {
        match self {
            Self::Install => Event::Install,
            Self::Start => Event::Start,
            Self::ConfigChanged => Event::ConfigChanged,
            Self::UpgradeCharm => Event::UpgradeCharm,
            Self::LeaderElected => Event::LeaderElected,
            Self::UpdateStatus => Event::UpdateStatus,
            Self::PebbleReady { container } => Event::PebbleReady { container },
            Self::PebbleCheckFailed { container, check } => {
                Event::PebbleCheckFailed { container, check }
            }
            Self::PebbleCheckRecovered { container, check } => {
                Event::PebbleCheckRecovered { container, check }
            }
            Self::PebbleCustomNotice { container, id, kind, key } => {
                Event::PebbleCustomNotice { container, id, kind, key }
            }
            Self::Unknown { hook, variables } => Event::Unknown { hook, variables },
        }
    }
}
