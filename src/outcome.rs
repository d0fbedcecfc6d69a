//! The outcome of a handler that succeeded.

/// An outcome says what happens to the event of a handler that succeeded: it is done, or it runs
/// again.
///
/// A handler that could not finish returns a [`Stop`](crate::Stop) instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    end: End,
}

/// The two ends of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Defer(String),
}

impl Outcome {
    /// Says that the event is done.
    pub fn done() -> Self {
        Self { end: End::Done }
    }

    /// Says that the event is stored and runs again before the next one, because something outside
    /// the charm is missing. The operator reads the reason as the unit's Waiting status, such as
    /// `waiting for the database`.
    ///
    /// The events `stop`, `remove`, `secret-rotate` and `secret-expired` cannot be stored: there it
    /// is an error.
    pub fn defer(reason: impl Into<String>) -> Self {
        Self { end: End::Defer(reason.into()) }
    }

    pub(crate) fn into_end(self) -> End {
        self.end
    }
}
