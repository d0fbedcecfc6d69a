//! The operator's commands on user secrets: secrets that the model owns.
//!
//! Source: Juju 3.6, `apiserver/facades/client/secrets`; Juju 4.0, `domain/secret`.

use jiff::Timestamp;

use super::content::SecretContent;
use super::party::{Party, Scope};
use super::pending::Removal;
use super::secret::{Changes, Permission, Role, Secret};
use super::store::Secrets;
use crate::go_text::go_quote;
use crate::secret_uri::SecretUri;

impl Secrets {
    /// Adds a user secret, and returns its id. Its label is its name.
    ///
    /// # Errors
    /// Returns Juju's text if another user secret has this name.
    pub(crate) fn add_user_secret(
        &mut self,
        name: &str,
        description: &str,
        content: SecretContent,
    ) -> Result<String, String> {
        let owner = Party::Model(self.model.clone());
        self.check_user_label(name)?;
        let id = self.new_id();
        let mut secret = Secret::new(owner, content);
        name.clone_into(&mut secret.label);
        description.clone_into(&mut secret.description);
        self.by_id.insert(id.clone(), secret);
        Ok(id)
    }

    /// Changes a user secret. A new content is a new revision; an equal one is not.
    ///
    /// # Errors
    /// Returns Juju's text if there is no such user secret, or another one has the new name.
    pub(crate) fn update_user_secret(
        &mut self,
        uri_or_name: &str,
        changes: Changes,
        prune: Option<bool>,
        now: Timestamp,
    ) -> Result<(), String> {
        let id = self.user_secret_id(uri_or_name)?;
        let new_label = changes.label.as_ref();
        let old_label = self.by_id.get(&id).map(|secret| secret.label.clone());
        if let Some(label) = new_label.filter(|label| Some(*label) != old_label.as_ref()) {
            self.check_user_label(label)?;
        }
        let Some(secret) = self.by_id.get_mut(&id) else {
            return Ok(());
        };
        secret.is_pruned = prune.unwrap_or(secret.is_pruned);
        let content = changes.content.clone().filter(|new| *new != secret.latest_content);
        if let Some(content) = content {
            secret.add_revision(content);
            secret.announce();
        }
        secret.set_metadata(&changes, now);
        secret.mark_obsolete();
        Ok(())
    }

    /// Grants a user secret to an application, which must exist.
    ///
    /// # Errors
    /// Returns Juju's text if there is no such user secret.
    pub(crate) fn grant_user_secret(
        &mut self,
        uri_or_name: &str,
        application: &str,
    ) -> Result<(), String> {
        let id = self.user_secret_id(uri_or_name)?;
        let scope = Scope::Owner(Party::Model(self.model.clone()));
        if let Some(secret) = self.by_id.get_mut(&id) {
            let subject = Party::Application(application.to_owned());
            secret.permissions.insert(subject, Permission { role: Role::View, scope });
        }
        Ok(())
    }

    /// Revokes a user secret from an application. Without a grant it does nothing.
    ///
    /// # Errors
    /// Returns Juju's text if there is no such user secret.
    pub(crate) fn revoke_user_secret(
        &mut self,
        uri_or_name: &str,
        application: &str,
    ) -> Result<(), String> {
        let id = self.user_secret_id(uri_or_name)?;
        if let Some(secret) = self.by_id.get_mut(&id) {
            secret.permissions.remove(&Party::Application(application.to_owned()));
        }
        Ok(())
    }

    /// Removes a user secret, or one of its revisions.
    ///
    /// # Errors
    /// Returns Juju's text if there is no such user secret.
    pub(crate) fn remove_user_secret(
        &mut self,
        uri_or_name: &str,
        revision: Option<u32>,
    ) -> Result<(), String> {
        let id = self.user_secret_id(uri_or_name)?;
        let removal = revision.map_or(Removal::All, |number| Removal::Revisions([number].into()));
        self.remove(&id, &removal);
        Ok(())
    }

    /// Finds a user secret by its URI, or else by its name.
    fn user_secret_id(&self, uri_or_name: &str) -> Result<String, String> {
        let not_found = |what: &str| format!("secret {} not found", go_quote(what));
        let owner = Party::Model(self.model.clone());
        let Ok(uri) = SecretUri::parse(uri_or_name) else {
            let mut named = self.by_id.iter();
            let named =
                named.find(|(_, secret)| secret.owner == owner && secret.label == uri_or_name);
            return named.map(|(id, _)| id.clone()).ok_or_else(|| not_found(uri_or_name));
        };
        match self.by_id.get(uri.id()) {
            None => Err(not_found(&uri.to_string())),
            Some(secret) if secret.owner == owner => Ok(uri.id().to_owned()),
            // A charm's secret is not the operator's.
            Some(_) => Err("permission denied".to_owned()),
        }
    }

    fn check_user_label(&self, name: &str) -> Result<(), String> {
        let owner = Party::Model(self.model.clone());
        self.check_owner_label(&owner, name)
            .map_err(|()| format!("secret with name {} already exists", go_quote(name)))
    }
}
