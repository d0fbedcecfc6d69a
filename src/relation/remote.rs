//! The databags of the other side, which can only be read.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::bag::{Bag, Databag};
use super::databags::OwnBag;
use super::juju_keys::{JujuKeys, without_jujus};
use super::reading::{check_keys, read_remote};
use super::relation_core::RelationCore;
use crate::error::Error;
use crate::juju::{ApplicationName, ErrorKind, UnitName};
use crate::stop::{Result, Stop};

/// The owner of a remote databag.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Unit(UnitName),
    Application(ApplicationName),
    /// The application, whose name Juju does not know any more.
    Unnamed,
}

/// A remote databag is what the other side of a relation has written: its application, or one of
/// its units.
///
/// It is read from Juju at most once in a hook. It can only be read:
///
/// ```compile_fail,E0599
/// # use charmwright::{Leader, RemoteBag};
/// fn write(bag: &RemoteBag, leader: &Leader) {
///     let _ = bag.set(leader, "password", "hunter2");
/// }
/// ```
#[derive(Clone)]
pub struct RemoteBag {
    relation: Rc<RelationCore>,
    owner: Owner,
}

/// A remote unit is a unit of the other side of a relation, or another unit of a peer relation, and
/// its databag.
#[derive(Clone)]
pub struct RemoteUnit {
    name: UnitName,
    bag: RemoteBag,
}

impl RemoteBag {
    pub(crate) fn of_application(relation: &Rc<RelationCore>) -> Self {
        let owner = match &relation.remote_app {
            Some(name) => Owner::Application(name.clone()),
            None => Owner::Unnamed,
        };
        Self { relation: Rc::clone(relation), owner }
    }

    /// Reads the databag as a bag type.
    ///
    /// # Errors
    ///
    /// - *Not ready* (Waiting) if nothing is written yet, if a key that the type needs is missing,
    ///   or if the relation is gone or the unit has left it. The reason names the endpoint, the
    ///   application or unit, and the key, as in `database: pg has not written "username" yet`.
    ///   Blocked if an older version of the other side does not write the key: see
    ///   [`Bag::VERSION`].
    /// - An error of the kind [`ErrorKind::Databag`](crate::ErrorKind::Databag) if a value is there
    ///   and wrong. It names the endpoint, the application or unit, the key and what was expected,
    ///   and quotes no value.
    /// - A hook tool failed.
    pub fn read<T: Bag>(&self) -> Result<T> {
        let bag = match self.stored() {
            Ok(bag) => self.interfaces(&bag),
            // The event that says so has not run yet, or the relation never came about.
            Err(error) if error.juju().is_some_and(|error| *error.kind() == ErrorKind::Gone) => {
                tracing::debug!("{error}");
                let (endpoint, id) = (&self.relation.endpoint, &self.relation.id);
                return Err(Stop::waiting(match &self.owner {
                    // Juju has the same words for a unit that has left the relation.
                    Owner::Unit(name) => format!("{endpoint}: {name} is not in {id} any more"),
                    _ => format!("{endpoint}: the relation {id} is gone"),
                }));
            }
            Err(error) => return Err(error.into()),
        };
        let owner = self.owner_text();
        if let Owner::Unit(_) = self.owner {
            check_keys::<T>(&self.relation, &owner, &bag)?;
        }
        read_remote(&self.relation, &owner, &bag)
    }

    /// Returns the value of a key, or `None` if the key is not written.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the relation is gone.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.interfaces(&*self.stored()?).get(key).cloned())
    }

    /// Returns all keys and values but Juju's own.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the relation is gone.
    pub fn entries(&self) -> Result<BTreeMap<String, String>, Error> {
        Ok(self.interfaces(&*self.stored()?))
    }

    /// Returns the databag as Juju has it. An application without a name has written nothing that
    /// this unit could read.
    fn stored(&self) -> Result<Arc<Databag>, Error> {
        let (tools, id) = (&self.relation.context.tools, &self.relation.id);
        let own = self.relation.own();
        Ok(match &self.owner {
            Owner::Unit(name) => tools.unit_databag(id, name)?,
            // A peer endpoint by its name: what this hook has written is in it too.
            Owner::Application(name) if name == own.application() => {
                self.relation.context.databags.read(tools, own, id, OwnBag::Application)?
            }
            Owner::Application(name) => tools.app_databag(id, name)?,
            Owner::Unnamed => Arc::default(),
        })
    }

    /// Returns the keys of the interface.
    fn interfaces(&self, bag: &Databag) -> Databag {
        match self.owner {
            Owner::Unit(_) => without_jujus(bag),
            // Juju writes no keys of its own for an application.
            Owner::Application(_) | Owner::Unnamed => bag.clone(),
        }
    }

    fn owner_text(&self) -> String {
        match &self.owner {
            Owner::Unit(name) => name.to_string(),
            Owner::Application(name) => name.to_string(),
            Owner::Unnamed => "the remote application".to_owned(),
        }
    }
}

impl RemoteUnit {
    pub(crate) fn new(relation: &Rc<RelationCore>, name: UnitName) -> Self {
        let bag = RemoteBag { relation: Rc::clone(relation), owner: Owner::Unit(name.clone()) };
        Self { name, bag }
    }

    /// Returns the name of the unit.
    #[must_use]
    pub fn name(&self) -> &UnitName {
        &self.name
    }

    /// Returns the unit's databag.
    #[must_use]
    pub fn bag(&self) -> &RemoteBag {
        &self.bag
    }

    /// Reads the unit's databag as a bag type.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RemoteBag::read`].
    pub fn read<T: Bag>(&self) -> Result<T> {
        self.bag.read()
    }

    /// Returns the keys that Juju itself wrote to the unit's databag, such as its address.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the relation is gone.
    pub fn juju_keys(&self) -> Result<JujuKeys, Error> {
        Ok(JujuKeys::of(&*self.bag.stored()?))
    }
}

impl fmt::Debug for RemoteBag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteBag({} of {})", self.relation.id, self.owner_text())
    }
}

impl fmt::Debug for RemoteUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteUnit({} of {})", self.bag.relation.id, self.name)
    }
}
