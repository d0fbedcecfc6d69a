//! The secrets of an application without a charm, which a provider plays. They change at once.

use jiff::Timestamp;

use super::content::SecretContent;
use super::party::{Party, RelationScope, Scope};
use super::pending::Removal;
use super::secret::{Changes, Permission, Role, Secret};
use super::store::Secrets;
use crate::go_text::go_quote;

impl Secrets {
    /// Sets the content of an application's secret with this label, which is added if there is
    /// none. Returns its id.
    pub(crate) fn set_of_application(
        &mut self,
        application: &str,
        label: &str,
        content: SecretContent,
        now: Timestamp,
    ) -> String {
        let owner = Party::Application(application.to_owned());
        let known = self
            .by_id
            .iter_mut()
            .find(|(_, secret)| secret.owner == owner && secret.label == label);
        if let Some((id, secret)) = known {
            if secret.latest_content != content {
                secret.add_revision(content);
                secret.announce();
                secret.mark_obsolete();
            }
            return id.clone();
        }
        let id = self.new_id();
        let mut secret = Secret::new(owner, content);
        let changes = Changes { label: Some(label.to_owned()), ..Changes::default() };
        secret.set_metadata(&changes, now);
        self.by_id.insert(id.clone(), secret);
        id
    }

    /// Grants an application's secret to another application in the scope of a relation.
    ///
    /// # Errors
    /// Returns Juju's text if the application has no such secret, or if the secret is granted to
    /// the other one in another scope.
    pub(crate) fn grant_of_application(
        &mut self,
        application: &str,
        id: &str,
        subject: &str,
        scope: RelationScope,
    ) -> Result<(), String> {
        let owner = Party::Application(application.to_owned());
        let secret = self.by_id.get_mut(id).filter(|secret| secret.owner == owner);
        let secret = secret
            .ok_or_else(|| format!("secret {} not found", go_quote(&format!("secret:{id}"))))?;
        let subject = Party::Application(subject.to_owned());
        let scope = Scope::Relation(scope);
        if secret.permissions.get(&subject).is_some_and(|old| old.scope != scope) {
            return Err("cannot change secret permission scope".to_owned());
        }
        secret.permissions.insert(subject, Permission { role: Role::View, scope });
        Ok(())
    }

    /// Revokes an application's secret from another application. Without a grant it does nothing.
    pub(crate) fn revoke_of_application(&mut self, application: &str, id: &str, subject: &str) {
        let owner = Party::Application(application.to_owned());
        if let Some(secret) = self.by_id.get_mut(id).filter(|secret| secret.owner == owner) {
            secret.permissions.remove(&Party::Application(subject.to_owned()));
        }
    }

    /// Removes an application's secret. Without such a secret it does nothing.
    pub(crate) fn remove_of_application(&mut self, application: &str, id: &str) {
        let owner = Party::Application(application.to_owned());
        if self.by_id.get(id).is_some_and(|secret| secret.owner == owner) {
            self.remove(id, &Removal::All);
        }
    }
}
