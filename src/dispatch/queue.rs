//! The queue of a unit's deferred events.

use super::stored::event::StoredEvent;
use super::stored::framework::{StoredEntry, StoredStatus};
use crate::error::Error;
use crate::event::Event;
use crate::juju::{Status, StatusKind};
use crate::text::{self, one_line};

/// A deferred event is stored and runs again before the next event, until its handler is done with
/// it.
///
/// The queue guarantees that a stored event runs **at least once** more, that stored events run
/// oldest first and each at most once in a hook, and that equal events share one entry with a
/// count. A hook that fails changes nothing, since Juju drops what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    event: Event,
    count: u32,
    attempts: u32,
    since: u64,
    reason: String,
    status: StoredStatus,
}

impl Deferred {
    /// Returns the event that will run again.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the number of times that Juju has sent this event since it was first stored; at
    /// least 1.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the number of times that the handler has run without being done; at least 1.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the time at which the event was first stored, in seconds since 1970 in UTC.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// Returns the reason of the last attempt for which the event is stored, as one line.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the status that the unit shows while the event is stored.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.kind() {
            StatusKind::Blocked => Status::blocked(&*self.reason),
            StatusKind::Maintenance => Status::maintenance(&*self.reason),
            StatusKind::Active => Status::active(),
            _ => Status::waiting(&*self.reason),
        }
    }

    fn kind(&self) -> StatusKind {
        match self.status {
            StoredStatus::Active => StatusKind::Active,
            StoredStatus::Waiting => StatusKind::Waiting,
            StoredStatus::Maintenance => StatusKind::Maintenance,
            StoredStatus::Blocked => StatusKind::Blocked,
        }
    }
}

/// The source of an event that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Juju sent the event with this hook.
    FromJuju,
    /// The event was stored before and has run again.
    FromQueue,
}

/// The queue has all deferred events, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    entries: Vec<Deferred>,
}

impl Queue {
    /// The number of different events that the queue can hold. It is more than a charm has, since
    /// equal events share an entry; the size of the document is limited apart from it.
    pub(crate) const CAPACITY: usize = 64;

    /// Makes the queue from the entries of a document.
    pub(crate) fn from_stored(entries: Vec<StoredEntry>) -> Self {
        let entries = entries.into_iter().map(|entry| {
            let StoredEntry { event, count, attempts, since, reason, status } = entry;
            Deferred { event: event.into_event(), count, attempts, since, reason, status }
        });
        Self { entries: entries.collect() }
    }

    /// Returns the entries for a document.
    pub(crate) fn to_stored(&self) -> Vec<StoredEntry> {
        let entries = self.entries.iter().map(|entry| StoredEntry {
            event: StoredEvent::from_event(&entry.event),
            count: entry.count,
            attempts: entry.attempts,
            since: entry.since,
            reason: entry.reason.clone(),
            status: entry.status,
        });
        entries.collect()
    }

    pub(crate) fn entries(&self) -> &[Deferred] {
        &self.entries
    }

    /// Returns `true` if an equal event is stored.
    pub(crate) fn contains(&self, event: &Event) -> bool {
        self.entries.iter().any(|entry| entry.event == *event)
    }

    /// Cuts each reason to at most `limit` bytes.
    pub(crate) fn cut_reasons(&mut self, limit: usize) {
        for entry in &mut self.entries {
            if entry.reason.len() > limit {
                entry.reason = text::cut(&entry.reason, limit);
            }
        }
    }

    /// Returns the same events as large as they can become once every reason is cut to its smallest
    /// limit. If these fit, the events can always be stored, whatever their reasons and counts
    /// become.
    pub(crate) fn with_shortest_reasons(&self) -> Self {
        let entries = self.entries.iter().map(|entry| Deferred {
            event: entry.event.clone(),
            count: u32::MAX,
            attempts: u32::MAX,
            since: entry.since,
            // A quotation mark takes two bytes in JSON, and no other character of a reason takes
            // more for its length.
            reason: "\"".repeat(text::SHORTEST),
            status: StoredStatus::Maintenance,
        });
        Self { entries: entries.collect() }
    }

    /// Stores an event with the status to show meanwhile. An equal event keeps its place and its
    /// age, and its count and attempts increase.
    ///
    /// # Errors
    ///
    /// Returns a deferral error if the kind of the event cannot be stored, or if the event is new
    /// and the queue is full; then nothing has changed. Storing an event that is stored already
    /// never fails for want of space.
    pub(crate) fn store(
        &mut self,
        event: &Event,
        status: &Status,
        arrival: Arrival,
        now: u64,
    ) -> Result<(), Error> {
        if !event.is_deferrable() {
            return Err(Error::deferral(format!(
                "cannot defer \"{event}\": stop, remove, secret-rotate and secret-expired cannot \
                 be stored; finish it now or return an error"
            )));
        }
        let kind = match status.kind() {
            StatusKind::Active => StoredStatus::Active,
            StatusKind::Maintenance => StoredStatus::Maintenance,
            StatusKind::Blocked => StoredStatus::Blocked,
            _ => StoredStatus::Waiting,
        };
        let reason = one_line(status.message());
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.event == *event) {
            entry.attempts = entry.attempts.saturating_add(1);
            if arrival == Arrival::FromJuju {
                entry.count = entry.count.saturating_add(1);
            }
            entry.reason = reason;
            entry.status = kind;
            return Ok(());
        }
        if self.entries.len() >= Self::CAPACITY {
            return Err(Error::deferral(format!(
                "cannot defer \"{event}\": {} events are stored already, which is the limit; the \
                 oldest is \"{}\" ({})",
                self.entries.len(),
                self.entries.first().map_or_else(String::new, |entry| entry.event.to_string()),
                self.entries.first().map_or("", |entry| entry.reason.as_str()),
            )));
        }
        self.entries.push(Deferred {
            event: event.clone(),
            count: 1,
            attempts: 1,
            since: now,
            reason,
            status: kind,
        });
        Ok(())
    }

    /// Replaces each event for which `known` returns another one. If that event is stored already,
    /// the two become one entry at the place of the older, with both counts.
    pub(crate) fn replace_events(&mut self, known: impl Fn(&Event) -> Option<Event>) {
        let mut kept: Vec<Deferred> = Vec::with_capacity(self.entries.len());
        for mut entry in std::mem::take(&mut self.entries) {
            if let Some(event) = known(&entry.event) {
                entry.event = event;
            }
            match kept.iter_mut().find(|older| older.event == entry.event) {
                Some(older) => {
                    older.count = older.count.saturating_add(entry.count);
                    older.attempts = older.attempts.max(entry.attempts);
                    older.reason = entry.reason;
                    older.status = entry.status;
                }
                None => kept.push(entry),
            }
        }
        self.entries = kept;
    }

    /// Removes the event. Returns `true` if it was stored.
    pub(crate) fn remove(&mut self, event: &Event) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.event != *event);
        self.entries.len() != before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unknown(name: &str) -> Event {
        Event::unknown(name, [])
    }

    fn waiting() -> Status {
        Status::waiting("waiting for something")
    }

    #[test]
    fn equal_events_are_one_entry_with_a_count() {
        let mut queue = Queue::default();
        queue.store(&Event::ConfigChanged, &waiting(), Arrival::FromJuju, 10).unwrap();
        queue.store(&Event::UpdateStatus, &waiting(), Arrival::FromJuju, 11).unwrap();
        queue
            .store(&Event::ConfigChanged, &Status::blocked("broken"), Arrival::FromJuju, 12)
            .unwrap();
        queue
            .store(&Event::ConfigChanged, &Status::blocked("still\nbroken"), Arrival::FromQueue, 13)
            .unwrap();
        let [first, second] = queue.entries() else { panic!("{queue:?}") };
        assert_eq!(
            (first.event(), first.count(), first.attempts(), first.since()),
            (&Event::ConfigChanged, 2, 3, 10)
        );
        assert_eq!(first.status(), Status::blocked("still broken"));
        assert_eq!(
            (second.event(), second.count(), second.attempts()),
            (&Event::UpdateStatus, 1, 1)
        );
        assert!(queue.remove(&Event::ConfigChanged));
        assert!(!queue.remove(&Event::ConfigChanged));
    }

    #[test]
    fn what_must_not_be_stored_is_refused() {
        let mut queue = Queue::default();
        let id = || "9m4e2mr0ui3e8a215n4g".parse().unwrap();
        for event in [
            Event::Stop,
            Event::Remove,
            Event::secret_rotate(id(), None),
            Event::secret_expired(id(), None, 4),
            unknown("secret-rotate"),
            unknown("secret-expired"),
        ] {
            let error = queue.store(&event, &waiting(), Arrival::FromJuju, 0).unwrap_err();
            assert!(error.to_string().starts_with(&format!("cannot defer \"{event}\"")), "{error}");
        }
        assert!(queue.entries().is_empty());
    }

    #[test]
    fn a_full_queue_refuses_a_new_event_and_still_takes_an_equal_one() {
        let mut queue = Queue::default();
        for number in 0..Queue::CAPACITY {
            queue
                .store(&unknown(&format!("hook-{number}")), &waiting(), Arrival::FromJuju, 0)
                .unwrap();
        }
        let before = queue.clone();
        let error = queue.store(&Event::Install, &waiting(), Arrival::FromJuju, 0).unwrap_err();
        assert!(error.to_string().contains("64 events are stored already"), "{error}");
        assert_eq!(queue, before);
        queue.store(&unknown("hook-63"), &waiting(), Arrival::FromJuju, 0).unwrap();
    }

    proptest! {
        #[test]
        fn the_order_of_first_arrival_is_kept(
            names in proptest::collection::vec("[a-c]{1,2}", 0..40)
        ) {
            let mut queue = Queue::default();
            let mut expected: Vec<String> = Vec::new();
            for name in &names {
                queue.store(&unknown(name), &waiting(), Arrival::FromJuju, 0).unwrap();
                if !expected.contains(name) {
                    expected.push(name.clone());
                }
            }
            let stored: Vec<String> =
                queue.entries().iter().map(|entry| entry.event().to_string()).collect();
            prop_assert_eq!(stored, expected);
            let total: u32 = queue.entries().iter().map(Deferred::count).sum();
            prop_assert_eq!(total as usize, names.len());
        }

        #[test]
        fn a_queue_survives_the_round_trip(
            names in proptest::collection::vec("\\PC{1,20}", 0..20),
            reason in "\\PC{0,60}",
        ) {
            let mut queue = Queue::default();
            for name in &names {
                let status = Status::blocked(&*reason);
                queue.store(&unknown(name), &status, Arrival::FromJuju, 7).unwrap_or(());
            }
            let text = serde_json::to_string(&queue.to_stored()).unwrap();
            let read = Queue::from_stored(serde_json::from_str(&text).unwrap());
            prop_assert_eq!(read, queue);
        }
    }
}
