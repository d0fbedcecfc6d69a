//! The state of a refresh of the charm.

use super::charm_source::PreparedCharm;

/// The steps of a refresh.
#[derive(Debug)]
pub enum Refresh {
    /// No refresh is under way.
    None,
    /// The charm's next folder is being made while the unit goes on.
    Preparing,
    /// The folder is complete and waits for the running hook to end.
    Prepared(PreparedCharm),
    /// The pod is ending, and the next pod gets this charm; `None` if it keeps the one that it has.
    /// The names are those of the containers that ran in the last pod.
    PodEnding(Option<PreparedCharm>, Vec<String>),
}

impl Refresh {
    /// Returns `true` from the command until the new charm is in place.
    pub fn is_under_way(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns `true` while the charm is being copied or built.
    pub fn is_preparing(&self) -> bool {
        matches!(self, Self::Preparing)
    }
}
