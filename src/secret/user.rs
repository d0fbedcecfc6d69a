//! A config option of type `secret`.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::content::SecretContent;
use super::reading::{ReadMode, fault};
use super::uri;
use crate::declaration::Declaration;
use crate::error::Error;
use crate::hook::Hook;
use crate::juju::{ErrorKind, SecretId, SecretRef};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

/// The value of a config option of type `secret`: a secret that the operator added to the model and
/// granted to the application. It is a field of the charm's config.
///
/// ```
/// use charmwright::{
///     Hook, Result, SecretContent, SecretFieldError, SecretFields, SecretText, UserSecret,
/// };
/// # use charmwright::{Declaration, Metadata, NoActions, NoState};
/// # struct Declared;
/// # impl Declaration for Declared {
/// #     type Config = Config;
/// #     type State = NoState;
/// #     type Action = NoActions;
/// #     const METADATA: Metadata = Metadata::new("web");
/// # }
///
/// // options: {tls-key: {type: secret}}
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// struct Config {
///     tls_key: Option<UserSecret<TlsKey>>,
/// }
///
/// struct TlsKey {
///     key: SecretText,
/// }
///
/// impl SecretContent for TlsKey {
///     // ...
/// #     fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError> {
/// #         Ok(Self { key: fields.get("key")? })
/// #     }
/// #     fn to_fields(&self) -> SecretFields {
/// #         SecretFields::new().with("key", &self.key)
/// #     }
/// }
///
/// fn tls(hook: &Hook<Declared>) -> Result<Option<TlsKey>> {
///     // Not granted, gone, or without the key: the unit is Blocked, with the name of the option.
///     hook.config()?.tls_key.as_ref().map(|secret| secret.get(hook)).transpose()
/// }
/// ```
///
/// An empty text, by which an operator clears the option, counts as not set.
///
/// Juju checks neither that the secret exists nor that the application may read it when the option
/// is set. It sends no event when the operator grants the secret later, so the unit goes on with
/// the next event, `update-status` at the latest.
pub struct UserSecret<T> {
    id: SecretId,
    content: PhantomData<fn() -> T>,
}

impl<T: SecretContent> UserSecret<T> {
    /// Makes the value of an option, for a test.
    #[must_use]
    pub fn new(id: SecretId) -> Self {
        Self { id, content: PhantomData }
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
    /// - Returns a stop that is not ready (Blocked) if the secret is not granted to the
    ///   application, or is gone. The status names the option and what to do.
    /// - Returns an error of the config, which names the option and the key, if the content is not
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
        let fields = match mode.read(&unit.context.tools, SecretRef::Id(&self.id)) {
            Ok(fields) => fields,
            Err(error) if error.kind() == &ErrorKind::Denied => {
                let option = self.option(unit)?;
                return Err(Stop::blocked(format!(
                    "grant the secret of \"{option}\": juju grant-secret {} {}",
                    self.id,
                    unit.application()
                )));
            }
            Err(error) if error.kind() == &ErrorKind::Gone => {
                let option = self.option(unit)?;
                return Err(Stop::blocked(format!(
                    "set \"{option}\" to another secret: {} does not exist",
                    self.id
                )));
            }
            // Juju checks an option of type `secret` when it is set, but not one of type `string`.
            Err(error) if error.kind() == &ErrorKind::Invalid => {
                return Err(Stop::Failed(Error::config(self.option(unit)?, uri::EXPECTED)));
            }
            Err(error) => return Err(error.into()),
        };
        T::from_fields(&fields).map_err(|error| match self.option(unit) {
            Ok(option) => {
                let text = format!("the secret {} {}", self.id, fault(&error));
                Stop::Failed(Error::config(option, text))
            }
            Err(error) => error.into(),
        })
    }

    /// Returns the name of the option that has this id. The value does not know it, because serde
    /// does not tell a field's name to its type.
    fn option(&self, unit: &Unit) -> Result<String, crate::juju::Error> {
        let options = unit.context.tools.config()?;
        let found = options.iter().find(|(_, value)| match value {
            Value::String(text) => text.parse::<SecretId>().is_ok_and(|id| id.id() == self.id.id()),
            _ => false,
        });
        // A test may have made the value without an option.
        Ok(found.map_or_else(|| "a config option".to_owned(), |(name, _)| name.clone()))
    }
}

impl<'de, T> Deserialize<'de> for UserSecret<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self { id: uri::deserialize(from)?, content: PhantomData })
    }
}

impl<T> Clone for UserSecret<T> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), content: PhantomData }
    }
}

/// Two values are equal if they name the same secret.
impl<T> PartialEq for UserSecret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id.id() == other.id.id()
    }
}

impl<T> Eq for UserSecret<T> {}

impl<T> fmt::Debug for UserSecret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserSecret({})", self.id)
    }
}
