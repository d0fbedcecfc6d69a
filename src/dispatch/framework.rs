//! The state of the framework, which the unit keeps between hooks.

use std::collections::BTreeSet;

use super::faults::Faults;
use super::invocation::reinterpret_unknown;
use super::queue::{Arrival, Deferred, Queue};
use super::stored::envelope::{LARGEST_DOCUMENT, LARGEST_VALUE};
use super::stored::framework::{FRAMEWORK, FrameworkDocument};
use crate::declaration::Metadata;
use crate::error::Error;
use crate::event::Event;
use crate::juju::{ContainerName, Status};
use crate::phase::Phase;
use crate::text;

/// The framework's state: the deferred events, the phases of the containers and the mistakes that
/// the user has to correct.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Framework {
    /// Whether the unit's first `start` has been handled.
    has_started: bool,
    /// The containers whose Pebble has announced itself; all others are in setup.
    operation: BTreeSet<ContainerName>,
    /// The mistakes that only the user can mend.
    pub(crate) faults: Faults,
    /// The deferred events.
    pub(crate) queue: Queue,
}

impl Framework {
    /// Updates the phases of the containers for the event with which this hook begins.
    pub(crate) fn update_phases(&mut self, event: &Event) {
        match event {
            Event::Install | Event::UpgradeCharm => self.operation.clear(),
            Event::Start => {
                // Juju may send pebble-ready before the unit's first `start`, so only a later one,
                // after a new pod or a reboot, means that Pebble has started anew.
                if self.has_started {
                    self.operation.clear();
                }
                self.has_started = true;
            }
            Event::PebbleReady(ready) => {
                self.operation.insert(ready.container().clone());
            }
            _ => {}
        }
    }

    pub(crate) fn phase(&self, container: &ContainerName) -> Phase {
        if self.operation.contains(container) { Phase::Operation } else { Phase::Setup }
    }

    /// Stores a deferred event, as [`Queue::store`] does.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Queue::store`], and a deferral error if a new event would make the
    /// document too large even with short reasons; then nothing has changed. An event that is
    /// accepted here can always be written, since [`to_write`](Self::to_write) cuts the reasons
    /// until the document fits.
    pub(crate) fn store(
        &mut self,
        event: &Event,
        status: &Status,
        arrival: Arrival,
        now: u64,
    ) -> Result<(), Error> {
        // An event that is stored already must stay stored, so its size is not checked again.
        if self.queue.contains(event) {
            return self.queue.store(event, status, arrival, now);
        }
        let before = self.queue.clone();
        self.queue.store(event, status, arrival, now)?;
        let size = self.size_after_cutting()?;
        if size > LARGEST_DOCUMENT {
            self.queue = before;
            return Err(Error::deferral(format!(
                "cannot defer \"{event}\": the stored events would come to {size} bytes, and \
                 {LARGEST_DOCUMENT} is the limit"
            )));
        }
        Ok(())
    }

    /// Returns the size that the document has in bytes at most once all reasons are cut: with the
    /// highest counts and with the whole limit of the faults.
    fn size_after_cutting(&self) -> Result<usize, Error> {
        let tightest = Self {
            faults: Faults::default(),
            queue: self.queue.with_shortest_reasons(),
            ..self.clone()
        };
        Ok(FRAMEWORK.write(&tightest.to_document())?.len() + Faults::LARGEST)
    }

    /// Removes the mistakes that this event has shown to be corrected. A `config-changed` that is
    /// done has read the whole config, so it removes all of them.
    pub(crate) fn clear_faults(&mut self, event: &Event, is_done: bool) {
        if is_done && *event == Event::ConfigChanged {
            self.faults.clear();
        } else {
            self.faults.remove(event);
        }
    }

    /// Interprets the stored hooks again that were unknown when they were stored.
    pub(crate) fn reinterpret_unknown_events(&mut self, metadata: &Metadata) {
        self.queue.replace_events(|event| reinterpret_unknown(event, metadata));
    }

    /// Removes the containers that the charm no longer declares. Returns the deferred events that
    /// were removed with them.
    pub(crate) fn drop_undeclared(&mut self, metadata: &Metadata) -> Vec<Deferred> {
        // A container that returns in a later revision starts in setup again.
        self.operation.retain(|name| metadata.declares_container(name.as_str()));
        let gone: Vec<Deferred> = self
            .queue
            .entries()
            .iter()
            .filter(|entry| {
                entry
                    .event()
                    .container()
                    .is_some_and(|name| !metadata.declares_container(name.as_str()))
            })
            .cloned()
            .collect();
        for entry in &gone {
            self.queue.remove(entry.event());
        }
        gone
    }

    /// Reads the stored document. `None` is the state of a new unit.
    ///
    /// # Errors
    ///
    /// Returns a state error if a newer version wrote the document or if it is unreadable. The
    /// stored document must then be left as it is.
    pub(crate) fn read(stored: Option<&str>) -> Result<Self, Error> {
        match stored {
            None => Ok(Self::default()),
            Some(text) => FrameworkDocument::read(text).map(Self::from_document),
        }
    }

    fn from_document(document: FrameworkDocument) -> Self {
        let FrameworkDocument { started, operation, faults, queue } = document;
        Self {
            has_started: started,
            operation,
            faults: Faults::from_hooks(faults),
            queue: Queue::from_stored(queue),
        }
    }

    fn to_document(&self) -> FrameworkDocument {
        FrameworkDocument {
            started: self.has_started,
            operation: self.operation.clone(),
            faults: self.faults.by_hook().clone(),
            queue: self.queue.to_stored(),
        }
    }

    /// Returns the document to store in place of `stored`, or `None` if nothing has changed.
    /// Reasons are cut until the document fits.
    ///
    /// # Errors
    ///
    /// Returns a state error if the document is larger than the limit of Juju even then, which no
    /// sequence of hooks leads to.
    pub(crate) fn to_write(&self, stored: Option<&str>) -> Result<Option<String>, Error> {
        // A unit without any state writes nothing, which saves running a hook tool.
        if stored.is_none() && *self == Self::default() {
            return Ok(None);
        }
        let text = self.to_fitting_text()?;
        Ok((stored != Some(text.as_str())).then_some(text))
    }

    /// Returns the document as text, with its reasons cut until it fits.
    fn to_fitting_text(&self) -> Result<String, Error> {
        let text = FRAMEWORK.write(&self.to_document())?;
        if text.len() <= LARGEST_DOCUMENT {
            return Ok(text);
        }
        let mut shorter = self.clone();
        for limit in text::CUTS {
            shorter.queue.cut_reasons(limit);
            let text = FRAMEWORK.write(&shorter.to_document())?;
            if text.len() <= LARGEST_DOCUMENT {
                return Ok(text);
            }
        }
        // Only a document that another version wrote gets here. The faults are dropped rather than
        // events: a mistake is met again, but an event that is lost does not come again.
        shorter.faults.clear();
        FRAMEWORK.within(LARGEST_VALUE, FRAMEWORK.write(&shorter.to_document())?)
    }
}

/// Reads the deferred events of a framework document, which is stored under
/// [`FRAMEWORK_KEY`](super::FRAMEWORK_KEY) in the unit's state. The oldest is first.
///
/// # Errors
///
/// Returns a state error if a newer version wrote the document or if it is unreadable.
pub fn deferred_events(document: &str) -> Result<Vec<Deferred>, Error> {
    Framework::read(Some(document)).map(|framework| framework.queue.entries().to_vec())
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;

    const METADATA: Metadata = Metadata::new("example").containers(&["web", "db"]);

    fn container(name: &str) -> ContainerName {
        name.parse().unwrap()
    }

    fn ready(name: &str) -> Event {
        Event::pebble_ready(container(name))
    }

    fn filled() -> Framework {
        let mut framework = Framework::default();
        framework.update_phases(&Event::Start);
        framework.update_phases(&ready("web"));
        framework.faults.add(&Event::Install, "invalid config \"port\": must be a number");
        framework
            .queue
            .store(&ready("db"), &Status::waiting("waiting"), Arrival::FromJuju, 5)
            .unwrap();
        framework
            .queue
            .store(&Event::ConfigChanged, &Status::blocked("broken"), Arrival::FromJuju, 6)
            .unwrap();
        framework
    }

    #[test]
    fn a_new_unit_has_nothing_to_write() {
        let framework = Framework::read(None).unwrap();
        assert_eq!(framework.to_write(None).unwrap(), None);
    }

    #[test]
    fn it_is_written_only_when_changed() {
        let mut framework = filled();
        let text = framework.to_write(None).unwrap().unwrap();
        assert_eq!(Framework::read(Some(&text)).unwrap(), framework);
        assert_eq!(framework.to_write(Some(&text)).unwrap(), None);
        framework.queue.remove(&Event::ConfigChanged);
        assert!(framework.to_write(Some(&text)).unwrap().is_some());
    }

    #[test]
    fn phases_follow_the_events() {
        let (web, db) = (container("web"), container("db"));
        let mut framework = Framework::default();
        for (event, web_phase, db_phase) in [
            (Event::Install, Phase::Setup, Phase::Setup),
            (ready("web"), Phase::Operation, Phase::Setup),
            (Event::ConfigChanged, Phase::Operation, Phase::Setup),
            // The unit's first start changes no phase, since pebble-ready may come before it.
            (Event::Start, Phase::Operation, Phase::Setup),
            (ready("db"), Phase::Operation, Phase::Operation),
            (Event::UpdateStatus, Phase::Operation, Phase::Operation),
            (Event::Start, Phase::Setup, Phase::Setup),
            (ready("db"), Phase::Setup, Phase::Operation),
            (Event::UpgradeCharm, Phase::Setup, Phase::Setup),
            (Event::ConfigChanged, Phase::Setup, Phase::Setup),
        ] {
            framework.update_phases(&event);
            assert_eq!(
                (framework.phase(&web), framework.phase(&db)),
                (web_phase, db_phase),
                "after {event}"
            );
        }
    }

    #[test]
    fn faults_stay_until_their_event_or_config_changed_is_handled() {
        let mut framework = Framework::default();
        framework.faults.add(&Event::Install, "one");
        framework.faults.add(&Event::UpdateStatus, "two");
        framework.faults.add(&Event::ConfigChanged, "three");
        framework.clear_faults(&Event::UpdateStatus, true);
        assert_eq!(framework.faults.messages().collect::<Vec<_>>(), ["three", "one"]);
        framework.clear_faults(&Event::ConfigChanged, false);
        assert_eq!(framework.faults.messages().collect::<Vec<_>>(), ["one"]);
        framework.clear_faults(&Event::ConfigChanged, true);
        assert_eq!(framework.faults.messages().count(), 0);
    }

    #[test]
    fn an_event_that_does_not_fit_is_refused_and_the_others_stay() {
        let mut framework = filled();
        let large = |number: usize| {
            Event::unknown(
                format!("hook-{number}"),
                [("JUJU_STORAGE_LOCATION".to_owned(), "x".repeat(2048))],
            )
        };
        let mut store = |number| {
            let status = Status::waiting("waiting");
            framework.store(&large(number), &status, Arrival::FromJuju, 0)
        };
        let fitting = (0..Queue::CAPACITY).take_while(|number| store(*number).is_ok()).count();
        assert!((20..40).contains(&fitting), "{fitting}");
        let error = store(fitting).unwrap_err();
        assert_eq!(error.kind(), &crate::error::ErrorKind::Deferral);
        assert_eq!(framework.queue.entries().len(), 2 + fitting);
        framework.faults.add(&large(fitting), &error.to_string());
        framework.to_write(None).unwrap();
    }

    fn hook(number: u32) -> Event {
        Event::unknown(format!("hook-{number}"), [])
    }

    #[test]
    fn what_is_stored_stays_stored_whatever_else_is_to_be_kept() {
        let mut framework = Framework::default();
        let store = |framework: &mut Framework, reason: &str| {
            for number in 0..64 {
                let status = Status::waiting(reason);
                framework.store(&hook(number), &status, Arrival::FromQueue, 0).unwrap();
            }
        };
        store(&mut framework, "w");
        for number in 100..200 {
            framework.faults.add(&hook(number), &"wrong ".repeat(100));
        }
        store(&mut framework, &"\"".repeat(512));
        let text = framework.to_write(None).unwrap().unwrap();
        assert!(text.len() <= LARGEST_DOCUMENT, "{}", text.len());
        let read = Framework::read(Some(&text)).unwrap();
        assert_eq!(read.queue.entries().len(), 64);
        assert!(read.queue.entries().iter().all(|entry| entry.reason().ends_with('…')));
        assert_eq!(read.faults, framework.faults);
        assert_eq!(read.to_write(Some(&text)).unwrap(), None, "what is cut stays as it is");
    }

    #[test]
    fn what_belongs_to_a_container_that_is_gone_goes_with_it() {
        const LESS: Metadata = Metadata::new("example").containers(&["web"]);
        let mut framework = filled();
        assert!(framework.drop_undeclared(&METADATA).is_empty());
        let gone = framework.drop_undeclared(&LESS);
        assert_eq!(gone.iter().map(Deferred::event).collect::<Vec<_>>(), [&ready("db")]);
        assert_eq!(framework.queue.entries().len(), 1);
    }

    #[test]
    fn a_newer_or_foreign_document_is_an_error_that_says_so() {
        for (text, part) in [
            ("{\"version\":2,\"data\":{}}", "its version is 2"),
            ("{\"version\":0,\"data\":{}}", "no version that this charm knows"),
            ("{\"data\":{}}", "no version that this charm knows"),
            ("{\"version\":\"1\",\"data\":{}}", "no version that this charm knows"),
            ("[]", "not a JSON object"),
            ("", "cannot read"),
            ("{\"version\":1}", "cannot read"),
            ("{\"version\":1,\"data\":{\"later\":1}}", "cannot read"),
            (
                "{\"version\":1,\"data\":{\"queue\":[{\"event\":{\"event\":\"moon-full\"}}]}}",
                "cannot read",
            ),
        ] {
            let error = Framework::read(Some(text)).unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
            assert_eq!(error.kind(), &crate::error::ErrorKind::State);
        }
    }

    /// The effect of one hook on the document.
    #[derive(Debug, Clone)]
    enum Hook {
        Defer(u32, usize, String),
        Block(u32, String),
        Done(u32),
        Ready(String),
    }

    fn hooks() -> impl Strategy<Value = Vec<Hook>> {
        let number = || 0..90_u32;
        let long = || "[a\"\\\\é]{0,4}".prop_map(|part| part.repeat(150));
        let one = prop_oneof![
            6 => (number(), prop_oneof![Just(0), 0..5000_usize], long())
                .prop_map(|(n, size, why)| Hook::Defer(n, size, why)),
            3 => (number(), long()).prop_map(|(n, why)| Hook::Block(n, why)),
            1 => number().prop_map(Hook::Done),
            1 => "[a-d]".prop_map(Hook::Ready),
        ];
        proptest::collection::vec(one, 0..120)
    }

    fn event(number: u32, size: usize) -> Event {
        let location = ("JUJU_STORAGE_LOCATION".to_owned(), "x".repeat(size));
        Event::unknown(format!("hook-{number}"), [location].into_iter().filter(|_| size > 0))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn no_sequence_of_hooks_wedges_the_unit(hooks in hooks()) {
            let mut stored: Option<String> = None;
            for hook in hooks {
                let mut framework = Framework::read(stored.as_deref()).unwrap();
                // Each stored event runs again and is not done.
                let events: Vec<Event> =
                    framework.queue.entries().iter().map(|entry| entry.event().clone()).collect();
                for event in &events {
                    let status = Status::blocked("\"".repeat(512));
                    framework.store(event, &status, Arrival::FromQueue, u64::MAX).unwrap();
                }
                match hook {
                    Hook::Defer(number, size, why) => {
                        let new = event(number, size);
                        let is_stored = framework.queue.contains(&new);
                        let status = Status::waiting(why);
                        let result = framework.store(&new, &status, Arrival::FromJuju, u64::MAX);
                        prop_assert!(result.is_ok() || !is_stored);
                    }
                    Hook::Block(number, why) => framework.faults.add(&event(number, 0), &why),
                    Hook::Done(number) => {
                        framework.queue.remove(&event(number, 0));
                        framework.clear_faults(&event(number, 0), true);
                    }
                    Hook::Ready(name) => framework.update_phases(&ready(&name)),
                }
                let kept = framework.queue.entries().len();
                let text = framework.to_write(stored.as_deref()).unwrap();
                prop_assert!(text.as_ref().is_none_or(|text| text.len() <= LARGEST_DOCUMENT));
                stored = text.or(stored);
                let read = Framework::read(stored.as_deref()).unwrap();
                prop_assert_eq!(read.queue.entries().len(), kept);
            }
        }
    }

    proptest! {
        #[test]
        fn any_stored_text_is_read_or_refused(
            text in "(?s).{0,200}|\\{\"version\":[0-3],\"data\":\\PC{0,80}\\}"
        ) {
            let _ = Framework::read(Some(&text));
        }
    }
}
