//! [`Secrets::read`] is the controller's part of `secret-get`. It acts at once: what it changes
//! stays, even if the hook fails.
//!
//! Source: reference `juju-agent.md` 4; Juju 3.6, `apiserver/facades/agent/secretsmanager`.

use super::content::SecretContent;
use super::party::Party;
use super::secret::{Consumer, Secret};
use super::store::Secrets;
use crate::go_text::go_quote;
use crate::secret_uri::SecretUri;

/// The revision that `secret-get` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// The revision that the unit tracks: the latest one at its first read.
    Tracked,
    /// The latest revision, this time only.
    Peek,
    /// The latest revision, which the unit tracks from now on.
    Refresh,
}

impl Secrets {
    /// Returns the content of a secret that a unit reads by its URI, its label or both. With both,
    /// the label becomes the one by which the unit knows the secret.
    ///
    /// # Errors
    /// Returns Juju's text if there is no such secret, the unit has no grant, or the label is in
    /// use.
    pub(crate) fn read(
        &mut self,
        unit: &str,
        is_leader: bool,
        uri: Option<&SecretUri>,
        label: &str,
        mode: ReadMode,
    ) -> Result<SecretContent, String> {
        let not_found = |what: String| format!("{what} not found");
        let shown = uri.map(ToString::to_string);
        let is_local = uri.is_none_or(|uri| uri.is_of_model(&self.model));
        let mut new_label = (uri.is_some() && !label.is_empty()).then_some(label);
        let id = match self.owned_id(unit, uri, label).filter(|_| is_local) {
            Some(id) => {
                // A unit of the owner has no label of its own, and only the owner sets the label.
                if let Some(label) = new_label.take() {
                    self.set_owner_label(&id, unit, is_leader, label)?;
                }
                id
            }
            None => match uri {
                Some(uri) if is_local => uri.id().to_owned(),
                // Secrets of other models are not modelled.
                Some(_) => {
                    let shown = shown.unwrap_or_default();
                    return Err(not_found(format!("secret {}", go_quote(&shown))));
                }
                None => self.id_of_consumer_label(unit, label).ok_or_else(|| {
                    let kind = if self.is_juju_4 { "secret with label" } else { "consumer label" };
                    not_found(format!("{kind} {}", go_quote(label)))
                })?,
            },
        };
        let shown = shown.unwrap_or_else(|| format!("secret:{id}"));
        let secret = self.by_id.get(&id);
        let secret = secret.ok_or_else(|| not_found(format!("secret {}", go_quote(&shown))))?;
        if !secret.may_read(unit) {
            return Err("permission denied".to_owned());
        }
        let latest = secret.latest;
        let consumer = secret.consumers.get(unit);
        if let Some(label) = new_label
            && consumer.is_none_or(|consumer| consumer.label != label)
        {
            self.check_consumer_label(unit, label)
                .map_err(|why| format!("getting latest secret revision: {why}"))?;
        }
        let secret = self.by_id.get_mut(&id);
        let secret = secret.ok_or_else(|| not_found(format!("secret {}", go_quote(&shown))))?;
        let is_first = !secret.consumers.contains_key(unit);
        let number = if is_first || mode == ReadMode::Refresh {
            secret.track(unit, latest);
            latest
        } else if mode == ReadMode::Peek {
            latest
        } else {
            secret.consumers.get(unit).map_or(latest, |consumer| consumer.tracked)
        };
        if let (Some(label), Some(consumer)) = (new_label, secret.consumers.get_mut(unit)) {
            label.clone_into(&mut consumer.label);
        }
        secret.revisions.get(&number).map(|revision| revision.content.clone()).ok_or_else(|| {
            not_found(format!("secret revision {}", go_quote(&format!("{id}/{number}"))))
        })
    }

    /// Returns the secret that the unit or its application owns, by its URI or by its label. Every
    /// unit may use the label of a secret of its application.
    fn owned_id(&self, unit: &str, uri: Option<&SecretUri>, label: &str) -> Option<String> {
        let owned = self.by_id.iter().find(|(id, secret)| {
            secret.owner.includes(unit)
                && match uri {
                    Some(uri) => *id == uri.id(),
                    None => secret.label == label,
                }
        });
        owned.map(|(id, _)| id.clone())
    }

    fn id_of_consumer_label(&self, unit: &str, label: &str) -> Option<String> {
        let known = self.by_id.iter().find(|(_, secret)| {
            secret.consumers.get(unit).is_some_and(|consumer| consumer.label == label)
        });
        known.map(|(id, _)| id.clone())
    }

    /// Sets the label of a secret that the unit owns. For the application's secrets that is the
    /// leader; any other unit of the application changes nothing.
    fn set_owner_label(
        &mut self,
        id: &str,
        unit: &str,
        is_leader: bool,
        label: &str,
    ) -> Result<(), String> {
        let Some(secret) = self.by_id.get(id) else {
            return Ok(());
        };
        let is_owner = is_leader || secret.owner == Party::Unit(unit.to_owned());
        if !is_owner || secret.label == label {
            return Ok(());
        }
        let owner = secret.owner.clone();
        self.check_owner_label(&owner, label).map_err(|()| match self.is_juju_4 {
            true => format!("secret with label {} already exists", go_quote(label)),
            false => {
                let owner = go_quote(&owner.to_string());
                format!("secret label {} for owner {owner} already exists", go_quote(label))
            }
        })?;
        if let Some(secret) = self.by_id.get_mut(id) {
            label.clone_into(&mut secret.label);
        }
        Ok(())
    }
}

impl Secret {
    /// Makes a unit track a revision. The one that it has tracked may become obsolete.
    pub(super) fn track(&mut self, unit: &str, revision: u32) {
        let consumer = self
            .consumers
            .entry(unit.to_owned())
            .or_insert_with(|| Consumer { tracked: revision, ..Consumer::default() });
        if consumer.tracked < revision {
            consumer.tracked = revision;
            self.mark_obsolete();
        }
    }
}
