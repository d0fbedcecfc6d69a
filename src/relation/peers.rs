//! The peer relation of an application.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::bag::Bag;
use super::handle::{departing_unit, remote_units, written};
use super::own::{self, OwnUnitBag};
use super::relation_core::RelationCore;
use super::remote::RemoteUnit;
use crate::error::Error;
use crate::juju::{RelationId, UnitName};
use crate::leader::Leader;
use crate::stop::{IfReady as _, Result};

/// Peers are a handle of the peer relation, which relates the units of one application to each
/// other. The application's databag in it is the shared state of the application, of the bag type
/// `T`: every unit reads it, and the leader writes it.
///
/// [`Unit::peers`](crate::Unit::peers) makes it. The peer relation exists from its
/// `relation-created` on, right after `install`, also while there is no other unit.
///
/// ```
/// use charmwright::{Bag, Declaration, Endpoint, Hook, JsonPerKey, NoLimit, Peer, Result};
///
/// #[derive(Clone, Copy)]
/// struct Ring;
///
/// impl Endpoint for Ring {
///     const NAME: &'static str = "ring";
///     const INTERFACE: &'static str = "web_ring";
///     type Role = Peer;
///     type Limit = NoLimit;
/// }
///
/// #[derive(Default, serde::Serialize, serde::Deserialize)]
/// #[serde(default)]
/// struct Shared {
///     generation: u32,
/// }
///
/// impl Bag for Shared {
///     type Codec = JsonPerKey;
/// }
///
/// fn next_generation<D: Declaration>(hook: &Hook<D>) -> Result<u32> {
///     let ring = hook.peers::<Shared>(Ring)?;
///     if let Some(leader) = hook.leader()? {
///         ring.update(&leader, |shared| shared.generation += 1)?;
///     }
///     Ok(ring.shared()?.generation)
/// }
/// ```
pub struct Peers<T> {
    core: Rc<RelationCore>,
    shared: PhantomData<fn() -> T>,
}

impl<T: Bag> Peers<T> {
    pub(crate) fn new(core: RelationCore) -> Self {
        Self { core: Rc::new(core), shared: PhantomData }
    }

    /// Returns the id of the peer relation.
    #[must_use]
    pub fn id(&self) -> &RelationId {
        &self.core.id
    }

    /// Returns the shared state of the application, or the default if none of its keys is written.
    /// What the leader has changed in this hook is in it.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`ErrorKind::Databag`](crate::ErrorKind::Databag) if the
    /// databag cannot be read as the type: a value is wrong, or a key is missing because an older
    /// revision of the charm wrote the rest. A field that was added later needs
    /// `#[serde(default)]`. Returns a hook tool's error if the databag cannot be read at all.
    pub fn shared(&self) -> Result<T, Error>
    where
        T: Default,
    {
        Ok(own::read_app(&self.core)?.unwrap_or_default())
    }

    /// Changes the shared state of the application. Only the leader may.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`shared`](Peers::shared) and of
    /// [`OwnAppBag::write`](crate::OwnAppBag::write).
    pub fn update(&self, leader: &Leader, change: impl FnOnce(&mut T)) -> Result<(), Error>
    where
        T: Default,
    {
        let mut shared = self.shared()?;
        change(&mut shared);
        own::write_app(&self.core, leader, &shared)
    }

    /// Returns the value of a key of the application's databag, or `None` if the key is not
    /// written.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        own::get_app(&self.core, key)
    }

    /// Returns all keys and values of the application's databag.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn entries(&self) -> Result<BTreeMap<String, String>, Error> {
        own::app_entries(&self.core)
    }

    /// Sets the value of one key of the application's databag. An empty text deletes the key,
    /// because Juju cannot store one.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`OwnAppBag::write`](crate::OwnAppBag::write).
    pub fn set(
        &self,
        leader: &Leader,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), Error> {
        own::set_app(&self.core, leader, key, value)
    }

    /// Deletes one key of the application's databag. A key that is not written is not an error.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`OwnAppBag::write`](crate::OwnAppBag::write).
    pub fn remove(&self, leader: &Leader, key: impl Into<String>) -> Result<(), Error> {
        own::set_app(&self.core, leader, key, "")
    }

    /// Returns the other units of the application that are in the peer relation, in the order of
    /// their numbers. A unit that is leaving it in this hook is not among them.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn units(&self) -> Result<Vec<RemoteUnit>, Error> {
        remote_units(&self.core)
    }

    /// Returns the other unit that leaves the peer relation by the event that runs now, as
    /// [`Relation::departing_unit`](crate::Relation::departing_unit) does.
    #[must_use]
    pub fn departing_unit(&self) -> Option<RemoteUnit> {
        departing_unit(&self.core)
    }

    /// Returns the databag of this unit, which the other units read.
    #[must_use]
    pub fn unit_bag(&self) -> OwnUnitBag {
        OwnUnitBag::new(&self.core)
    }

    /// Reads the databag of every unit, this one included, as a bag type. A unit that has not
    /// written all that the type needs is left out: it has just been added, and sends
    /// `relation-changed` when it has.
    ///
    /// # Errors
    ///
    /// Returns the other errors of [`RemoteBag::read`](crate::RemoteBag::read), and those of
    /// [`units`](Peers::units).
    pub fn units_written<U: Bag>(&self) -> Result<Vec<(UnitName, U)>> {
        let mut written = written(&self.units()?)?;
        if let Some(own) = self.unit_bag().read_as_remote().if_ready()? {
            written.push((self.core.own().clone(), own));
        }
        written.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(written)
    }
}

impl<T> Clone for Peers<T> {
    fn clone(&self) -> Self {
        Self { core: Rc::clone(&self.core), shared: PhantomData }
    }
}

impl<T> fmt::Debug for Peers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt_as("Peers", f)
    }
}
