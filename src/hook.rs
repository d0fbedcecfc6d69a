//! What a handler is given: the hook it runs in.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::container::Container;
use crate::declaration::{Declaration, DeclaredContainer};
use crate::dispatch::context::HookContext;
use crate::error::Error;
use crate::juju::{self, HookTools, Port};
use crate::unit::{UnitView, declared_name};

/// One hook run, as its handlers see it: all that can be read of the unit ([`UnitView`], by
/// [`Deref`]), and the right to change it.
///
/// What the unit keeps (state, ports) is kept when the hook succeeds, and dropped when it fails;
/// statuses, the workload's version and log lines take effect at once. Statuses are not set here:
/// [`Charm::collect_status`](crate::Charm::collect_status) adds them.
///
/// A hook tool is a process of about a millisecond, so its calls block.
pub struct Hook<D: Declaration> {
    view: UnitView<D>,
}

impl<D: Declaration> Hook<D> {
    pub(crate) fn new(context: Rc<HookContext>) -> Self {
        Self { view: UnitView::new(context) }
    }

    /// What can be read of the unit, with the patience of this hook: for a function that both a
    /// handler and collect-status call.
    #[must_use]
    pub fn view(&self) -> &UnitView<D> {
        &self.view
    }

    /// A declared container. Asks nothing of its Pebble, which may be away.
    ///
    /// One that the declaration's [`Metadata`](crate::Metadata) does not list does not build.
    #[must_use]
    pub fn container<C: DeclaredContainer>(&self, container: C) -> Container {
        Container::new(&self.context, declared_name::<D, C>(container))
    }

    /// A container by a name that is known only at run time. Asks nothing of its Pebble, which may
    /// be away.
    ///
    /// # Errors
    ///
    /// The charm's [`Metadata`](crate::Metadata) does not declare it.
    pub fn container_named(&self, name: &str) -> Result<Container, Error> {
        Ok(Container::new(&self.context, self.declared_container(name)?))
    }

    /// All declared containers, in the order of the [`Metadata`](crate::Metadata).
    pub fn containers(&self) -> impl Iterator<Item = Container> + '_ {
        let names = self.context.metadata.declared_containers();
        names.map(|name| Container::new(&self.context, name))
    }

    /// Changes the charm's state. It is sent to Juju at the end of the hook, if it changed, and
    /// Juju keeps it if the hook succeeds.
    ///
    /// If `change` panics, the state is as before.
    ///
    /// # Errors
    ///
    /// A state error if it is larger than 60 KiB of JSON, or if what is stored could not be read;
    /// then nothing has changed.
    pub fn update_state(&self, change: impl FnOnce(&mut D::State)) -> Result<(), Error> {
        let mut state = self.state()?;
        change(Rc::make_mut(&mut state));
        self.context.state.borrow_mut().charm.write(&*state)?;
        *self.view.typed.state.borrow_mut() = Some(state);
        Ok(())
    }

    /// Leaves exactly these ports open, for all endpoints: opens what is not, and closes the rest.
    /// Juju does so when the hook succeeds.
    ///
    /// # Errors
    ///
    /// A hook tool failed: another unit's range conflicts, or it is a range on Kubernetes.
    pub fn set_ports(&self, ports: impl IntoIterator<Item = Port>) -> Result<(), juju::Error> {
        let wanted: BTreeSet<Port> = ports.into_iter().collect();
        let opened = self.opened_ports()?;
        for stale in opened.difference(&wanted) {
            self.tools().close_port(*stale)?;
        }
        for missing in wanted.difference(&opened) {
            self.tools().open_port(*missing)?;
        }
        Ok(())
    }

    /// Sets the workload's version, as `juju status` shows it beside the application. It takes
    /// effect at once, also if the hook fails later.
    ///
    /// # Errors
    ///
    /// The hook tool failed.
    pub fn set_workload_version(&self, version: &str) -> Result<(), juju::Error> {
        self.tools().set_application_version(version)
    }

    /// Tells the user who waits for an action how it goes, at once.
    ///
    /// # Errors
    ///
    /// The hook tool failed, for instance because this is no action.
    pub fn progress(&self, message: &str) -> Result<(), juju::Error> {
        self.tools().action_log(message)
    }

    /// The raw hook tools, for what has no method here.
    ///
    /// Not everything there is the charm's: a status that is set here is overwritten at the end of
    /// the hook, and the state's keys `charmwright` and `charm` belong to the framework
    /// ([`update_state`](Hook::update_state)). An action's results and its failure are what
    /// [`Charm::action`](crate::Charm::action) returns.
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
