//! The statuses that collect-status adds, and how the one to show is chosen.

use crate::juju::{Status, StatusKind};

/// A list of the statuses of a unit's components, of which the worst is shown.
///
/// Blocked is worse than Maintenance, then follow Waiting and Active; among equals the first one
/// added wins. [`add_weighted`](Statuses::add_weighted) gives a component another weight. With
/// nothing added the unit is Active.
///
/// Before it calls the charm, the framework adds Blocked if the config does not parse or a handler
/// has met a mistake in it, Waiting for each stored event, and Waiting for each container in setup.
///
/// ```
/// use charmwright::{Status, Statuses};
///
/// let mut statuses = Statuses::default();
/// statuses.add(Status::active());
/// statuses.add(Status::waiting("waiting for the database"));
/// statuses.add(Status::waiting("waiting for the cache"));
/// assert_eq!(statuses.worst(), Status::waiting("waiting for the database"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Statuses {
    unit: Vec<(u32, Status)>,
    application: Vec<(u32, Status)>,
}

impl Statuses {
    /// The weight of a Blocked status.
    pub const BLOCKED: u32 = 400;
    /// The weight of a Maintenance status.
    pub const MAINTENANCE: u32 = 300;
    /// The weight of a Waiting status.
    pub const WAITING: u32 = 200;
    /// The weight of an Active status.
    pub const ACTIVE: u32 = 100;

    /// Adds the status of a component with the weight of its kind.
    pub fn add(&mut self, status: Status) {
        self.unit.push((weight(&status), status));
    }

    /// Adds the status of a component with another weight. For example, an optional component takes
    /// a weight below [`Statuses::WAITING`] so that its Blocked does not hide a Waiting elsewhere.
    pub fn add_weighted(&mut self, status: Status, weight: u32) {
        self.unit.push((weight, status));
    }

    /// Adds a status of the whole application. The worst of these is set if this unit is the
    /// leader; with none added the framework does not ask Juju for the leader.
    pub fn add_application(&mut self, status: Status) {
        self.application.push((weight(&status), status));
    }

    /// Returns the worst status of the unit, or Active if none was added.
    #[must_use]
    pub fn worst(&self) -> Status {
        heaviest(&self.unit).cloned().unwrap_or_else(Status::active)
    }

    /// Returns the worst status of the application, or `None` if none was added.
    #[must_use]
    pub fn worst_application(&self) -> Option<&Status> {
        heaviest(&self.application)
    }
}

fn weight(status: &Status) -> u32 {
    match status.kind() {
        StatusKind::Active => Statuses::ACTIVE,
        StatusKind::Waiting => Statuses::WAITING,
        StatusKind::Maintenance => Statuses::MAINTENANCE,
        StatusKind::Blocked => Statuses::BLOCKED,
        // Juju's own kinds (unknown, error, …) cannot be set by a charm.
        _ => 0,
    }
}

/// Returns the status with the highest weight. It iterates backwards because `max_by_key` returns
/// the last of several equal maxima.
fn heaviest(statuses: &[(u32, Status)]) -> Option<&Status> {
    statuses.iter().rev().max_by_key(|(weight, _)| *weight).map(|(_, status)| status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_kind_wins_in_any_order() {
        let kinds = [
            Status::active(),
            Status::waiting("waiting"),
            Status::maintenance("maintenance"),
            Status::blocked("blocked"),
        ];
        for (rank, worst) in kinds.iter().enumerate() {
            let mut forward = Statuses::default();
            let mut backward = Statuses::default();
            for better in &kinds[..=rank] {
                forward.add(better.clone());
            }
            for better in kinds[..=rank].iter().rev() {
                backward.add(better.clone());
            }
            assert_eq!(&forward.worst(), worst);
            assert_eq!(&backward.worst(), worst);
        }
    }

    #[test]
    fn the_first_added_wins_a_tie() {
        let mut statuses = Statuses::default();
        statuses.add(Status::blocked("first"));
        statuses.add(Status::blocked("second"));
        assert_eq!(statuses.worst(), Status::blocked("first"));
    }

    #[test]
    fn a_weight_of_its_own_beats_the_kind() {
        let mut statuses = Statuses::default();
        statuses.add_weighted(Status::blocked("optional"), Statuses::ACTIVE - 1);
        statuses.add(Status::active());
        assert_eq!(statuses.worst(), Status::active());
    }

    #[test]
    fn nothing_added_is_active_and_no_application_status() {
        let statuses = Statuses::default();
        assert_eq!(statuses.worst(), Status::active());
        assert_eq!(statuses.worst_application(), None);
    }
}
