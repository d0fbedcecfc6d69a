//! The methods of [`Model`] by which the operator acts for an application without a charm: the
//! endpoints of such an application, and the secrets that it owns and grants over its relations.
//!
//! [`Played`](super::Played) has the same secrets for a provider, which acts by itself.

use charmwright_juju::SecretId;

use super::endpoint::EndpointMeta;
use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::model::Model;
use super::relations::RelationNumber;
use super::secrets::{RelationScope, content_of};

impl Model {
    /// Adds an endpoint to an application without a charm. One with the same name and declaration
    /// may be there already.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if the application has a charm, which declares its endpoints, or if
    ///   it has another endpoint of this name.
    pub fn add_endpoint(&mut self, application: &str, endpoint: EndpointMeta) -> Result<(), Error> {
        self.require_no_charm(application, "add an endpoint to")?;
        let known = self.application_mut(application)?;
        match known.meta.endpoints().get(endpoint.name()) {
            Some(same) if *same == endpoint => Ok(()),
            Some(_) => {
                let why = format!(
                    "cannot add endpoint {} to application {}: it has another one of this name",
                    go_quote(endpoint.name()),
                    go_quote(application)
                );
                Err(Error::new(ErrorKind::State, why))
            }
            None => {
                known.meta.add_endpoint(endpoint);
                Ok(())
            }
        }
    }

    /// Sets the content of the secret with this label that an application without a charm owns, and
    /// returns its id. Without such a secret it is added, and no unit may read it before
    /// [`Model::grant_remote_secret`]. An equal content makes no revision. A key with the suffix
    /// `#base64` has its value in base64.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such application.
    /// - [`ErrorKind::State`] if the application has a charm, which makes its secrets itself.
    /// - [`ErrorKind::Secret`] if Juju refuses the content.
    pub fn set_remote_secret(
        &mut self,
        application: &str,
        label: &str,
        content: &[(&str, &str)],
    ) -> Result<SecretId, Error> {
        self.require_no_charm(application, "set a secret of")?;
        let refuse = |why: &str| refused("set", &format!("{application}/{label}"), why);
        if content.is_empty() {
            return Err(refuse("empty secret value not valid"));
        }
        let content = content_of(content).map_err(|why| refuse(&why))?;
        let now = self.time_of_day(self.now());
        let id = self.secrets.set_of_application(application, label, content, now);
        format!("secret:{id}").parse().map_err(|_| refuse("its id is not valid"))
    }

    /// Grants a secret of an application without a charm to the other application of a relation.
    /// The grant ends with the relation.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] and [`ErrorKind::State`] as for [`Model::set_remote_secret`].
    /// - [`ErrorKind::Relation`] if the application has no relation with this number.
    /// - [`ErrorKind::Secret`] if the application owns no such secret, or it is granted to the
    ///   other application in another relation.
    pub fn grant_remote_secret(
        &mut self,
        application: &str,
        secret: &SecretId,
        relation: impl Into<RelationNumber>,
    ) -> Result<(), Error> {
        let relation = relation.into().get();
        self.require_no_charm(application, "grant a secret of")?;
        let known = self.relations.get(relation);
        let other = known.and_then(|known| Some((known, known.other_side(application)?)));
        let Some((known, other)) = other else {
            let why = format!(
                "cannot grant a secret of application {} in relation {relation}: it is not in it",
                go_quote(application)
            );
            return Err(Error::new(ErrorKind::Relation, why));
        };
        let scope = RelationScope { id: relation, key: known.key() };
        let subject = other.application();
        let granted = self.secrets.grant_of_application(application, secret.id(), subject, scope);
        granted.map_err(|why| refused("grant", secret.as_str(), &why))
    }

    /// Revokes a secret of an application without a charm from another application. Without a grant
    /// it changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::State`] as for [`Model::set_remote_secret`].
    pub fn revoke_remote_secret(
        &mut self,
        application: &str,
        secret: &SecretId,
        from: &str,
    ) -> Result<(), Error> {
        self.require_no_charm(application, "revoke a secret of")?;
        self.secrets.revoke_of_application(application, secret.id(), from);
        Ok(())
    }

    /// Removes a secret of an application without a charm. Without such a secret it does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::State`] as for [`Model::set_remote_secret`].
    pub fn remove_remote_secret(
        &mut self,
        application: &str,
        secret: &SecretId,
    ) -> Result<(), Error> {
        self.require_no_charm(application, "remove a secret of")?;
        self.secrets.remove_of_application(application, secret.id());
        Ok(())
    }

    /// Refuses an application with a charm, which acts for it itself.
    fn require_no_charm(&self, application: &str, attempt: &str) -> Result<(), Error> {
        if !self.application(application)?.has_charm {
            return Ok(());
        }
        let why = format!("cannot {attempt} application {}: it has a charm", go_quote(application));
        Err(Error::new(ErrorKind::State, why))
    }
}

fn refused(verb: &str, secret: &str, why: &str) -> Error {
    Error::new(ErrorKind::Secret, format!("cannot {verb} secret {}: {why}", go_quote(secret)))
}
