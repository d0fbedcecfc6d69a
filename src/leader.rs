//! The proof that the unit leads its application.

use std::fmt;
use std::rc::Rc;

use crate::declaration::Declaration;
use crate::dispatch::context::HookContext;
use crate::hook::Hook;
use crate::juju;

/// A leader is the proof that this unit led its application when the hook asked Juju.
///
/// Only the leader may write the data of the application: its databags and the secrets that it
/// owns. The calls that write them take a `&Leader`, so a charm cannot forget to ask.
///
/// Juju guarantees leadership for 30 seconds from the question ([`Hook::leader`] asks again after
/// that). The unit may lose it before the hook ends: Juju then refuses what only the leader may
/// write, and the hook fails.
pub struct Leader {
    context: Rc<HookContext>,
}

impl<D: Declaration> Hook<D> {
    /// Returns the proof of leadership, or `None` if another unit leads the application.
    ///
    /// ```
    /// use charmwright::{Declaration, Hook, OrStop as _, Result};
    ///
    /// fn share<D: Declaration>(hook: &Hook<D>) -> Result {
    ///     let _leader = hook.leader()?.or_wait("waiting for the leader")?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the controller does not
    /// answer.
    pub fn leader(&self) -> Result<Option<Leader>, juju::Error> {
        Ok(self.is_leader()?.then(|| Leader { context: Rc::clone(&self.context) }))
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader").field("unit", self.context.env.unit()).finish()
    }
}
