//! What can be read of a unit while a hook runs.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::rc::Rc;

use crate::config;
use crate::container::ContainerView;
use crate::declaration::{Declaration, DeclaredContainer};
use crate::dispatch::context::{HookContext, Pass};
use crate::error::Error;
use crate::juju::{self, ApplicationName, ContainerName, HookEnv, Port, UnitName};

/// A unit of whatever charm, as any code may read it: its name, its surroundings and what Juju
/// knows of it.
///
/// [`UnitView`] is one by [`Deref`], and so is [`Hook`](crate::Hook); what serves several charms
/// takes a `&Unit`.
pub struct Unit {
    pub(crate) context: Rc<HookContext>,
    pub(crate) pass: Pass,
}

/// What a charm may read of its unit: all of [`Unit`], and what the declaration gives a type to.
///
/// It is what [`Charm::collect_status`](crate::Charm::collect_status) gets, and
/// [`Hook`](crate::Hook) is one by [`Deref`]. So one function that takes a
/// `&UnitView<Declared>` serves both; its containers are as patient as where the view is from.
///
/// A view gives no right to change anything:
///
/// ```compile_fail,E0599
/// # use charmwright::{Declaration, UnitView};
/// fn rename<D: Declaration>(unit: &UnitView<D>) {
///     let _ = unit.set_workload_version("2.0");
/// }
/// ```
pub struct UnitView<D: Declaration> {
    unit: Unit,
    pub(crate) typed: Rc<TypedValues<D>>,
}

/// What was read as the declaration's types, once for all views of the hook.
pub(crate) struct TypedValues<D: Declaration> {
    config: OnceCell<D::Config>,
    pub(crate) state: RefCell<Option<Rc<D::State>>>,
}

impl Unit {
    /// The unit's name, such as `web/0`.
    #[must_use]
    pub fn name(&self) -> &UnitName {
        self.context.env.unit()
    }

    /// The name of its application, such as `web`.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        self.name().application()
    }

    /// What the unit agent said in the environment. For a deferred event it is that of the hook in
    /// which it runs again, not its own: what the event needs is in the [`Event`](crate::Event).
    #[must_use]
    pub fn env(&self) -> &HookEnv {
        &self.context.env
    }

    /// Whether this unit leads its application. Juju promises a yes for 30 seconds, after which it
    /// is asked again.
    ///
    /// # Errors
    ///
    /// The hook tool failed, for instance because the controller does not answer.
    pub fn is_leader(&self) -> Result<bool, juju::Error> {
        self.context.tools.is_leader()
    }

    /// The ports that are open, with this hook's own openings and closings.
    ///
    /// # Errors
    ///
    /// The hook tool failed.
    pub fn opened_ports(&self) -> Result<BTreeSet<Port>, juju::Error> {
        self.context.tools.opened_ports()
    }

    /// The path of a resource's file on this machine. Juju downloads it where it has to, which may
    /// take long.
    ///
    /// # Errors
    ///
    /// The charm's YAML declares no such resource, no file was attached, or the download failed.
    pub fn resource(&self, name: &str) -> Result<PathBuf, juju::Error> {
        self.context.tools.resource(name)
    }

    /// A container by a name that is known only at run time. Asks nothing of its Pebble, which may
    /// be away.
    ///
    /// # Errors
    ///
    /// The charm's [`Metadata`](crate::Metadata) does not declare it.
    pub fn container_named(&self, name: &str) -> Result<ContainerView, Error> {
        Ok(ContainerView::new(&self.context, self.declared_container(name)?, self.pass))
    }

    /// All declared containers, in the order of the [`Metadata`](crate::Metadata).
    pub fn containers(&self) -> impl Iterator<Item = ContainerView> + '_ {
        let names = self.context.metadata.declared_containers();
        names.map(|name| ContainerView::new(&self.context, name, self.pass))
    }

    pub(crate) fn declared_container(&self, name: &str) -> Result<ContainerName, Error> {
        let metadata = &self.context.metadata;
        let found = metadata.declared_containers().find(|declared| declared.as_str() == name);
        found.ok_or_else(|| {
            Error::undeclared(format!(
                "cannot use container \"{name}\": the charm \"{}\" declares {:?} in \
                 Declaration::METADATA",
                metadata.name(),
                metadata.container_names()
            ))
        })
    }
}

impl<D: Declaration> UnitView<D> {
    pub(crate) fn new(context: Rc<HookContext>) -> Self {
        let typed = TypedValues { config: OnceCell::new(), state: RefCell::default() };
        Self { unit: Unit { context, pass: Pass::Handler }, typed: Rc::new(typed) }
    }

    /// The view of collect-status: what was read is shared, and a call to Pebble makes one attempt.
    pub(crate) fn for_collect_status(&self) -> Self {
        let unit = Unit { context: Rc::clone(&self.context), pass: Pass::CollectStatus };
        Self { unit, typed: Rc::clone(&self.typed) }
    }

    /// The charm's config, read at most once a hook.
    ///
    /// # Errors
    ///
    /// A config error that names the option whose value does not fit; returning it blocks the unit
    /// until the user changes it. A hook tool's error if the config cannot be read.
    pub fn config(&self) -> Result<&D::Config, Error> {
        if let Some(config) = self.typed.config.get() {
            return Ok(config);
        }
        let config = config::parse(&*self.context.tools.config()?)?;
        Ok(self.typed.config.get_or_init(|| config))
    }

    /// The charm's state as the last [`update_state`](crate::Hook::update_state) left it, in this
    /// hook or an earlier one; the default if there is none. The value stays as it is while the
    /// state is changed.
    ///
    /// # Errors
    ///
    /// A state error if what is stored is no such value or is from a newer version. It is left as
    /// it is: changing it is refused for the rest of the hook.
    pub fn state(&self) -> Result<Rc<D::State>, Error> {
        if let Some(state) = &*self.typed.state.borrow() {
            return Ok(Rc::clone(state));
        }
        let state = Rc::new(self.context.state.borrow_mut().charm.read::<D::State>()?);
        *self.typed.state.borrow_mut() = Some(Rc::clone(&state));
        Ok(state)
    }

    /// A declared container. Asks nothing of its Pebble, which may be away.
    ///
    /// One that the declaration's [`Metadata`](crate::Metadata) does not list does not build.
    #[must_use]
    pub fn container<C: DeclaredContainer>(&self, container: C) -> ContainerView {
        ContainerView::new(&self.context, declared_name::<D, C>(container), self.pass)
    }
}

/// Gives the name of a container that the metadata lists, else an error of the compiler.
pub(crate) fn declared_name<D: Declaration, C: DeclaredContainer>(container: C) -> ContainerName {
    const {
        assert!(
            D::METADATA.declares_container(C::NAME),
            "this container is not listed in the `METADATA` of the declaration"
        );
    }
    container.name()
}

impl<D: Declaration> Deref for UnitView<D> {
    type Target = Unit;

    fn deref(&self) -> &Unit {
        &self.unit
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unit").field("env", &self.context.env).finish_non_exhaustive()
    }
}

impl<D: Declaration> fmt::Debug for UnitView<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitView").field("env", &self.context.env).finish_non_exhaustive()
    }
}
