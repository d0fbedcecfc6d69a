//! The handle of one relation.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::bag::Bag;
use super::own::{OwnAppBag, OwnUnitBag};
use super::relation_core::RelationCore;
use super::remote::{RemoteBag, RemoteUnit};
use crate::error::Error;
use crate::juju::{ApplicationName, EndpointName, ErrorKind, RelationId, UnitName};
use crate::stop::{IfReady as _, Result};

/// A relation is a handle of one relation of the endpoint `E` to another application. It is made by
/// [`Unit::related`](crate::Unit::related) and [`Unit::relation`](crate::Unit::relation).
///
/// It gives the databags of both sides: what the other side has written can be read
/// ([`remote_app`](Relation::remote_app), [`remote_units`](Relation::remote_units)), and this side
/// writes [`app_bag`](Relation::app_bag) and [`unit_bag`](Relation::unit_bag).
///
/// A handle is not `Send` and cannot outlive the hook.
pub struct Relation<E = ByName> {
    core: Rc<RelationCore>,
    endpoint: PhantomData<fn() -> E>,
}

/// This type stands for the endpoint of a relation that was asked for by a name which is known only
/// at run time ([`Unit::related_named`](crate::Unit::related_named)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByName {}

/// The result of looking for a relation by its id.
#[derive(Debug, Clone)]
pub enum RelationLookup<E = ByName> {
    /// The relation exists.
    Active(Relation<E>),
    /// The relation breaks in this hook. [`Unit::related`](crate::Unit::related) leaves it out; its
    /// databags can still be read.
    Breaking(Relation<E>),
    /// The relation does not exist, or exists no longer.
    Gone,
}

impl<E> Relation<E> {
    pub(crate) fn new(core: RelationCore) -> Self {
        Self { core: Rc::new(core), endpoint: PhantomData }
    }

    /// Returns what the handles of this relation share.
    pub(crate) fn core(&self) -> &RelationCore {
        &self.core
    }

    /// Returns the id of the relation, such as `database:7`.
    #[must_use]
    pub fn id(&self) -> &RelationId {
        &self.core.id
    }

    /// Returns the name of this unit's endpoint.
    #[must_use]
    pub fn endpoint_name(&self) -> &EndpointName {
        &self.core.endpoint
    }

    /// Returns the name of the remote application. In a relation that crosses models it is the name
    /// by which this model knows the application. `None` if Juju does not know it any more, which
    /// may happen in `relation-broken`.
    #[must_use]
    pub fn remote_app_name(&self) -> Option<&ApplicationName> {
        self.core.remote_app.as_ref()
    }

    /// Returns `true` if the relation breaks in this hook.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.core.is_breaking
    }

    /// Returns the databag of the remote application.
    #[must_use]
    pub fn remote_app(&self) -> RemoteBag {
        RemoteBag::of_application(&self.core)
    }

    /// Returns the remote units that are in the relation, in the order of their numbers. A unit
    /// that is leaving it in this hook is not among them.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the relation is gone.
    pub fn remote_units(&self) -> Result<Vec<RemoteUnit>, Error> {
        remote_units(&self.core)
    }

    /// Reads the databag of every remote unit as a bag type. A unit that has not written all that
    /// the type needs is left out: it sends `relation-changed` when it has.
    ///
    /// # Errors
    ///
    /// Returns the other errors of [`RemoteBag::read`], and those of
    /// [`remote_units`](Relation::remote_units).
    pub fn units_written<T: Bag>(&self) -> Result<Vec<(UnitName, T)>> {
        written(&self.remote_units()?)
    }

    /// Returns a remote unit by its name, which an event has told. Whether it is in the relation is
    /// found out when its databag is read.
    #[must_use]
    pub fn remote_unit(&self, name: &UnitName) -> RemoteUnit {
        RemoteUnit::new(&self.core, name.clone())
    }

    /// Returns the remote unit that leaves the relation by the event that runs now. `None` in the
    /// handler of any other event than a `relation-departed` of this relation, and if this unit
    /// itself is the one that leaves.
    #[must_use]
    pub fn departing_unit(&self) -> Option<RemoteUnit> {
        departing_unit(&self.core)
    }

    /// Returns the UUID of the model that the remote application is in. `None` on a Juju before
    /// 3.6.2, which does not tell it.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the relation is gone.
    pub fn remote_model(&self) -> Result<Option<String>, Error> {
        match self.core.context.tools.relation_model(&self.core.id) {
            Ok(uuid) => Ok(Some(uuid)),
            Err(error) if *error.kind() == ErrorKind::Unavailable => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the databag of this unit's application, which only the leader may read and write.
    #[must_use]
    pub fn app_bag(&self) -> OwnAppBag {
        OwnAppBag::new(&self.core)
    }

    /// Returns the databag of this unit.
    #[must_use]
    pub fn unit_bag(&self) -> OwnUnitBag {
        OwnUnitBag::new(&self.core)
    }
}

/// Returns the other units in a relation, without the one that leaves it.
pub(crate) fn remote_units(relation: &Rc<RelationCore>) -> Result<Vec<RemoteUnit>, Error> {
    let units = relation.context.tools.relation_units(&relation.id)?;
    // Juju leaves the departing unit out in the hook itself (measured on Juju 3.6 and 4.0). The
    // list is filtered all the same for an event that was deferred.
    let departing = relation.context.current_event.departing(&relation.id);
    let staying = units.into_iter().filter(|unit| departing.as_ref() != Some(unit));
    Ok(staying.map(|unit| RemoteUnit::new(relation, unit)).collect())
}

/// Reads the databags of those units that have written all that the type needs.
pub(crate) fn written<T: Bag>(units: &[RemoteUnit]) -> Result<Vec<(UnitName, T)>> {
    let mut written = Vec::new();
    for unit in units {
        let value = unit.read().if_ready()?;
        written.extend(value.map(|value| (unit.name().clone(), value)));
    }
    Ok(written)
}

/// Returns the other unit that leaves a relation by the event that runs now.
pub(crate) fn departing_unit(relation: &Rc<RelationCore>) -> Option<RemoteUnit> {
    let departing = relation.context.current_event.departing(&relation.id)?;
    (departing != *relation.own()).then(|| RemoteUnit::new(relation, departing))
}

impl<E> Clone for Relation<E> {
    fn clone(&self) -> Self {
        Self { core: Rc::clone(&self.core), endpoint: PhantomData }
    }
}

impl<E> fmt::Debug for Relation<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt_as("Relation", f)
    }
}
