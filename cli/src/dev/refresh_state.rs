//! The stages of a refresh of the charm.

use super::charm_source::PreparedCharm;

/// The stage of a refresh.
#[derive(Debug)]
pub enum Refresh {
    None,
    /// The charm's next folder is being made, while the unit goes on.
    Preparing,
    /// It is made, and waits until the hook that runs has ended.
    Prepared(PreparedCharm),
    /// The pod ends, and the next one holds it. These containers ran in the last one.
    PodEnding(PreparedCharm, Vec<String>),
}

impl Refresh {
    pub fn is_under_way(&self) -> bool {
        !matches!(self, Self::None)
    }

    pub fn is_preparing(&self) -> bool {
        matches!(self, Self::Preparing)
    }
}
