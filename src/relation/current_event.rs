//! What the event that a handler runs for says about one relation.

use std::cell::RefCell;

use crate::event::Event;
use crate::juju::{ApplicationName, RelationId, UnitName};

/// The relation of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventRelation {
    pub(crate) id: RelationId,
    /// `true` if the event is the end of the relation.
    pub(crate) is_broken: bool,
    pub(crate) remote_app: Option<ApplicationName>,
    /// The unit that leaves the relation.
    pub(crate) departing: Option<UnitName>,
}

impl EventRelation {
    /// Reads the relation from an event; `None` if the event is of no relation.
    ///
    /// It is read from the event and never from the environment, because a deferred event runs with
    /// the environment of another hook.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let id = event.relation()?.clone();
        let (is_broken, remote_app, departing) = match event {
            Event::RelationBroken(broken) => (true, broken.application(), None),
            Event::RelationDeparted(departed) => {
                (false, Some(departed.application()), departed.departing_unit().cloned())
            }
            Event::RelationCreated(created) => (false, Some(created.application()), None),
            Event::RelationJoined(joined) => (false, Some(joined.application()), None),
            Event::RelationChanged(changed) => (false, Some(changed.application()), None),
            _ => (false, None, None),
        };
        let remote_app = remote_app.cloned();
        Some(Self { id, is_broken, remote_app, departing })
    }
}

/// The relations of the hook and of the event that runs in it now.
#[derive(Debug, Default)]
pub(crate) struct CurrentEvent {
    /// The relation of the hook's own event. What breaks in the hook breaks for every event that
    /// runs in it, because Juju has taken the relation away already.
    hook: Option<EventRelation>,
    /// The relation of the event that runs now, which may be a deferred one.
    running: RefCell<Option<EventRelation>>,
}

impl CurrentEvent {
    /// Makes it for a hook, before any event runs.
    pub(crate) fn of_hook(event: Option<&Event>) -> Self {
        Self { hook: event.and_then(EventRelation::of), running: RefCell::default() }
    }

    /// Records that a handler runs for this event now.
    pub(crate) fn begin(&self, event: &Event) {
        *self.running.borrow_mut() = EventRelation::of(event);
    }

    /// Returns the relation that breaks in this hook.
    pub(crate) fn breaking(&self) -> Option<&EventRelation> {
        self.hook.as_ref().filter(|relation| relation.is_broken)
    }

    /// Returns `true` if this relation breaks in this hook.
    pub(crate) fn is_breaking(&self, relation: &RelationId) -> bool {
        self.breaking().is_some_and(|breaking| breaking.id.number() == relation.number())
    }

    /// Returns the remote application of this relation if the hook's own event has it.
    pub(crate) fn remote_app_of(&self, relation: &RelationId) -> Option<&ApplicationName> {
        let event = self.hook.as_ref().filter(|event| event.id.number() == relation.number())?;
        event.remote_app.as_ref()
    }

    /// Returns the unit that leaves this relation by the event that runs now.
    pub(crate) fn departing(&self, relation: &RelationId) -> Option<UnitName> {
        let running = self.running.borrow();
        let running = running.as_ref().filter(|event| event.id.number() == relation.number())?;
        running.departing.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_is_the_hooks_and_who_departs_is_the_running_events() {
        let db: RelationId = "db:7".parse().unwrap();
        let ring: RelationId = "ring:1".parse().unwrap();
        let broken = Event::relation_broken("db".parse().unwrap(), db.clone(), None);
        let unit: UnitName = "web/1".parse().unwrap();
        let departed = Event::relation_departed(
            "ring".parse().unwrap(),
            ring.clone(),
            unit.clone(),
            Some(unit),
        );
        let current = CurrentEvent::of_hook(Some(&broken));
        assert!(current.is_breaking(&db) && !current.is_breaking(&ring));
        // A deferred event runs first.
        current.begin(&departed);
        assert!(current.is_breaking(&db));
        assert_eq!(current.departing(&ring), Some("web/1".parse().unwrap()));
        assert_eq!(current.departing(&db), None);
        current.begin(&broken);
        assert_eq!(current.departing(&ring), None);
        let current = CurrentEvent::of_hook(Some(&departed));
        assert!(!current.is_breaking(&ring) && current.departing(&ring).is_none());
        assert_eq!(current.remote_app_of(&ring), Some(&"web".parse().unwrap()));
        assert_eq!(current.remote_app_of(&db), None);
        current.begin(&Event::ConfigChanged);
        assert_eq!(current.departing(&ring), None);
        assert!(CurrentEvent::of_hook(None).breaking().is_none());
    }
}
