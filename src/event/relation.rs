//! The data of the events of a relation.

use crate::juju::{ApplicationName, EndpointName, RelationId, UnitName};

/// A relation-created event has the new relation and the remote application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationCreated {
    endpoint: EndpointName,
    id: RelationId,
    application: ApplicationName,
}

/// A relation-joined event has the relation and the remote unit that has entered it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationJoined {
    endpoint: EndpointName,
    id: RelationId,
    unit: UnitName,
}

/// A relation-changed event has the relation and the remote unit or application whose databag has
/// changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationChanged {
    endpoint: EndpointName,
    id: RelationId,
    application: ApplicationName,
    unit: Option<UnitName>,
}

/// A relation-departed event has the relation and the remote unit that this unit no longer sees in
/// it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationDeparted {
    endpoint: EndpointName,
    id: RelationId,
    unit: UnitName,
    departing_unit: Option<UnitName>,
}

/// A relation-broken event has the relation that ends for this unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationBroken {
    endpoint: EndpointName,
    id: RelationId,
    application: Option<ApplicationName>,
}

/// Implements the methods that the data of every relation event has.
macro_rules! impl_relation {
    ($($name:ident),*) => {$(
        impl $name {
            /// Returns the name of this unit's endpoint.
            #[must_use]
            pub fn endpoint(&self) -> &EndpointName {
                &self.endpoint
            }

            /// Returns the id of the relation.
            #[must_use]
            pub fn id(&self) -> &RelationId {
                &self.id
            }
        }
    )*};
}

impl_relation!(RelationCreated, RelationJoined, RelationChanged, RelationDeparted, RelationBroken);

impl RelationCreated {
    pub(super) fn new(
        endpoint: EndpointName,
        id: RelationId,
        application: ApplicationName,
    ) -> Self {
        Self { endpoint, id, application }
    }

    /// Returns the remote application. In a peer relation it is the unit's own.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        &self.application
    }
}

impl RelationJoined {
    pub(super) fn new(endpoint: EndpointName, id: RelationId, unit: UnitName) -> Self {
        Self { endpoint, id, unit }
    }

    /// Returns the remote application. In a peer relation it is the unit's own.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        // Juju takes the one from the other too (3.6 and 4.0).
        self.unit.application()
    }

    /// Returns the remote unit that has entered the relation.
    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }
}

impl RelationChanged {
    pub(super) fn of_unit(endpoint: EndpointName, id: RelationId, unit: UnitName) -> Self {
        Self { endpoint, id, application: unit.application().clone(), unit: Some(unit) }
    }

    pub(super) fn of_application(
        endpoint: EndpointName,
        id: RelationId,
        application: ApplicationName,
    ) -> Self {
        Self { endpoint, id, application, unit: None }
    }

    /// Returns the remote application. In a peer relation it is the unit's own.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        &self.application
    }

    /// Returns the remote unit whose databag has changed. It is `None` if the databag of the remote
    /// application has changed.
    #[must_use]
    pub fn unit(&self) -> Option<&UnitName> {
        self.unit.as_ref()
    }
}

impl RelationDeparted {
    pub(super) fn new(
        endpoint: EndpointName,
        id: RelationId,
        unit: UnitName,
        departing_unit: Option<UnitName>,
    ) -> Self {
        Self { endpoint, id, unit, departing_unit }
    }

    /// Returns the remote application. In a peer relation it is the unit's own.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        self.unit.application()
    }

    /// Returns the remote unit that this unit no longer sees in the relation. If this unit leaves,
    /// Juju runs the hook once for each remote unit.
    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// Returns the unit that leaves the relation, which is the remote unit or this unit. It is
    /// `None` if Juju does not say.
    #[must_use]
    pub fn departing_unit(&self) -> Option<&UnitName> {
        self.departing_unit.as_ref()
    }
}

impl RelationBroken {
    pub(super) fn new(
        endpoint: EndpointName,
        id: RelationId,
        application: Option<ApplicationName>,
    ) -> Self {
        Self { endpoint, id, application }
    }

    /// Returns the remote application. It is `None` if Juju leaves it out, which happens in this
    /// hook.
    #[must_use]
    pub fn application(&self) -> Option<&ApplicationName> {
        self.application.as_ref()
    }
}
