//! A secret that another application or unit owns.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use super::content::SecretContent;
use super::reading::{ReadMode, typed};
use crate::declaration::Declaration;
use crate::dispatch::context::HookContext;
use crate::hook::Hook;
use crate::juju::{ErrorKind, SecretId, SecretRef};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

/// A secret that this unit may read, without the right to change what it tracks. A view of the unit
/// returns it ([`Unit::secret`]).
pub struct SecretView<T> {
    context: Rc<HookContext>,
    id: SecretId,
    content: PhantomData<fn() -> T>,
}

/// A secret that this unit observes. It derefs to [`SecretView`], which reads it, and has no method
/// that writes.
///
/// A unit goes on to see the revision that it read first, until [`refresh`](Self::refresh). The
/// event `secret-changed` tells it that there is a newer one.
///
/// ```compile_fail,E0599
/// # use charmwright::{Declaration, Hook, Leader, SecretFields};
/// # use charmwright::juju::SecretId;
/// fn change<D: Declaration>(hook: &Hook<D>, leader: &Leader, id: &SecretId) {
///     let _ = hook.secret::<SecretFields>(id).set(leader, &SecretFields::new());
/// }
/// ```
pub struct ObservedSecret<T> {
    view: SecretView<T>,
}

impl Unit {
    /// Returns a secret that another application or unit granted to this one, by its id. Nothing is
    /// read yet.
    #[must_use]
    pub fn secret<T: SecretContent>(&self, id: &SecretId) -> SecretView<T> {
        SecretView::new(&self.context, id)
    }
}

impl<D: Declaration> Hook<D> {
    /// Returns a secret that another application or unit granted to this one, by its id. Nothing is
    /// read yet.
    ///
    /// ```
    /// # use charmwright::{Declaration, Hook, Result, SecretFields, SecretText};
    /// # use charmwright::juju::SecretId;
    /// fn token<D: Declaration>(hook: &Hook<D>, id: &SecretId) -> Result<SecretText> {
    ///     let fields = hook.secret::<SecretFields>(id).refresh()?;
    ///     Ok(fields.get("token")?)
    /// }
    /// ```
    #[must_use]
    pub fn secret<T: SecretContent>(&self, id: &SecretId) -> ObservedSecret<T> {
        ObservedSecret { view: SecretView::new(&self.context, id) }
    }
}

impl<T: SecretContent> SecretView<T> {
    pub(super) fn new(context: &Rc<HookContext>, id: &SecretId) -> Self {
        Self { context: Rc::clone(context), id: id.clone(), content: PhantomData }
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
    /// Returns a stop that is not ready (Waiting) if the secret is not granted to this unit.
    /// Returns an error if the secret is gone, its content is not what the type expects, or the
    /// hook tool fails in another way.
    pub fn get(&self) -> Result<T> {
        self.read(ReadMode::Tracked)
    }

    /// Returns the newest content, this once. The unit goes on to track the revision that it
    /// tracks.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`get`](Self::get).
    pub fn peek(&self) -> Result<T> {
        self.read(ReadMode::Peek)
    }

    fn read(&self, mode: ReadMode) -> Result<T> {
        let secret = SecretRef::Id(&self.id);
        match mode.read(&self.context.tools, secret) {
            Ok(fields) => Ok(typed(secret, &fields)?),
            Err(error) if error.kind() == &ErrorKind::Denied => {
                Err(Stop::waiting(format!("waiting for access to the secret {}", self.id)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl<T: SecretContent> ObservedSecret<T> {
    /// Returns the newest content, which this unit tracks from now on. That takes effect at once
    /// and stays if the hook fails (Juju 3.6 and 4.0).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`SecretView::get`].
    pub fn refresh(&self) -> Result<T> {
        self.view.read(ReadMode::Refresh)
    }

    /// Gives the secret a label, by which the events of the secret name it, and returns the content
    /// in the revision that this unit tracks. The label takes effect at once and stays if the hook
    /// fails (Juju 3.6 and 4.0). No other secret that this unit owns or observes may have it.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`SecretView::get`], and an error if the label is taken.
    pub fn label(&self, label: &str) -> Result<T> {
        let Self { view } = self;
        match view.context.tools.label_secret(&view.id, label) {
            Ok(fields) => Ok(typed(SecretRef::Id(&view.id), &fields)?),
            Err(error) if error.kind() == &ErrorKind::Denied => {
                Err(Stop::waiting(format!("waiting for access to the secret {}", view.id)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl<T> Deref for ObservedSecret<T> {
    type Target = SecretView<T>;

    fn deref(&self) -> &SecretView<T> {
        &self.view
    }
}

impl<T> fmt::Debug for SecretView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretView({})", self.id)
    }
}

impl<T> fmt::Debug for ObservedSecret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObservedSecret({})", self.view.id)
    }
}
