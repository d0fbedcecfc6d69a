//! What the secrets of an application and of a unit have in common: a label, and the calls.

use std::rc::Rc;
use std::sync::Arc;

use super::content::SecretContent;
use super::options::CreateOptions;
use super::reading::{ReadMode, typed};
use crate::dispatch::context::HookContext;
use crate::error::Error;
use crate::juju::{
    self, ErrorKind, HookTools, RelationId, SecretFields, SecretId, SecretInfo, SecretOwner,
    SecretRef, SecretUpdate, UnitName,
};

/// A secret that this unit or its application owns, by its label.
pub(super) struct OwnedSecret {
    context: Rc<HookContext>,
    owner: SecretOwner,
    label: String,
    pub(super) options: CreateOptions,
}

impl OwnedSecret {
    pub(super) fn new(context: &Rc<HookContext>, owner: SecretOwner, label: &str) -> Self {
        let options = CreateOptions::default();
        Self { context: Rc::clone(context), owner, label: label.to_owned(), options }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn tools(&self) -> &HookTools {
        &self.context.tools
    }

    /// Returns the newest content, or `None` if no secret has the label.
    pub(super) fn find<T: SecretContent>(&self) -> Result<Option<T>, Error> {
        let secret = SecretRef::Label(&self.label);
        // An owner wants its newest content. It counts as one who tracks a revision, so a revision
        // that it never left would never become removable.
        match ReadMode::Refresh.read(self.tools(), secret) {
            Ok(fields) => Ok(Some(typed(secret, &fields)?)),
            Err(error) if error.kind() == &ErrorKind::Gone => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn add(&self, content: SecretFields) -> Result<SecretId, juju::Error> {
        let request = self.options.request(self.owner, &self.label, content);
        self.tools().add_secret(&request).and_then(|id| self.with_model(id))
    }

    fn id(&self) -> Result<SecretId, juju::Error> {
        self.tools().secret_id(&self.label)
    }

    /// Returns the id as another application needs it.
    pub(super) fn shared_id(&self) -> Result<SecretId, juju::Error> {
        self.with_model(self.id()?)
    }

    /// Adds the model to an id, since an observer in another model must know where the secret is.
    fn with_model(&self, id: SecretId) -> Result<SecretId, juju::Error> {
        let Some(model) = self.context.env.model_uuid()? else { return Ok(id) };
        Ok(format!("secret://{model}/{}", id.id()).parse().unwrap_or(id))
    }

    pub(super) fn info(&self) -> Result<Arc<SecretInfo>, juju::Error> {
        self.tools().secret_info(self.label.as_str())
    }

    pub(super) fn update(&self, update: &SecretUpdate) -> Result<(), juju::Error> {
        self.tools().set_secret(&self.id()?, update)
    }

    pub(super) fn grant(
        &self,
        relation: &RelationId,
        unit: Option<&UnitName>,
    ) -> Result<(), juju::Error> {
        self.tools().grant_secret(&self.id()?, relation, unit)
    }

    pub(super) fn revoke(
        &self,
        relation: &RelationId,
        unit: Option<&UnitName>,
    ) -> Result<bool, juju::Error> {
        self.if_there(|tools, id| tools.revoke_secret(id, relation, unit))
    }

    pub(super) fn remove(&self) -> Result<bool, juju::Error> {
        self.if_there(HookTools::remove_secret)
    }

    pub(super) fn remove_revision(&self, revision: u64) -> Result<bool, juju::Error> {
        self.if_there(|tools, id| tools.remove_secret_revision(id, revision))
    }

    /// Makes a call that has nothing to do if no secret has the label.
    fn if_there(
        &self,
        call: impl FnOnce(&HookTools, &SecretId) -> Result<bool, juju::Error>,
    ) -> Result<bool, juju::Error> {
        match self.id() {
            Ok(id) => call(self.tools(), &id),
            Err(error) if error.kind() == &ErrorKind::Gone => Ok(false),
            Err(error) => Err(error),
        }
    }
}
