//! What a handler that came to its end says about its event.

/// An outcome is what a handler that came to its end says about its event: it is done, or it is to
/// run again.
///
/// A pass that could not come to its end is a [`Stop`](crate::Stop) instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    end: End,
}

/// How the event ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Defer(String),
}

impl Outcome {
    /// The event is dealt with.
    pub fn done() -> Self {
        Self { end: End::Done }
    }

    /// Something outside is not there yet: the event is stored and runs again before the next one.
    /// The reason is for the operator, as the unit's Waiting status: `waiting for the database`.
    ///
    /// Not possible in `stop`, `remove`, `secret-rotate` and `secret-expired`: there it is an
    /// error.
    pub fn defer(reason: impl Into<String>) -> Self {
        Self { end: End::Defer(reason.into()) }
    }

    pub(crate) fn into_end(self) -> End {
        self.end
    }
}
