//! The methods of [`Model`] that are the operator's commands on user secrets.

use charmwright_juju::SecretId;

use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::model::Model;
use super::secrets::{Changes, content_of_arguments};

/// The new values of a user secret, for [`Model::update_secret`].
///
/// `Debug` does not print the content.
#[derive(Clone, Default)]
#[must_use]
pub struct SecretUpdate {
    content: Vec<(String, String)>,
    name: Option<String>,
    description: Option<String>,
    auto_prune: Option<bool>,
}

impl std::fmt::Debug for SecretUpdate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretUpdate")
            .field("keys", &self.content.len())
            .field("name", &self.name)
            .field("description", &self.description)
            .field("auto_prune", &self.auto_prune)
            .finish()
    }
}

impl SecretUpdate {
    /// Makes an update that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key of the new content, which replaces the whole old one. A key with the suffix
    /// `#base64` has its value in base64.
    pub fn value(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.content.push((key.into(), value.into()));
        self
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets whether a revision is removed when no unit tracks it any more. It is not at first.
    pub fn auto_prune(mut self, prune: bool) -> Self {
        self.auto_prune = Some(prune);
        self
    }
}

impl Model {
    /// Adds a user secret, as `juju add-secret NAME KEY=VALUE…` does, and returns its id. A key
    /// with the suffix `#base64` has its value in base64.
    ///
    /// A charm gets the id in a config option of type `secret`, and may read the secret once it is
    /// granted to its application ([`Model::grant_secret`]).
    ///
    /// ```
    /// # use charmwright_agent::{Model, ModelSettings};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut model = Model::new(ModelSettings::new());
    /// let id = model.add_secret("db-password", &[("password", "s3cret")])?;
    /// assert!(id.as_str().starts_with("secret:"));
    /// // The name is taken.
    /// assert!(model.add_secret("db-password", &[("password", "x")]).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Secret`] if a user secret has this name, or Juju refuses the content: it needs
    /// at least one key, a key has three or more lower-case letters and digits, no value is empty,
    /// and all values have at most 1,000,000 bytes in base64.
    pub fn add_secret(&mut self, name: &str, content: &[(&str, &str)]) -> Result<SecretId, Error> {
        let refuse = |why: String| refused("add", name, &why);
        if content.is_empty() {
            return Err(refuse("missing secret value or filename".to_owned()));
        }
        let content = content_of_arguments(content).map_err(refuse)?;
        let id = self.secrets.add_user_secret(name, "", content).map_err(refuse)?;
        format!("secret:{id}").parse().map_err(|_| refuse("its id is not valid".to_owned()))
    }

    /// Changes a user secret, as `juju update-secret` does. A content that differs from the latest
    /// one is a new revision, and secret-changed becomes due on the units that have read an older
    /// one.
    ///
    /// # Errors
    /// [`ErrorKind::Secret`] if there is no user secret with this URI or name, the new name is that
    /// of another one, or Juju refuses the content.
    pub fn update_secret(&mut self, uri_or_name: &str, update: SecretUpdate) -> Result<(), Error> {
        let refuse = |why: String| refused("update", uri_or_name, &why);
        let SecretUpdate { content, name, description, auto_prune } = update;
        if content.is_empty() && name.is_none() && description.is_none() && auto_prune.is_none() {
            let why = "must specify a new value or metadata to update a secret";
            return Err(refuse(why.to_owned()));
        }
        let pairs: Vec<(&str, &str)> =
            content.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let content = match pairs.as_slice() {
            [] => None,
            pairs => Some(content_of_arguments(pairs).map_err(refuse)?),
        };
        let changes = Changes { label: name, description, content, ..Changes::default() };
        let now = self.time_of_day(self.now());
        self.secrets.update_user_secret(uri_or_name, changes, auto_prune, now).map_err(refuse)
    }

    /// Grants a user secret to an application, as `juju grant-secret` does. All its units may read
    /// it.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::Secret`] if there is no user secret with this URI or name.
    pub fn grant_secret(&mut self, uri_or_name: &str, application: &str) -> Result<(), Error> {
        if !self.applications.contains_key(application) {
            let name = go_quote(application);
            let why = format!("application {name} not found");
            let text = format!("cannot grant secret {} to {name}: {why}", go_quote(uri_or_name));
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        let granted = self.secrets.grant_user_secret(uri_or_name, application);
        granted.map_err(|why| refused("grant", uri_or_name, &why))
    }

    /// Revokes a user secret from an application, as `juju revoke-secret` does. Without a grant it
    /// changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Secret`] if there is no user secret with this URI or name.
    pub fn revoke_secret(&mut self, uri_or_name: &str, application: &str) -> Result<(), Error> {
        let revoked = self.secrets.revoke_user_secret(uri_or_name, application);
        revoked.map_err(|why| refused("revoke", uri_or_name, &why))
    }

    /// Removes a user secret, as `juju remove-secret` does, or one of its revisions.
    ///
    /// # Errors
    /// [`ErrorKind::Secret`] if there is no user secret with this URI or name.
    pub fn remove_secret(&mut self, uri_or_name: &str, revision: Option<u32>) -> Result<(), Error> {
        let removed = self.secrets.remove_user_secret(uri_or_name, revision);
        removed.map_err(|why| refused("remove", uri_or_name, &why))
    }
}

fn refused(verb: &str, secret: &str, why: &str) -> Error {
    Error::new(ErrorKind::Secret, format!("cannot {verb} secret {}: {why}", go_quote(secret)))
}
