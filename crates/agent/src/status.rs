//! [`StatusValue`] is the status of a unit or of an application.

/// A status word, such as `active`, with its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatusValue {
    pub(super) status: String,
    pub(super) message: String,
}

impl StatusValue {
    pub(super) fn new(status: &str, message: &str) -> Self {
        Self { status: status.to_owned(), message: message.to_owned() }
    }
}
