//! The secrets that this unit or its application owns.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::content::SecretContent;
use super::owned::OwnedSecret;
use crate::declaration::Declaration;
use crate::error::Error;
use crate::hook::Hook;
use crate::juju::{
    self, RelationId, SecretExpiry, SecretId, SecretInfo, SecretOwner, SecretRotation,
    SecretUpdate, UnitName,
};
use crate::leader::Leader;
use crate::stop::{OrStop as _, Result};

/// A secret of this unit's application, by its label. Every unit of the application reads it, and
/// the leader writes it.
///
/// ```
/// # use charmwright::{
/// #     Declaration, Hook, Result, SecretContent, SecretFieldError, SecretFields, SecretText,
/// # };
/// use charmwright::SecretRotation;
/// use charmwright::juju::RelationId;
/// # struct Admin {
/// #     password: SecretText,
/// # }
/// # impl Admin {
/// #     fn generate() -> Self {
/// #         Self { password: "…".into() }
/// #     }
/// # }
/// # impl SecretContent for Admin {
/// #     fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError> {
/// #         Ok(Self { password: fields.get("password")? })
/// #     }
/// #     fn to_fields(&self) -> SecretFields {
/// #         SecretFields::new().with("password", &self.password)
/// #     }
/// # }
///
/// fn share<D: Declaration>(hook: &Hook<D>, relation: &RelationId) -> Result {
///     let secret = hook.app_secret::<Admin>("admin").rotation(SecretRotation::Monthly);
///     // The leader creates it; the other units wait for that and then read it.
///     let admin = secret.or_create(Admin::generate)?;
///     if let Some(leader) = hook.leader()? {
///         secret.grant(&leader, relation)?;
///     }
///     # let _ = admin;
///     Ok(())
/// }
/// ```
///
/// What it writes takes effect when the hook succeeds. A unit that loses leadership before that
/// fails the hook, and Juju runs it again. Only a handler has the handle; a view of the unit, which
/// collect-status gets, does not return it:
///
/// ```compile_fail,E0599
/// # use charmwright::{Declaration, SecretFields, UnitView};
/// fn create<D: Declaration>(unit: &UnitView<D>) {
///     let _ = unit.app_secret::<SecretFields>("admin").or_create(SecretFields::new);
/// }
/// ```
pub struct AppSecret<T> {
    owned: OwnedSecret,
    content: PhantomData<fn() -> T>,
}

/// A secret of this unit, by its label. No other unit reads it unless it is granted.
///
/// What it writes takes effect when the hook succeeds.
pub struct UnitSecret<T> {
    owned: OwnedSecret,
    content: PhantomData<fn() -> T>,
}

impl<D: Declaration> Hook<D> {
    /// Returns the secret of this application that has this label. Nothing is read yet.
    ///
    /// Labels are local to the application and its units: no other secret that one of them owns or
    /// observes may have it.
    #[must_use]
    pub fn app_secret<T: SecretContent>(&self, label: &str) -> AppSecret<T> {
        let owned = OwnedSecret::new(&self.context, SecretOwner::Application, label);
        AppSecret { owned, content: PhantomData }
    }

    /// Returns the secret of this unit that has this label. Nothing is read yet.
    ///
    /// Labels are local: no other secret that this unit or its application owns, or that the unit
    /// observes, may have it.
    #[must_use]
    pub fn unit_secret<T: SecretContent>(&self, label: &str) -> UnitSecret<T> {
        let owned = OwnedSecret::new(&self.context, SecretOwner::Unit, label);
        UnitSecret { owned, content: PhantomData }
    }
}

/// Implements what both have in common.
macro_rules! impl_own {
    ($($secret:ident),*) => {$(
        impl<T: SecretContent> $secret<T> {
            /// Sets the description that the secret is created with. An operator reads it.
            #[must_use]
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.owned.options.description = Some(description.into());
                self
            }

            /// Sets the expiry that the secret is created with.
            #[must_use]
            pub fn expiry(mut self, expiry: SecretExpiry) -> Self {
                self.owned.options.expiry = Some(expiry);
                self
            }

            /// Sets the rotation that the secret is created with. Juju then sends `secret-rotate`
            /// each time that the owner is to set a new content.
            #[must_use]
            pub fn rotation(mut self, rotation: SecretRotation) -> Self {
                self.owned.options.rotation = Some(rotation);
                self
            }

            /// Returns the newest content, or `None` if there is no secret with this label.
            ///
            /// This unit tracks the newest revision from then on, at once; the content that this
            /// hook set counts as the newest.
            ///
            /// # Errors
            ///
            /// Returns an error if the content is not what the type expects, or if the hook tool
            /// fails.
            pub fn find(&self) -> Result<Option<T>, Error> {
                self.owned.find()
            }

            /// Returns the label.
            #[must_use]
            pub fn label(&self) -> &str {
                self.owned.label()
            }
        }

        impl<T> fmt::Debug for $secret<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($secret)).field(&self.owned.label()).finish()
            }
        }
    )*};
}

impl_own!(AppSecret, UnitSecret);

impl<T: SecretContent> AppSecret<T> {
    /// Returns the newest content, as [`find`](Self::find) does.
    ///
    /// # Errors
    ///
    /// Returns a stop that is not ready (Waiting) if no unit has created the secret. Returns the
    /// same errors as [`find`](Self::find).
    pub fn get(&self) -> Result<T> {
        self.find()?.or_wait(format!("waiting for the secret \"{}\"", self.label()))
    }

    /// Returns the newest content. If there is no secret with this label, the leader creates it
    /// with what `make` returns, and the other units wait for the leader.
    ///
    /// # Errors
    ///
    /// Returns a stop that is not ready (Waiting) if there is no secret yet and this unit is not
    /// the leader. Returns the same errors as [`find`](Self::find) and [`add`](Self::add).
    pub fn or_create(&self, make: impl FnOnce() -> T) -> Result<T> {
        self.or_try_create(|| Ok(make()))
    }

    /// Does what [`or_create`](Self::or_create) does, with a content that may fail to be made.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`or_create`](Self::or_create), and the error of `make`.
    pub fn or_try_create(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(content) = self.find()? {
            return Ok(content);
        }
        if !self.owned.tools().is_leader()? {
            let reason =
                format!("waiting for the leader to create the secret \"{}\"", self.label());
            return None.or_wait(reason);
        }
        let content = make()?;
        self.owned.add(content.to_fields())?;
        Ok(content)
    }

    /// Creates the secret and returns its id.
    ///
    /// # Errors
    ///
    /// Returns an error if a secret with this label exists, Juju does not accept a key or a value
    /// is too large ([`HookTools::add_secret`](juju::HookTools::add_secret) says when), or the hook
    /// tool fails.
    pub fn add(&self, _by: &Leader, content: &T) -> Result<SecretId, juju::Error> {
        self.owned.add(content.to_fields())
    }

    /// Sets a new content. Juju makes a new revision of it, unless it is equal to the newest one,
    /// and sends `secret-changed` to the observers.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`Gone`](juju::ErrorKind::Gone) if there is no secret with this
    /// label, and the errors of [`HookTools::set_secret`](juju::HookTools::set_secret).
    pub fn set(&self, _by: &Leader, content: &T) -> Result<(), juju::Error> {
        self.owned.update(&SecretUpdate::new().content(content.to_fields()))
    }

    /// Changes options of the secret, or its content and options at once.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`set`](Self::set).
    pub fn update(&self, _by: &Leader, update: &SecretUpdate) -> Result<(), juju::Error> {
        self.owned.update(update)
    }

    /// Grants the secret to the remote application of a relation. The grant ends with the relation.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`Gone`](juju::ErrorKind::Gone) if there is no secret with this
    /// label or the relation is gone, and the errors of
    /// [`HookTools::grant_secret`](juju::HookTools::grant_secret).
    pub fn grant(&self, _by: &Leader, relation: &RelationId) -> Result<(), juju::Error> {
        self.owned.grant(relation, None)
    }

    /// Grants the secret to one remote unit of a relation.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`grant`](Self::grant).
    pub fn grant_unit(
        &self,
        _by: &Leader,
        relation: &RelationId,
        unit: &UnitName,
    ) -> Result<(), juju::Error> {
        self.owned.grant(relation, Some(unit))
    }

    /// Revokes the grant to the remote application of a relation. Returns `true` if there was
    /// anything to revoke.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`HookTools::revoke_secret`](juju::HookTools::revoke_secret).
    pub fn revoke(&self, _by: &Leader, relation: &RelationId) -> Result<bool, juju::Error> {
        self.owned.revoke(relation, None)
    }

    /// Revokes the grant to one remote unit of a relation. Returns `true` if there was anything to
    /// revoke.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`revoke`](Self::revoke).
    pub fn revoke_unit(
        &self,
        _by: &Leader,
        relation: &RelationId,
        unit: &UnitName,
    ) -> Result<bool, juju::Error> {
        self.owned.revoke(relation, Some(unit))
    }

    /// Removes the secret with all its revisions. Returns `true` if there was one. It may be
    /// repeated.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`HookTools::remove_secret`](juju::HookTools::remove_secret).
    pub fn remove(&self, _by: &Leader) -> Result<bool, juju::Error> {
        self.owned.remove()
    }

    /// Removes one revision, as an owner does after `secret-remove` or `secret-expired`. Returns
    /// `true` if there was one. It may be repeated.
    ///
    /// # Errors
    ///
    /// Returns an error if this hook has changed or granted the secret, since Juju would drop that
    /// change for the removal, and the other errors of
    /// [`HookTools::remove_secret_revision`](juju::HookTools::remove_secret_revision).
    pub fn remove_revision(&self, _by: &Leader, revision: u64) -> Result<bool, juju::Error> {
        self.owned.remove_revision(revision)
    }

    /// Returns the id, which another application needs to read the secret. It has the model in it
    /// if Juju told the hook which one it is.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`Gone`](juju::ErrorKind::Gone) if there is no secret with this
    /// label, or if the hook tool fails.
    pub fn id(&self, _by: &Leader) -> Result<SecretId, juju::Error> {
        self.owned.shared_id()
    }

    /// Returns the properties of the secret, without its content. Juju tells them to the leader
    /// only.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`id`](Self::id).
    pub fn info(&self, _by: &Leader) -> Result<Arc<SecretInfo>, juju::Error> {
        self.owned.info()
    }
}

impl<T: SecretContent> UnitSecret<T> {
    /// Returns the newest content. If there is no secret with this label, it is created with what
    /// `make` returns.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`find`](Self::find) and [`add`](Self::add).
    pub fn or_create(&self, make: impl FnOnce() -> T) -> Result<T> {
        self.or_try_create(|| Ok(make()))
    }

    /// Does what [`or_create`](Self::or_create) does, with a content that may fail to be made.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`or_create`](Self::or_create), and the error of `make`.
    pub fn or_try_create(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(content) = self.find()? {
            return Ok(content);
        }
        let content = make()?;
        self.owned.add(content.to_fields())?;
        Ok(content)
    }

    /// Creates the secret and returns its id.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::add`].
    pub fn add(&self, content: &T) -> Result<SecretId, juju::Error> {
        self.owned.add(content.to_fields())
    }

    /// Sets a new content, as [`AppSecret::set`] does.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::set`].
    pub fn set(&self, content: &T) -> Result<(), juju::Error> {
        self.owned.update(&SecretUpdate::new().content(content.to_fields()))
    }

    /// Changes options of the secret, or its content and options at once.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::set`].
    pub fn update(&self, update: &SecretUpdate) -> Result<(), juju::Error> {
        self.owned.update(update)
    }

    /// Grants the secret to the remote application of a relation. The grant ends with the relation.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::grant`].
    pub fn grant(&self, relation: &RelationId) -> Result<(), juju::Error> {
        self.owned.grant(relation, None)
    }

    /// Grants the secret to one remote unit of a relation.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::grant`].
    pub fn grant_unit(&self, relation: &RelationId, unit: &UnitName) -> Result<(), juju::Error> {
        self.owned.grant(relation, Some(unit))
    }

    /// Revokes the grant to the remote application of a relation. Returns `true` if there was
    /// anything to revoke.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::revoke`].
    pub fn revoke(&self, relation: &RelationId) -> Result<bool, juju::Error> {
        self.owned.revoke(relation, None)
    }

    /// Revokes the grant to one remote unit of a relation. Returns `true` if there was anything to
    /// revoke.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::revoke`].
    pub fn revoke_unit(&self, relation: &RelationId, unit: &UnitName) -> Result<bool, juju::Error> {
        self.owned.revoke(relation, Some(unit))
    }

    /// Removes the secret with all its revisions. Returns `true` if there was one. It may be
    /// repeated.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::remove`].
    pub fn remove(&self) -> Result<bool, juju::Error> {
        self.owned.remove()
    }

    /// Removes one revision, as [`AppSecret::remove_revision`] does.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::remove_revision`].
    pub fn remove_revision(&self, revision: u64) -> Result<bool, juju::Error> {
        self.owned.remove_revision(revision)
    }

    /// Returns the id, which another application needs to read the secret. It has the model in it
    /// if Juju told the hook which one it is.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::id`].
    pub fn id(&self) -> Result<SecretId, juju::Error> {
        self.owned.shared_id()
    }

    /// Returns the properties of the secret, without its content.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AppSecret::id`].
    pub fn info(&self) -> Result<Arc<SecretInfo>, juju::Error> {
        self.owned.info()
    }
}
