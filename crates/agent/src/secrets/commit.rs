//! [`Secrets::committed`] is the controller's part of the commit of a hook.
//!
//! Juju's controller does these steps one after the other. The model does all of them or none: it
//! works on a clone, so that a refused commit changes nothing.
//!
//! Source: Juju 3.6, `CommitHookChanges` and `apiserver/facades/agent/secretsmanager`; Juju 4.0,
//! `domain/unitstate`.

use jiff::Timestamp;

use super::party::{Party, RelationScope, Scope};
use super::pending::{Create, Grant, PendingSecrets, Removal};
use super::secret::{Changes, Permission, Role, Secret};
use super::store::Secrets;
use crate::go_text::go_quote;
use crate::names::application_of;

/// The unit whose hook is committed, and what the rest of the model knows of it.
pub(crate) struct Committer<'a> {
    pub(crate) unit: &'a str,
    pub(crate) is_leader: bool,
    pub(crate) now: Timestamp,
    /// Refuses a grant whose relation or subject is gone, with Juju's text.
    pub(crate) check_grant: &'a dyn Fn(&Party, &RelationScope) -> Result<(), String>,
}

/// The reason for which a change of one secret is refused.
enum Refusal {
    /// The secret is gone, which Juju 4 does not mind.
    NotFound(String),
    Other(String),
}

impl Secrets {
    /// Returns the secrets after the commit of a hook's pending writes.
    ///
    /// # Errors
    /// Returns Juju's text if any of them is refused: a label that is in use, an application's
    /// secret without the leadership, a secret of another owner, or one that is gone.
    pub(crate) fn committed(
        &self,
        pending: &PendingSecrets,
        by: &Committer<'_>,
    ) -> Result<Self, String> {
        let mut secrets = self.clone();
        let creates = pending.creates.iter();
        step("creating secrets", creates, |(id, create)| secrets.create(id, create, by))?;
        let updates = pending.updates.iter();
        step("updating secrets", updates, |(id, changes)| {
            secrets.if_present(id, by, |secrets| secrets.update(id, changes, by.now))
        })?;
        for id in &pending.tracked {
            if let Some(secret) = secrets.by_id.get_mut(id) {
                secret.track(by.unit, secret.latest);
            }
        }
        let grants = pending.grants.iter();
        let grants = grants.flat_map(|(id, grants)| grants.values().map(move |grant| (id, grant)));
        step("granting secrets access", grants, |(id, grant)| {
            secrets.if_present(id, by, |secrets| secrets.grant(id, grant, by))
        })?;
        let revokes = pending.revokes.iter();
        let revokes = revokes.flat_map(|(id, subjects)| subjects.iter().map(move |one| (id, one)));
        step("revoking secrets access", revokes, |(id, subject)| {
            secrets.if_present(id, by, |secrets| {
                if let Some(secret) = secrets.by_id.get_mut(id) {
                    secret.permissions.remove(subject);
                }
                Ok(())
            })
        })?;
        let removals = pending.removals.iter();
        step("removing secrets", removals, |(id, removal)| match secrets.check_managed(id, by) {
            // Juju minds no removal of what is gone, so that a repeated one is harmless.
            Err(Refusal::NotFound(_)) => Ok(()),
            Err(Refusal::Other(text)) => Err(text),
            Ok(()) => {
                secrets.remove(id, removal);
                Ok(())
            }
        })?;
        // Last, so that a unit which tracks its own new revision is not told of it.
        let renewed = pending.updates.iter().filter(|(_, changes)| changes.content.is_some());
        for (id, _) in renewed {
            if let Some(secret) = secrets.by_id.get_mut(id) {
                secret.announce();
            }
        }
        Ok(secrets)
    }

    fn create(&mut self, id: &str, create: &Create, by: &Committer<'_>) -> Result<(), String> {
        let Create { owner, changes } = create;
        if matches!(owner, Party::Application(_)) && !by.is_leader {
            return Err(not_leader(by.unit));
        }
        let content = changes.content.clone().filter(|content| !content.is_empty());
        let content = content.ok_or("empty secret value not valid")?;
        if let Some(label) = &changes.label {
            self.check_owner_label(owner, label).map_err(|()| label_exists(label))?;
        }
        let mut secret = Secret::new(owner.clone(), content);
        secret.set_metadata(changes, by.now);
        self.by_id.insert(id.to_owned(), secret);
        Ok(())
    }

    fn update(&mut self, id: &str, changes: &Changes, now: Timestamp) -> Result<(), String> {
        let Some(secret) = self.by_id.get(id) else {
            return Ok(());
        };
        let new_label = changes.label.as_ref().filter(|label| **label != secret.label);
        if let Some(label) = new_label {
            let owner = secret.owner.clone();
            self.check_owner_label(&owner, label).map_err(|()| label_exists(label))?;
        }
        if let Some(secret) = self.by_id.get_mut(id) {
            if let Some(content) = &changes.content {
                secret.add_revision(content.clone());
            }
            secret.set_metadata(changes, now);
            secret.mark_obsolete();
        }
        Ok(())
    }

    fn grant(&mut self, id: &str, grant: &Grant, by: &Committer<'_>) -> Result<(), String> {
        let Grant { subject, scope } = grant;
        if self.is_juju_4 && !scope.key.contains(' ') {
            return Err("granting access to a secret over a peer relation is not supported".into());
        }
        let refuse = |why: String| {
            let uri = go_quote(&format!("secret:{id}"));
            format!("cannot change access to {uri} for {}: {why}", go_quote(&subject.to_string()))
        };
        (by.check_grant)(subject, scope).map_err(refuse)?;
        let Some(secret) = self.by_id.get_mut(id) else {
            return Ok(());
        };
        let scope = Scope::Relation(scope.clone());
        // There is one permission for each subject. That of the owner has another scope, so its
        // own application cannot be granted a secret that it owns (Juju 3.6).
        let old = secret.permissions.get(subject);
        if old.is_some_and(|old| old.scope != scope) {
            return Err(refuse("cannot change secret permission scope".to_owned()));
        }
        secret.permissions.insert(subject.clone(), Permission { role: Role::View, scope });
        Ok(())
    }

    /// Removes a secret, or some of its revisions. Without a revision left the secret goes too.
    pub(super) fn remove(&mut self, id: &str, removal: &Removal) {
        let Some(secret) = self.by_id.get_mut(id) else {
            return;
        };
        match removal {
            Removal::All => secret.revisions.clear(),
            Removal::Revisions(numbers) => {
                secret.revisions.retain(|number, _| !numbers.contains(number));
            }
        }
        if secret.revisions.is_empty() {
            self.by_id.remove(id);
        }
    }

    /// Does one change if the unit may manage the secret.
    fn if_present(
        &mut self,
        id: &str,
        by: &Committer<'_>,
        change: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        match self.check_managed(id, by) {
            Ok(()) => change(self),
            Err(Refusal::NotFound(_)) if self.is_juju_4 => Ok(()),
            Err(Refusal::NotFound(text) | Refusal::Other(text)) => Err(text),
        }
    }

    /// Refuses a unit that may not manage a secret. The leader manages those of its application.
    fn check_managed(&self, id: &str, by: &Committer<'_>) -> Result<(), Refusal> {
        let Some(secret) = self.by_id.get(id) else {
            let uri = go_quote(&format!("secret:{id}"));
            return Err(Refusal::NotFound(format!("secret {uri} not found")));
        };
        let manages = |party: &Party| secret.role_of(party) == Some(Role::Manage);
        if manages(&Party::Unit(by.unit.to_owned())) {
            return Ok(());
        }
        let is_application = manages(&Party::application_of(by.unit));
        match (is_application, by.is_leader) {
            (true, true) => Ok(()),
            _ if self.is_juju_4 => Err(Refusal::Other(format!(
                "{} is not allowed to manage this secret",
                go_quote(by.unit)
            ))),
            (true, false) => Err(Refusal::Other(not_leader(by.unit))),
            (false, _) => Err(Refusal::Other("permission denied".to_owned())),
        }
    }
}

/// Does one kind of change for each item. Like Juju's controller it goes on after a refusal, and
/// joins the texts.
fn step<T>(
    what: &str,
    items: impl Iterator<Item = T>,
    change: impl FnMut(T) -> Result<(), String>,
) -> Result<(), String> {
    let refusals: Vec<String> = items.map(change).filter_map(Result::err).collect();
    if refusals.is_empty() { Ok(()) } else { Err(format!("{what}: {}", refusals.join("\n"))) }
}

fn not_leader(unit: &str) -> String {
    let application = application_of(unit).unwrap_or_default();
    format!("{} is not leader of {}", go_quote(unit), go_quote(application))
}

fn label_exists(label: &str) -> String {
    format!("secret with label {} already exists", go_quote(label))
}
