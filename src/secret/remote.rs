//! A secret whose id came in a databag.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::content::SecretContent;
use super::reading::{ReadMode, typed};
use super::{source, uri};
use crate::declaration::Declaration;
use crate::error::Error;
use crate::hook::Hook;
use crate::juju::{ApplicationName, EndpointName, ErrorKind, SecretId, SecretRef};
use crate::relation::Relation;
use crate::stop::{Result, Stop};
use crate::unit::Unit;

/// A secret that a remote application names in its databag and grants to this one, such as the
/// `secret-user` of a database. It is a field of a bag type, and its text in the databag is the
/// secret's id.
///
/// The field is both for who reads the databag and for who writes it. It serializes the id and
/// never the content. The texts about a secret that was read from a databag name the endpoint and
/// the remote application.
///
/// ```
/// use charmwright::{Bag, Hook, Plain, Relation, RemoteSecret, Result, SecretFields, SecretText};
/// # use charmwright::Declaration;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// struct Answer {
///     secret_user: RemoteSecret<SecretFields>,
/// }
///
/// impl Bag for Answer {
///     type Codec = Plain;
/// }
///
/// fn password<D: Declaration, E>(hook: &Hook<D>, database: &Relation<E>) -> Result<SecretText> {
///     let answer: Answer = database.remote_app().read()?;
///     // Not granted yet: the unit is Waiting, with the names of the endpoint and the application.
///     let user = answer.secret_user.get(hook)?;
///     Ok(user.get("password")?)
/// }
/// ```
pub struct RemoteSecret<T> {
    id: SecretId,
    /// The endpoint and the remote application, such as `database: pg`, for the texts.
    source: Option<String>,
    content: PhantomData<fn() -> T>,
}

impl<T: SecretContent> RemoteSecret<T> {
    /// Makes the value that names a secret to a remote application.
    #[must_use]
    pub fn new(id: SecretId) -> Self {
        Self { id, source: None, content: PhantomData }
    }

    /// Returns the same secret with the names of this unit's endpoint and of the remote application
    /// in its texts, for one whose id did not come from a bag type.
    #[must_use]
    pub fn in_relation<E>(&self, relation: &Relation<E>) -> Self {
        self.named_by(relation.endpoint_name(), relation.remote_app_name())
    }

    pub(super) fn named_by(
        &self,
        endpoint: &EndpointName,
        application: Option<&ApplicationName>,
    ) -> Self {
        let application = application.map_or("the remote application", ApplicationName::as_str);
        Self { source: Some(format!("{endpoint}: {application}")), ..self.clone() }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &SecretId {
        &self.id
    }

    /// Returns the content in the revision that this unit tracks. The first read of a secret makes
    /// the unit track the newest one, at once.
    ///
    /// # Errors
    ///
    /// - Returns a stop that is not ready (Waiting) if the secret is not granted to this unit yet,
    ///   or is gone: then the remote application has to name another.
    /// - Returns an error, which names the relation, the secret and the key, if the content is not
    ///   what the type expects.
    /// - Returns an error if the hook tool fails in another way.
    pub fn get(&self, unit: &Unit) -> Result<T> {
        self.read(unit, ReadMode::Tracked)
    }

    /// Returns the newest content, this once.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`get`](Self::get).
    pub fn peek(&self, unit: &Unit) -> Result<T> {
        self.read(unit, ReadMode::Peek)
    }

    /// Returns the newest content, which this unit tracks from now on. That takes effect at once
    /// and stays if the hook fails (Juju 3.6 and 4.0).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`get`](Self::get).
    pub fn refresh<D: Declaration>(&self, hook: &Hook<D>) -> Result<T> {
        self.read(hook, ReadMode::Refresh)
    }

    fn read(&self, unit: &Unit, mode: ReadMode) -> Result<T> {
        let secret = SecretRef::Id(&self.id);
        let source = self.source.as_deref();
        let missing = match mode.read(&unit.context.tools, secret) {
            Ok(fields) => {
                let content = typed(secret, &fields);
                return Ok(match source {
                    Some(source) => content
                        .map_err(|error| error.context(format!("use the answer of {source}")))?,
                    None => content?,
                });
            }
            Err(error) if error.kind() == &ErrorKind::Denied => "is not granted to this unit yet",
            Err(error) if error.kind() == &ErrorKind::Gone => "does not exist any more",
            // Such as a text in the databag that is no secret's id to Juju.
            Err(error) => {
                let error = Error::from(error);
                return Err(match source {
                    Some(source) => error.context(format!("use the answer of {source}")).into(),
                    None => error.into(),
                });
            }
        };
        let source = source.map(|source| format!("{source}: ")).unwrap_or_default();
        Err(Stop::waiting(format!("{source}the secret {} {missing}", self.id)))
    }
}

impl<T> Serialize for RemoteSecret<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.id.as_str())
    }
}

impl<'de, T> Deserialize<'de> for RemoteSecret<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self { id: uri::deserialize(from)?, source: source::current(), content: PhantomData })
    }
}

impl<T> Clone for RemoteSecret<T> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), source: self.source.clone(), content: PhantomData }
    }
}

/// Two values are equal if they name the same secret.
impl<T> PartialEq for RemoteSecret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id.id() == other.id.id()
    }
}

impl<T> Eq for RemoteSecret<T> {}

impl<T> fmt::Debug for RemoteSecret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteSecret({})", self.id)
    }
}
