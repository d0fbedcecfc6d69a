//! [`RelationHook`] is one hook of a relation, with the data that its environment has.

use std::fmt;

use charmwright_juju::UnitName;

use super::number::RelationNumber;

/// The event of a relation for which a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationEvent {
    /// `relation-created`: the unit has entered the relation.
    Created,
    /// `relation-joined`: a remote unit has appeared.
    Joined,
    /// `relation-changed`: the databag of a remote unit or of the remote application is new or has
    /// changed.
    Changed,
    /// `relation-departed`: a remote unit has gone, or this unit leaves.
    Departed,
    /// `relation-broken`: the relation has ended for this unit.
    Broken,
}

impl RelationEvent {
    /// Returns the name without the endpoint, such as `relation-joined`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "relation-created",
            Self::Joined => "relation-joined",
            Self::Changed => "relation-changed",
            Self::Departed => "relation-departed",
            Self::Broken => "relation-broken",
        }
    }
}

impl fmt::Display for RelationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A hook of a relation, such as `db-relation-changed` for the unit `pg/0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationHook {
    pub(crate) event: RelationEvent,
    pub(crate) endpoint: String,
    pub(crate) id: u32,
    pub(crate) remote_app: String,
    pub(crate) remote_unit: Option<UnitName>,
    pub(crate) departing_unit: Option<UnitName>,
    /// The version of the remote databag when the hook became due. A hook that succeeds has handled
    /// this version; a newer one makes another relation-changed.
    pub(crate) version: u64,
}

impl RelationHook {
    /// Returns the event.
    #[must_use]
    pub fn event(&self) -> RelationEvent {
        self.event
    }

    /// Returns the name of this unit's endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the number of the relation. The id that Juju prints is
    /// [`full_id`](Self::full_id).
    #[must_use]
    pub fn relation(&self) -> RelationNumber {
        self.id.into()
    }

    /// Returns the id of the relation as Juju prints it, such as `db:7`.
    #[must_use]
    pub fn full_id(&self) -> String {
        format!("{}:{}", self.endpoint, self.id)
    }

    /// Returns the remote application. In a peer relation it is the unit's own application.
    #[must_use]
    pub fn remote_app(&self) -> &str {
        &self.remote_app
    }

    /// Returns the remote unit. relation-created, relation-broken and the relation-changed of the
    /// remote application have none.
    #[must_use]
    pub fn remote_unit(&self) -> Option<&UnitName> {
        self.remote_unit.as_ref()
    }

    /// Returns the unit that leaves the relation, which may be this unit. Only relation-departed
    /// has one.
    #[must_use]
    pub fn departing_unit(&self) -> Option<&UnitName> {
        self.departing_unit.as_ref()
    }

    /// Returns the name of the hook, such as `db-relation-changed`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.endpoint, self.event)
    }

    /// Returns the environment variables that only a relation hook has.
    ///
    /// `JUJU_REMOTE_UNIT` and `JUJU_REMOTE_APP` are set to the empty string if there is none, and
    /// `JUJU_DEPARTING_UNIT` is left out (Juju 3.6).
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let remote_unit = self.remote_unit.as_ref().map(UnitName::to_string);
        let mut variables = vec![
            ("JUJU_RELATION", self.endpoint.clone()),
            ("JUJU_RELATION_ID", self.full_id()),
            ("JUJU_REMOTE_UNIT", remote_unit.unwrap_or_default()),
            ("JUJU_REMOTE_APP", self.remote_app.clone()),
        ];
        if let Some(unit) = &self.departing_unit {
            variables.push(("JUJU_DEPARTING_UNIT", unit.to_string()));
        }
        variables
    }
}
