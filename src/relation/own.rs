//! The databags of this unit and of its application.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::bag::{self, Bag, Databag};
use super::databags::OwnBag;
use super::juju_keys::{JujuKeys, is_jujus, without_jujus};
use super::reading::{check_keys, read_own, read_remote};
use super::relation_core::RelationCore;
use crate::error::Error;
use crate::leader::Leader;
use crate::may_write::MayWrite;
use crate::stop::Stop;

/// An own unit databag is what this unit writes to the other side of a relation.
///
/// A write changes only the keys of the type that is written. The changes are kept until the end of
/// the hook and then sent, if they change anything; a read in the same hook has them already. The
/// hook's failure drops them, and Juju commits them if the hook succeeds.
///
/// Juju has a databag committed that was only read (measured on Juju 3.6 and 4.0), so a handler
/// reads it only if it has to.
#[derive(Clone)]
pub struct OwnUnitBag {
    relation: Rc<RelationCore>,
}

/// An own application databag is what this unit's application writes to the other side of a
/// relation. Only the leader may read and write it, so each call takes the proof of it.
///
/// A write changes only the keys of the type that is written. The changes are kept until the end of
/// the hook and then sent, if they change anything; a read in the same hook has them already. If
/// the unit has lost the leadership by then, the hook fails.
///
/// ```
/// use charmwright::{Bag, Declaration, Hook, JsonPerKey, Provides, NoLimit, Endpoint, Result};
///
/// # #[derive(Clone, Copy)]
/// # struct Site;
/// # impl Endpoint for Site {
/// #     const NAME: &'static str = "site";
/// #     const INTERFACE: &'static str = "http";
/// #     type Role = Provides;
/// #     type Limit = NoLimit;
/// # }
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Offer {
///     port: u16,
/// }
///
/// impl Bag for Offer {
///     type Codec = JsonPerKey;
/// }
///
/// fn offer<D: Declaration>(hook: &Hook<D>) -> Result {
///     let Some(leader) = hook.leader()? else { return Ok(()) };
///     for site in hook.related(Site)? {
///         site.app_bag().write(&leader, &Offer { port: 80 })?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct OwnAppBag {
    relation: Rc<RelationCore>,
}

impl OwnUnitBag {
    pub(crate) fn new(relation: &Rc<RelationCore>) -> Self {
        Self { relation: Rc::clone(relation) }
    }

    /// Reads the databag as a bag type. `None` if none of its keys is written.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`ErrorKind::Databag`](crate::ErrorKind::Databag) if it cannot
    /// be read as the type, and a hook tool's error if it cannot be read at all.
    pub fn read<T: Bag>(&self) -> Result<Option<T>, Error> {
        let (owner, bag) = (self.owner(), without_jujus(&*self.stored()?));
        check_keys::<T>(&self.relation, &owner, &bag)?;
        read_own(&self.relation, &owner, &bag)
    }

    /// Reads the databag as the other units do: what is not written yet is not ready.
    pub(crate) fn read_as_remote<T: Bag>(&self) -> Result<T, Stop> {
        let bag = without_jujus(&*self.stored()?);
        check_keys::<T>(&self.relation, &self.owner(), &bag)?;
        read_remote(&self.relation, &self.relation.own().to_string(), &bag)
    }

    /// Returns the value of a key, or `None` if the key is not written.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(without_jujus(&*self.stored()?).remove(key))
    }

    /// Returns all keys and values but Juju's own.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn entries(&self) -> Result<BTreeMap<String, String>, Error> {
        Ok(without_jujus(&*self.stored()?))
    }

    /// Returns the keys that Juju itself wrote to this unit's databag, such as its address.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn juju_keys(&self) -> Result<JujuKeys, Error> {
        Ok(JujuKeys::of(&*self.stored()?))
    }

    /// Writes a value. Its keys that the value does not have, such as an `Option` that is `None`,
    /// are deleted; keys of others are kept.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`ErrorKind::Databag`](crate::ErrorKind::Databag) if the value
    /// has no form in its codec or writes one of Juju's own keys. Returns a hook tool's error if
    /// Juju cannot store the result ([`check_databag_changes`](crate::juju::check_databag_changes))
    /// or the present databag cannot be read, for instance because the relation is gone.
    pub fn write<T: Bag>(&self, by: &impl MayWrite, value: &T) -> Result<(), Error> {
        let _ = by;
        let stored = without_jujus(&*self.stored()?);
        check_keys::<T>(&self.relation, &self.owner(), &stored)?;
        let changes = bag::changes(&stored, value)
            .map_err(|error| cannot_write(&self.relation, &self.owner(), &error.reason()))?;
        self.change(&changes)
    }

    /// Sets the value of one key. An empty text deletes the key, because Juju cannot store one.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](OwnUnitBag::write).
    pub fn set(
        &self,
        by: &impl MayWrite,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), Error> {
        let _ = by;
        self.change(&one(key, value))
    }

    /// Deletes one key. A key that is not written is not an error.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](OwnUnitBag::write).
    pub fn remove(&self, by: &impl MayWrite, key: impl Into<String>) -> Result<(), Error> {
        self.set(by, key, "")
    }

    fn change(&self, changes: &BTreeMap<String, Option<String>>) -> Result<(), Error> {
        if let Some(key) = changes.keys().find(|key| is_jujus(key)) {
            let reason = format!("the key {key:?} is Juju's own; use another");
            return Err(cannot_write(&self.relation, &self.owner(), &reason));
        }
        change(&self.relation, OwnBag::Unit, changes)
    }

    fn stored(&self) -> Result<Arc<Databag>, Error> {
        stored(&self.relation, OwnBag::Unit)
    }

    fn owner(&self) -> String {
        format!("the unit {}", self.relation.own())
    }
}

impl OwnAppBag {
    pub(crate) fn new(relation: &Rc<RelationCore>) -> Self {
        Self { relation: Rc::clone(relation) }
    }

    /// Reads the databag as a bag type. `None` if none of its keys is written.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`ErrorKind::Databag`](crate::ErrorKind::Databag) if it cannot
    /// be read as the type, and a hook tool's error if it cannot be read at all.
    pub fn read<T: Bag>(&self, leader: &Leader) -> Result<Option<T>, Error> {
        let _ = leader;
        read_app(&self.relation)
    }

    /// Returns the value of a key, or `None` if the key is not written.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn get(&self, leader: &Leader, key: &str) -> Result<Option<String>, Error> {
        let _ = leader;
        get_app(&self.relation, key)
    }

    /// Returns all keys and values.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn entries(&self, leader: &Leader) -> Result<BTreeMap<String, String>, Error> {
        let _ = leader;
        app_entries(&self.relation)
    }

    /// Writes a value. Its keys that the value does not have, such as an `Option` that is `None`,
    /// are deleted; keys of others are kept.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`ErrorKind::Databag`](crate::ErrorKind::Databag) if the value
    /// has no form in its codec. Returns a hook tool's error if Juju cannot store the result
    /// ([`check_databag_changes`](crate::juju::check_databag_changes)) or the present databag
    /// cannot be read, for instance because the relation is gone.
    pub fn write<T: Bag>(&self, leader: &Leader, value: &T) -> Result<(), Error> {
        write_app(&self.relation, leader, value)
    }

    /// Sets the value of one key. An empty text deletes the key, because Juju cannot store one.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](OwnAppBag::write).
    pub fn set(
        &self,
        leader: &Leader,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), Error> {
        set_app(&self.relation, leader, key, value)
    }

    /// Deletes one key. A key that is not written is not an error.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](OwnAppBag::write).
    pub fn remove(&self, leader: &Leader, key: impl Into<String>) -> Result<(), Error> {
        set_app(&self.relation, leader, key, "")
    }
}

/// Reads the own application's databag. On a peer relation every unit may do that.
pub(crate) fn read_app<T: Bag>(relation: &RelationCore) -> Result<Option<T>, Error> {
    read_own(relation, &app_owner(relation), &*stored(relation, OwnBag::Application)?)
}

/// Returns a value of the own application's databag.
pub(crate) fn get_app(relation: &RelationCore, key: &str) -> Result<Option<String>, Error> {
    Ok(stored(relation, OwnBag::Application)?.get(key).cloned())
}

/// Returns all keys and values of the own application's databag.
pub(crate) fn app_entries(relation: &RelationCore) -> Result<BTreeMap<String, String>, Error> {
    Ok((*stored(relation, OwnBag::Application)?).clone())
}

/// Writes a value to the own application's databag.
pub(crate) fn write_app<T: Bag>(
    relation: &RelationCore,
    leader: &Leader,
    value: &T,
) -> Result<(), Error> {
    let _ = leader;
    let stored = stored(relation, OwnBag::Application)?;
    let changes = bag::changes(&stored, value)
        .map_err(|error| cannot_write(relation, &app_owner(relation), &error.reason()))?;
    change(relation, OwnBag::Application, &changes)
}

/// Sets one key of the own application's databag.
pub(crate) fn set_app(
    relation: &RelationCore,
    leader: &Leader,
    key: impl Into<String>,
    value: impl Into<String>,
) -> Result<(), Error> {
    let _ = leader;
    change(relation, OwnBag::Application, &one(key, value))
}

fn app_owner(relation: &RelationCore) -> String {
    format!("the application {}", relation.own().application())
}

fn one(key: impl Into<String>, value: impl Into<String>) -> BTreeMap<String, Option<String>> {
    BTreeMap::from([(key.into(), Some(value.into()).filter(|value| !value.is_empty()))])
}

fn stored(relation: &RelationCore, bag: OwnBag) -> Result<Arc<Databag>, Error> {
    let context = &relation.context;
    Ok(context.databags.read(&context.tools, relation.own(), &relation.id, bag)?)
}

fn change(
    relation: &RelationCore,
    bag: OwnBag,
    changes: &BTreeMap<String, Option<String>>,
) -> Result<(), Error> {
    let context = &relation.context;
    Ok(context.databags.change(&context.tools, relation.own(), &relation.id, bag, changes)?)
}

fn cannot_write(relation: &RelationCore, owner: &str, reason: &str) -> Error {
    Error::databag(format!("cannot write the databag of {owner} in {}: {reason}", relation.id))
}

impl fmt::Debug for OwnUnitBag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.relation.fmt_as("OwnUnitBag", f)
    }
}

impl fmt::Debug for OwnAppBag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.relation.fmt_as("OwnAppBag", f)
    }
}
