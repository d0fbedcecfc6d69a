//! The calls of a unit that find its relations.

use std::rc::Rc;

use super::bag::Bag;
use super::endpoint::{Endpoint, Limit, Peer, Related};
use super::handle::{ByName, Relation, RelationLookup};
use super::peers::Peers;
use super::relation_core::RelationCore;
use crate::error::Error;
use crate::juju::{ApplicationName, EndpointName, ErrorKind, RelationId};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

impl Unit {
    /// Returns the relations of an endpoint: an `Option` if the endpoint has the limit one, else a
    /// `Vec` in the order of their ids. A relation that breaks in this hook is not among them.
    ///
    /// ```
    /// use charmwright::{Bag, Declaration, Endpoint, Hook, LimitOne, OrStop as _, Plain, Requires};
    ///
    /// # #[derive(Clone, Copy)]
    /// # struct Database;
    /// # impl Endpoint for Database {
    /// #     const NAME: &'static str = "database";
    /// #     const INTERFACE: &'static str = "postgresql_client";
    /// #     type Role = Requires;
    /// #     type Limit = LimitOne;
    /// # }
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Credentials {
    ///     username: String,
    ///     password: String,
    /// }
    ///
    /// impl Bag for Credentials {
    ///     type Codec = Plain;
    /// }
    ///
    /// fn credentials<D: Declaration>(hook: &Hook<D>) -> charmwright::Result<Credentials> {
    ///     let database = hook.related(Database)?.or_blocked("database: relate it to PostgreSQL")?;
    ///     database.remote_app().read()
    /// }
    /// ```
    ///
    /// The peer endpoint has no other application:
    ///
    /// ```compile_fail,E0277
    /// # use charmwright::{Declaration, Endpoint, Hook, NoLimit, Peer};
    /// # #[derive(Clone, Copy)]
    /// # struct Ring;
    /// # impl Endpoint for Ring {
    /// #     const NAME: &'static str = "ring";
    /// #     const INTERFACE: &'static str = "web_ring";
    /// #     type Role = Peer;
    /// #     type Limit = NoLimit;
    /// # }
    /// fn ring<D: Declaration>(hook: &Hook<D>) {
    ///     let _ = hook.related(Ring);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a hook tool fails.
    pub fn related<E>(&self, endpoint: E) -> Result<<E::Limit as Limit>::Of<Relation<E>>, Error>
    where
        E: Endpoint,
        E::Role: Related,
    {
        Ok(E::Limit::of(self.relations_of(&endpoint.name())?))
    }

    /// Returns the relations of an endpoint whose name is known only at run time, in the order of
    /// their ids. There are none if the charm does not declare the endpoint.
    ///
    /// # Errors
    ///
    /// Returns an error if a hook tool fails.
    pub fn related_named(&self, endpoint: &EndpointName) -> Result<Vec<Relation>, Error> {
        self.relations_of::<ByName>(endpoint)
    }

    /// Looks for a relation of an endpoint by its id, which an event has told.
    ///
    /// A deferred event may run after its relation has gone; then it is
    /// [`Gone`](RelationLookup::Gone), also for a deferred `relation-broken`.
    ///
    /// ```
    /// use charmwright::juju::RelationId;
    /// use charmwright::{Declaration, Hook, RelationLookup, Result};
    ///
    /// # use charmwright::{Endpoint, NoLimit, Provides};
    /// # #[derive(Clone, Copy)]
    /// # struct Site;
    /// # impl Endpoint for Site {
    /// #     const NAME: &'static str = "site";
    /// #     const INTERFACE: &'static str = "http";
    /// #     type Role = Provides;
    /// #     type Limit = NoLimit;
    /// # }
    /// fn is_served<D: Declaration>(hook: &Hook<D>, id: &RelationId) -> Result<bool> {
    ///     match hook.relation(Site, id)? {
    ///         RelationLookup::Active(_) => Ok(true),
    ///         RelationLookup::Breaking(_) | RelationLookup::Gone => Ok(false),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the relation is one of another endpoint, or if a hook tool fails.
    pub fn relation<E>(&self, endpoint: E, id: &RelationId) -> Result<RelationLookup<E>, Error>
    where
        E: Endpoint,
        E::Role: Related,
    {
        let endpoint = endpoint.name();
        if let Some(other) = id.endpoint().filter(|other| **other != endpoint) {
            return Err(Error::undeclared(format!(
                "cannot use the relation {id} as one of the endpoint \"{endpoint}\": it is one of \
                 \"{other}\""
            )));
        }
        if let Some(breaking) = self.context.current_event.breaking()
            && breaking.id.number() == id.number()
            // A bare number does not tell the endpoint.
            && breaking.id.endpoint().is_none_or(|of_id| *of_id == endpoint)
        {
            let core = self.breaking_core(&endpoint)?;
            return Ok(core.map_or(RelationLookup::Gone, |core| {
                RelationLookup::Breaking(Relation::new(core))
            }));
        }
        let ids = self.context.tools.relation_ids(&endpoint)?;
        let Some(id) = ids.into_iter().find(|known| known.number() == id.number()) else {
            return Ok(RelationLookup::Gone);
        };
        let core = self.active_core(&endpoint, id)?;
        Ok(core.map_or(RelationLookup::Gone, |core| RelationLookup::Active(Relation::new(core))))
    }

    /// Returns the peer relation of a peer endpoint. `T` is the bag type of the state that the
    /// application shares in it.
    ///
    /// # Errors
    ///
    /// *Not ready* (Waiting) in `install`, where no relation exists yet. An error if a hook tool
    /// fails.
    pub fn peers<T: Bag>(&self, endpoint: impl Endpoint<Role = Peer>) -> Result<Peers<T>> {
        let endpoint = endpoint.name();
        // Juju makes one relation for each peer endpoint when the application is deployed.
        let ids = self.context.tools.relation_ids(&endpoint)?;
        let Some(id) = ids.into_iter().next() else {
            return Err(Stop::waiting(format!("{endpoint}: the peer relation does not exist yet")));
        };
        Ok(Peers::new(RelationCore {
            context: Rc::clone(&self.context),
            id,
            endpoint,
            remote_app: Some(self.application().clone()),
            is_breaking: false,
        }))
    }

    fn relations_of<E>(&self, endpoint: &EndpointName) -> Result<Vec<Relation<E>>, Error> {
        let mut relations = Vec::new();
        for id in self.context.tools.relation_ids(endpoint)? {
            // Juju leaves it out as well (Juju 3.6 and 4.0).
            if self.context.current_event.is_breaking(&id) {
                continue;
            }
            relations.extend(self.active_core(endpoint, id)?.map(Relation::new));
        }
        Ok(relations)
    }

    /// Returns a relation that Juju has listed; `None` if it has vanished since.
    fn active_core(
        &self,
        endpoint: &EndpointName,
        id: RelationId,
    ) -> Result<Option<RelationCore>, Error> {
        let remote_app = match self.context.tools.relation_app(&id) {
            Ok(name) => name,
            Err(error) if *error.kind() == ErrorKind::Gone => {
                tracing::debug!("{error}");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(self.core(endpoint, id, remote_app, false)))
    }

    /// Returns the relation that breaks in this hook. Juju may not know its application any more,
    /// and the event may; either may leave it out.
    fn breaking_core(&self, endpoint: &EndpointName) -> Result<Option<RelationCore>, Error> {
        let Some(breaking) = self.context.current_event.breaking() else { return Ok(None) };
        let remote_app = match &breaking.remote_app {
            Some(name) => Some(name.clone()),
            None => match self.context.tools.relation_app(&breaking.id) {
                Ok(name) => name,
                Err(error) if *error.kind() == ErrorKind::Gone => None,
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Some(self.core(endpoint, breaking.id.clone(), remote_app, true)))
    }

    fn core(
        &self,
        endpoint: &EndpointName,
        id: RelationId,
        remote_app: Option<ApplicationName>,
        is_breaking: bool,
    ) -> RelationCore {
        let context = Rc::clone(&self.context);
        RelationCore { context, id, endpoint: endpoint.clone(), remote_app, is_breaking }
    }
}
