//! The handle of one hook run, which a handler takes.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::container::Container;
use crate::declaration::{Declaration, DeclaredContainer};
use crate::dispatch::context::HookContext;
use crate::error::Error;
use crate::juju::{self, HookTools};
use crate::unit::{UnitView, declared_name};

/// A hook gives a handler read access to the unit ([`UnitView`], by [`Deref`]) and the right to
/// change it.
///
/// Changes of the state, the ports and the databags are kept if the hook succeeds and dropped if it
/// fails.
/// Statuses, the workload's version and log lines take effect at once. A handler does not set
/// statuses: [`Charm::collect_status`](crate::Charm::collect_status) adds them.
///
/// A call that runs a hook tool blocks the thread: the tool is a process of about a millisecond.
pub struct Hook<D: Declaration> {
    view: UnitView<D>,
}

impl<D: Declaration> Hook<D> {
    pub(crate) fn new(context: Rc<HookContext>) -> Self {
        Self { view: UnitView::new(context) }
    }

    /// Returns the view of the unit, with the retry policies of this hook. It is for a function
    /// that both a handler and collect-status call.
    #[must_use]
    pub fn view(&self) -> &UnitView<D> {
        &self.view
    }

    /// Returns a declared container. It sends no request, so Pebble need not be running.
    ///
    /// A container that the declaration's [`Metadata`](crate::Metadata) does not list is an error
    /// of the compiler.
    #[must_use]
    pub fn container<C: DeclaredContainer>(&self, container: C) -> Container {
        Container::new(&self.context, declared_name::<D, C>(container))
    }

    /// Returns a container by a name that is known only at run time. It sends no request, so Pebble
    /// need not be running.
    ///
    /// # Errors
    ///
    /// Returns an error if the charm's [`Metadata`](crate::Metadata) does not declare the
    /// container.
    pub fn container_named(&self, name: &str) -> Result<Container, Error> {
        Ok(Container::new(&self.context, self.declared_container(name)?))
    }

    /// Iterates over all declared containers in the order of the [`Metadata`](crate::Metadata).
    pub fn containers(&self) -> impl Iterator<Item = Container> + '_ {
        let names = self.context.metadata.declared_containers();
        names.map(|name| Container::new(&self.context, name))
    }

    /// Changes the charm's state. The framework writes the state to Juju at the end of the hook if
    /// it has changed, and Juju keeps it if the hook succeeds.
    ///
    /// If `change` panics, the state is unchanged.
    ///
    /// # Errors
    ///
    /// Returns a state error if the new state is larger than 60 KiB of JSON, or if the stored state
    /// could not be read. The state is then unchanged.
    pub fn update_state(&self, change: impl FnOnce(&mut D::State)) -> Result<(), Error> {
        // `change` works on a copy that is stored only once it has been written, so that neither a
        // panic nor a state that is too large leaves a half-changed value behind.
        let mut state = self.state()?;
        change(Rc::make_mut(&mut state));
        self.context.state.borrow_mut().charm.write(&*state)?;
        *self.view.typed.state.borrow_mut() = Some(state);
        Ok(())
    }

    /// Sets the workload's version, which `juju status` shows beside the application. It takes
    /// effect at once, even if the hook fails later.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn set_workload_version(&self, version: &str) -> Result<(), juju::Error> {
        self.tools().set_application_version(version)
    }

    /// Sends a progress message to the user who waits for the action. It takes effect at once.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the hook is not an action.
    pub fn progress(&self, message: &str) -> Result<(), juju::Error> {
        self.tools().action_log(message)
    }

    /// Returns the hook tools, for calls that have no method here.
    ///
    /// Some of them belong to the framework. A status that is set here is overwritten at the end of
    /// the hook, and the keys `charmwright` and `charm` of the state hold the framework's documents
    /// (use [`update_state`](Hook::update_state)). An action's results and its failure are what
    /// [`Charm::action`](crate::Charm::action) returns. The handles of
    /// [`relation`](crate::relation)s send only what has changed, and do not see what is written to
    /// a databag here.
    #[must_use]
    pub fn tools(&self) -> &HookTools {
        &self.context.tools
    }
}

impl<D: Declaration> Deref for Hook<D> {
    type Target = UnitView<D>;

    fn deref(&self) -> &UnitView<D> {
        &self.view
    }
}

impl<D: Declaration> fmt::Debug for Hook<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("env", self.env()).finish_non_exhaustive()
    }
}
