//! The stored form of an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::hook_event::{event_from_variables, variables_of};
use crate::event::Event;
use crate::juju::{CheckName, ContainerName};
use crate::pebble::NoticeId;

/// A stored event is the form of an event in the framework's document, since version 1.
///
/// An event without a variant here is stored as Juju's name of the hook and the variables that came
/// with it: that of an unknown hook, and those of relations, storage and secrets, which have no
/// variant in the first versions of this library either. So an event that a later version adds
/// needs no new format: an older version, to which the charm may be rolled back, reads it as an
/// unknown hook and runs it as one. What an older version stored so is read as the event here.
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
    /// Returns the form of an event. An event that is never stored has the form of a hook without
    /// variables.
    pub(crate) fn from_event(event: &Event) -> Self {
        match event {
            Event::Install => Self::Install,
            Event::Start => Self::Start,
            Event::ConfigChanged => Self::ConfigChanged,
            Event::UpgradeCharm => Self::UpgradeCharm,
            Event::LeaderElected => Self::LeaderElected,
            Event::UpdateStatus => Self::UpdateStatus,
            Event::PebbleReady(ready) => Self::PebbleReady { container: ready.container().clone() },
            Event::PebbleCheckFailed(failed) => Self::PebbleCheckFailed {
                container: failed.container().clone(),
                check: failed.check().clone(),
            },
            Event::PebbleCheckRecovered(recovered) => Self::PebbleCheckRecovered {
                container: recovered.container().clone(),
                check: recovered.check().clone(),
            },
            Event::PebbleCustomNotice(notice) => Self::PebbleCustomNotice {
                container: notice.container().clone(),
                id: notice.id().clone(),
                kind: notice.kind().to_owned(),
                key: notice.key().to_owned(),
            },
            Event::Unknown(unknown) => Self::Unknown {
                hook: unknown.hook().to_owned(),
                variables: unknown.variables().clone(),
            },
            Event::RelationCreated(_)
            | Event::RelationJoined(_)
            | Event::RelationChanged(_)
            | Event::RelationDeparted(_)
            | Event::RelationBroken(_)
            | Event::StorageAttached(_)
            | Event::StorageDetaching(_)
            | Event::SecretChanged(_)
            | Event::SecretRotate(_)
            | Event::SecretExpired(_)
            | Event::SecretRemove(_)
            | Event::Stop
            | Event::Remove => Self::Unknown {
                hook: event.to_string(),
                variables: variables_of(event).unwrap_or_default(),
            },
        }
    }

    /// Returns the event of this form.
    pub(crate) fn into_event(self) -> Event {
        match self {
            Self::Install => Event::Install,
            Self::Start => Event::Start,
            Self::ConfigChanged => Event::ConfigChanged,
            Self::UpgradeCharm => Event::UpgradeCharm,
            Self::LeaderElected => Event::LeaderElected,
            Self::UpdateStatus => Event::UpdateStatus,
            Self::PebbleReady { container } => Event::pebble_ready(container),
            Self::PebbleCheckFailed { container, check } => {
                Event::pebble_check_failed(container, check)
            }
            Self::PebbleCheckRecovered { container, check } => {
                Event::pebble_check_recovered(container, check)
            }
            Self::PebbleCustomNotice { container, id, kind, key } => {
                Event::notice_of_kind(container, id, kind, key)
            }
            Self::Unknown { hook, variables } => event_from_variables(&hook, &variables)
                .unwrap_or_else(|| Event::unknown(hook, variables)),
        }
    }
}
