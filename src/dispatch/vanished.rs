//! Finds out whether what a stored event is about is gone.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::event::Event;
use crate::juju::{EndpointName, HookTools, RelationId, StorageId, StorageName};

/// What is known about the relation or the storage that a stored event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is there, or the event does not need it.
    Present,
    /// It is gone. The text names it, such as `the relation db:7`.
    Gone(String),
    /// A hook tool failed that was asked about it before in this hook.
    Unknown,
}

/// A subject is what an event cannot do without.
enum Subject<'a> {
    Relation(&'a EndpointName, &'a RelationId),
    Storage(&'a StorageName, &'a StorageId),
}

impl<'a> Subject<'a> {
    /// Returns the subject of an event, or `None` if its handler can do its work when everything
    /// else is gone. The events of the end of a relation or a storage carry all that is left of it.
    /// An event of a secret has a handler that meets the missing secret when it reads it.
    fn of(event: &'a Event) -> Option<Self> {
        match event {
            Event::RelationCreated(created) => {
                Some(Self::Relation(created.endpoint(), created.id()))
            }
            Event::RelationJoined(joined) => Some(Self::Relation(joined.endpoint(), joined.id())),
            Event::RelationChanged(changed) => {
                Some(Self::Relation(changed.endpoint(), changed.id()))
            }
            Event::StorageAttached(storage) => {
                storage.id().map(|id| Self::Storage(storage.name(), id))
            }
            _ => None,
        }
    }

    /// Returns `true` if this event is about the end of the subject.
    fn ends_with(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::Relation(_, id), Event::RelationBroken(broken)) => {
                id.number() == broken.id().number()
            }
            (Self::Storage(_, id), Event::StorageDetaching(storage)) => storage.id() == Some(*id),
            _ => false,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Relation(_, id) => format!("the relation {id}"),
            Self::Storage(_, id) => format!("the storage {id}"),
        }
    }
}

/// Looks for the subjects of the stored events of one hook.
///
/// It asks Juju only about an endpoint or a storage of which such an event is stored, and once in a
/// hook: [`HookTools`] caches the answer, and a tool that failed is not asked again here. A tool
/// that hangs would otherwise hold up the hook for each of the events.
pub(crate) struct Lookup<'a> {
    tools: &'a HookTools,
    current: &'a Event,
    failed_endpoints: BTreeSet<EndpointName>,
    failed_storages: BTreeSet<StorageName>,
}

impl<'a> Lookup<'a> {
    /// Makes the lookup of a hook that begins with the event `current`. A relation or a storage
    /// whose end this is counts as gone, although Juju may still list it.
    pub(crate) fn new(tools: &'a HookTools, current: &'a Event) -> Self {
        Self { tools, current, failed_endpoints: BTreeSet::new(), failed_storages: BTreeSet::new() }
    }

    /// Returns what is known about the subject of a stored event.
    ///
    /// # Errors
    ///
    /// Returns the error of the hook tool, the first time that it fails for this endpoint or
    /// storage.
    pub(crate) fn presence_for(&mut self, event: &Event) -> Result<Presence, Error> {
        let Some(subject) = Subject::of(event) else { return Ok(Presence::Present) };
        if subject.ends_with(self.current) {
            return Ok(Presence::Gone(subject.describe()));
        }
        let is_there = match subject {
            Subject::Relation(endpoint, _) if self.failed_endpoints.contains(endpoint) => {
                return Ok(Presence::Unknown);
            }
            Subject::Storage(name, _) if self.failed_storages.contains(name) => {
                return Ok(Presence::Unknown);
            }
            Subject::Relation(endpoint, id) => match self.tools.relation_ids(endpoint) {
                // A relation has one number in its model, however its id is written.
                Ok(ids) => ids.iter().any(|there| there.number() == id.number()),
                Err(error) => {
                    self.failed_endpoints.insert(endpoint.clone());
                    return Err(error.into());
                }
            },
            Subject::Storage(name, id) => match self.tools.storage_ids(name) {
                Ok(ids) => ids.contains(id),
                Err(error) => {
                    self.failed_storages.insert(name.clone());
                    return Err(error.into());
                }
            },
        };
        Ok(if is_there { Presence::Present } else { Presence::Gone(subject.describe()) })
    }
}
