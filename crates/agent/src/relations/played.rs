//! [`Provider`] plays an application without a charm: it writes the application's databags.

use std::collections::BTreeMap;
use std::fmt;

use charmwright_juju::{SecretId, UnitName};

use jiff::Timestamp;

use super::all_relations::Relations;
use super::databag::Databag;
use super::number::RelationNumber;
use crate::error::{Error, ErrorKind};
use crate::go_text::go_quote;
use crate::secrets::{RelationScope, Secrets, content_of};

/// The number of times that the providers are asked one after the other. Two providers that are
/// related to each other might answer each other for ever.
const ROUNDS: usize = 100;

/// An application without a charm that a test or a tool plays.
///
/// [`Model::play`](crate::Model::play) appoints it. The model asks it whenever something that it
/// can see has changed: a relation, a unit or a databag of the other side. It writes the databags
/// and the secrets of its application at once, and the other side's charm is told by a hook, as
/// with any remote application.
///
/// A database that answers a request for a database with an endpoint, and with a user in a secret:
///
/// ```
/// use charmwright_agent::{
///     Deployment, EndpointMeta, EndpointRole, Model, ModelSettings, Played, Provider,
/// };
///
/// #[derive(Debug)]
/// struct Database;
///
/// impl Provider for Database {
///     fn changed(&mut self, remote: &mut Played<'_>) {
///         for relation in remote.relations() {
///             let asked = remote.remote_app_data(relation.id()).get("database").cloned();
///             let Some(name) = asked else { continue };
///             let user = [("username", name.as_str()), ("password", "made-up")];
///             let label = format!("user-{}", relation.id());
///             let Ok(secret) = remote.set_secret(&label, &user) else { continue };
///             if remote.grant_secret(&secret, relation.id()).is_ok() {
///                 remote.set_app_data(relation.id(), [
///                     ("secret-user", secret.as_str()),
///                     ("endpoints", "10.0.0.9:5432"),
///                 ]);
///             }
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut model = Model::new(ModelSettings::new());
/// let server = EndpointMeta::new("server", EndpointRole::Provider, "sql");
/// model.deploy("pg", Deployment::remote([server]))?;
/// model.play("pg", Database)?;
///
/// // Usually a charm: it would write its databag with `relation-set` in a hook.
/// let client = EndpointMeta::new("db", EndpointRole::Requirer, "sql");
/// model.deploy("web", Deployment::remote([client]))?;
/// let relation = model.integrate("web", "pg")?;
/// model.set_remote_app_data(relation, "web", [("database", "shop")])?;
///
/// assert!(model.app_data(relation, "pg")?["secret-user"].starts_with("secret:"));
/// # Ok(())
/// # }
/// ```
pub trait Provider: fmt::Debug + Send {
    /// Looks at the application's relations, and writes what they need.
    fn changed(&mut self, remote: &mut Played<'_>);
}

/// The application that a [`Provider`] plays, with its relations.
#[derive(Debug)]
pub struct Played<'a> {
    application: &'a str,
    relations: &'a mut Relations,
    secrets: &'a mut Secrets,
    now: Timestamp,
}

/// A relation of a played application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayedRelation {
    id: u32,
    endpoint: String,
    remote_app: String,
}

impl PlayedRelation {
    /// Returns the number of the relation.
    #[must_use]
    pub fn id(&self) -> RelationNumber {
        self.id.into()
    }

    /// Returns the name of the played application's endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the other application.
    #[must_use]
    pub fn remote_app(&self) -> &str {
        &self.remote_app
    }
}

impl Played<'_> {
    /// Returns the name of the played application.
    #[must_use]
    pub fn application(&self) -> &str {
        self.application
    }

    /// Returns the application's relations that are not ending, in the order of their numbers.
    #[must_use]
    pub fn relations(&self) -> Vec<PlayedRelation> {
        self.relations
            .of(self.application)
            .filter(|relation| !relation.is_dying())
            .filter_map(|relation| {
                Some(PlayedRelation {
                    id: relation.id(),
                    endpoint: relation.side(self.application)?.endpoint().name().to_owned(),
                    remote_app: relation.other_side(self.application)?.application().to_owned(),
                })
            })
            .collect()
    }

    /// Returns the databag of the other application. It is empty before its leader has written it.
    #[must_use]
    pub fn remote_app_data(&self, relation: impl Into<RelationNumber>) -> BTreeMap<String, String> {
        let relation = self.relations.get(relation.into().get());
        let other = relation.and_then(|it| Some((it, it.other_side(self.application)?)));
        let bag = other.and_then(|(it, side)| it.application_bag(side.application()));
        bag.map(|bag| bag.values().clone()).unwrap_or_default()
    }

    /// Returns the other application's units in the relation, sorted by number.
    #[must_use]
    pub fn remote_units(&self, relation: impl Into<RelationNumber>) -> Vec<UnitName> {
        let relation = self.relations.get(relation.into().get());
        let other = relation.and_then(|it| Some((it, it.other_side(self.application)?)));
        let units = other.map(|(it, side)| it.units_of(side.application())).unwrap_or_default();
        units.into_iter().cloned().collect()
    }

    /// Returns the databag of a unit in the relation. It is empty if the unit has never entered the
    /// relation.
    #[must_use]
    pub fn unit_data(
        &self,
        relation: impl Into<RelationNumber>,
        unit: &UnitName,
    ) -> BTreeMap<String, String> {
        let bag = self.relations.get(relation.into().get()).and_then(|it| it.unit_bag(unit));
        bag.map(|bag| bag.values().clone()).unwrap_or_default()
    }

    /// Returns the played application's own units in the relation, sorted by number.
    #[must_use]
    pub fn units(&self, relation: impl Into<RelationNumber>) -> Vec<UnitName> {
        let units =
            self.relations.get(relation.into().get()).map(|it| it.units_of(self.application));
        units.unwrap_or_default().into_iter().cloned().collect()
    }

    /// Writes keys of the application's databag; an empty value deletes its key. A relation that
    /// the application does not have is left alone.
    pub fn set_app_data<'k>(
        &mut self,
        relation: impl Into<RelationNumber>,
        data: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) {
        let bag = self.relations.get_mut(relation.into().get());
        if let Some(bag) = bag.and_then(|it| it.application_bag_mut(self.application)) {
            bag.set(data);
        }
    }

    /// Writes keys of the databag of one of the application's own units; an empty value deletes its
    /// key. A unit of another application is left alone.
    pub fn set_unit_data<'k>(
        &mut self,
        relation: impl Into<RelationNumber>,
        unit: &UnitName,
        data: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) {
        if unit.application().as_str() != self.application {
            return;
        }
        if let Some(bag) =
            self.relations.get_mut(relation.into().get()).and_then(|it| it.unit_bag_mut(unit))
        {
            bag.set(data);
        }
    }
}

impl Played<'_> {
    /// Sets the content of the application's secret with this label, and returns its id. Without
    /// such a secret it is added. An equal content makes no revision. A key with the suffix
    /// `#base64` has its value in base64.
    ///
    /// # Errors
    /// [`ErrorKind::Secret`] if Juju refuses the content: it needs at least one key, a key has
    /// three or more lower-case letters and digits, and all values have at most 1,000,000 bytes in
    /// base64.
    pub fn set_secret(&mut self, label: &str, content: &[(&str, &str)]) -> Result<SecretId, Error> {
        let refuse = |why: &str| {
            let application = self.application;
            let text = format!("cannot set secret {} of {application}: {why}", go_quote(label));
            Error::new(ErrorKind::Secret, text)
        };
        let content = content_of(content).map_err(|why| refuse(&why))?;
        if content.is_empty() {
            return Err(refuse("empty secret value not valid"));
        }
        let id = self.secrets.set_of_application(self.application, label, content, self.now);
        format!("secret:{id}").parse().map_err(|_| refuse("its id is not valid"))
    }

    /// Grants a secret of the application to the other application of a relation. The grant ends
    /// with the relation. A second grant changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Secret`] if the application has no such secret or no such relation, or if the
    /// secret is granted to the other application in another relation.
    pub fn grant_secret(
        &mut self,
        secret: &SecretId,
        relation: impl Into<RelationNumber>,
    ) -> Result<(), Error> {
        let relation = relation.into().get();
        let refuse = |why: String| {
            let text = format!("cannot grant {secret} of {}: {why}", self.application);
            Error::new(ErrorKind::Secret, text)
        };
        let known = self.relations.get(relation);
        let other = known.and_then(|known| Some((known, known.other_side(self.application)?)));
        let Some((known, other)) = other else {
            return Err(refuse(format!("relation {relation} not found")));
        };
        let scope = RelationScope { id: relation, key: known.key() };
        let granted = self.secrets.grant_of_application(
            self.application,
            secret.id(),
            other.application(),
            scope,
        );
        granted.map_err(refuse)
    }

    /// Removes a secret of the application. Without such a secret it does nothing.
    pub fn remove_secret(&mut self, secret: &SecretId) {
        self.secrets.remove_of_application(self.application, secret.id());
    }
}

/// The providers of a model, by the application that each plays.
#[derive(Debug, Default)]
pub(crate) struct Players {
    players: BTreeMap<String, Player>,
}

#[derive(Debug)]
struct Player {
    provider: Box<dyn Provider>,
    /// What the provider could see when it was asked last; `None` before the first time.
    seen: Option<Vec<Seen>>,
}

/// What a provider can see of one relation.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    relation: u32,
    is_dying: bool,
    application_version: Option<u64>,
    units: Vec<(UnitName, u64)>,
    own_units: Vec<UnitName>,
}

impl Players {
    pub(crate) fn appoint(&mut self, application: &str, provider: Box<dyn Provider>) {
        self.players.insert(application.to_owned(), Player { provider, seen: None });
    }

    pub(crate) fn dismiss(&mut self, application: &str) {
        self.players.remove(application);
    }

    /// Asks each provider for which something has changed, until nothing changes any more.
    pub(crate) fn ask(&mut self, relations: &mut Relations, secrets: &mut Secrets, now: Timestamp) {
        for _ in 0..ROUNDS {
            let mut has_asked = false;
            for (application, player) in &mut self.players {
                let seen = Some(seen_by(relations, application));
                if player.seen != seen {
                    player.seen = seen;
                    player.provider.changed(&mut Played { application, relations, secrets, now });
                    has_asked = true;
                }
            }
            if !has_asked {
                break;
            }
        }
    }
}

fn seen_by(relations: &Relations, application: &str) -> Vec<Seen> {
    relations
        .of(application)
        .filter_map(|relation| {
            let other = relation.other_side(application)?.application();
            let version = |unit: &&UnitName| relation.unit_bag(unit).map(Databag::version);
            let units = relation.units_of(other).into_iter();
            Some(Seen {
                relation: relation.id(),
                is_dying: relation.is_dying(),
                application_version: relation.application_bag(other).map(Databag::version),
                units: units.filter_map(|unit| Some((unit.clone(), version(&unit)?))).collect(),
                own_units: relation.units_of(application).into_iter().cloned().collect(),
            })
        })
        .collect()
}
