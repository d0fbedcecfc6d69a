//! The framework's document: deferred events, phases and the mistakes that the user has to mend.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::envelope::Document;
use super::event::StoredEvent;
use crate::error::Error;
use crate::juju::ContainerName;

/// The key of the framework's document in the unit's state.
pub const FRAMEWORK_KEY: &str = "charmwright";

/// The framework's document.
pub(crate) const FRAMEWORK: Document = Document { key: FRAMEWORK_KEY, version: 1 };

/// The content of version 1. A key that is not there is at its default, and one more is refused: an
/// older library must not drop what it does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct FrameworkDocument {
    /// The unit's first `start` has been handled.
    pub(crate) started: bool,
    /// The containers in operation.
    pub(crate) operation: BTreeSet<ContainerName>,
    /// The mistakes, by the name of the hook that met each.
    pub(crate) faults: BTreeMap<String, String>,
    /// The deferred events, oldest first.
    pub(crate) queue: Vec<StoredEntry>,
}

/// One deferred event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StoredEntry {
    pub(crate) event: StoredEvent,
    pub(crate) count: u32,
    pub(crate) attempts: u32,
    /// Seconds since 1970 in UTC.
    pub(crate) since: u64,
    pub(crate) reason: String,
    pub(crate) status: StoredStatus,
}

/// The kind of status that is shown while an event is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoredStatus {
    Active,
    Waiting,
    Maintenance,
    Blocked,
}

impl FrameworkDocument {
    /// Reads a document of any version so far.
    ///
    /// # Errors
    ///
    /// A state error if it is from a newer version or unreadable.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        // Version 1 is the only one so far.
        let (_, data) = FRAMEWORK.open(text)?;
        FRAMEWORK.read(data)
    }
}
