//! The framework's document: deferred events, phases and the mistakes that the user has to correct.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::envelope::Document;
use super::event::StoredEvent;
use crate::error::Error;
use crate::juju::ContainerName;

/// The key of the framework's document in the unit's state.
pub const FRAMEWORK_KEY: &str = "charmwright";

/// The format of the framework's document.
pub(crate) const FRAMEWORK: Document = Document { key: FRAMEWORK_KEY, version: 1 };

/// The content of version 1. A missing key has its default, and an unknown key is refused, because
/// an older library must not drop what it does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct FrameworkDocument {
    /// Whether the unit's first `start` has been handled.
    pub(crate) started: bool,
    /// The containers in operation.
    pub(crate) operation: BTreeSet<ContainerName>,
    /// The messages of mistakes, by the name of the hook that met each.
    pub(crate) faults: BTreeMap<String, String>,
    /// The deferred events, oldest first.
    pub(crate) queue: Vec<StoredEntry>,
}

/// An entry has one deferred event.
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

/// The kind of the status that is shown while an event is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoredStatus {
    Active,
    Waiting,
    Maintenance,
    Blocked,
}

impl FrameworkDocument {
    /// Reads a document of any version.
    ///
    /// # Errors
    ///
    /// Returns a state error if a newer version wrote the document or if it is unreadable.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        // Version 1 is the only one so far.
        let (_, data) = FRAMEWORK.open(text)?;
        FRAMEWORK.read(data)
    }
}
