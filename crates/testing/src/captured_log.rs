//! A `tracing` subscriber that collects log lines for a test.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{Event, Level, Metadata, Subscriber, field, span};

/// A `tracing` subscriber that collects the level and the message of each event from INFO on.
///
/// Clones share their lines. Spans are ignored. A line has the text of one field: that of the
/// message, if the event has no other.
///
/// ```
/// let log = charmwright_testing::CapturedLog::default();
/// tracing::subscriber::with_default(log.clone(), || tracing::warn!("it is late"));
/// assert_eq!(log.lines(), [(tracing::Level::WARN, "it is late".to_owned())]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<(Level, String)>>>);

impl CapturedLog {
    /// Returns the lines that were logged so far, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Level, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for CapturedLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        // One id for all spans is enough, since none is looked at; only zero is not allowed.
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl field::Visit for Text {
            fn record_debug(&mut self, _: &field::Field, value: &dyn fmt::Debug) {
                // The message is a `fmt::Arguments`, whose `Debug` form is the text itself.
                self.0 = format!("{value:?}");
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.lock().push((*event.metadata().level(), text.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
