//! What resending a request means, when its answer was lost on the way.

/// A request's own rule for the time after an ambiguous failure: it was, or may have been, sent, and no answer came.
#[derive(Debug, Clone)]
pub(crate) enum Resend {
    /// Sending it again does no harm.
    Safe,
    /// It is never sent again: the error says that it may have acted.
    Never,
}
