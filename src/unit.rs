//! The parts of a unit that can be read while a hook runs.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::config;
use crate::container::ContainerView;
use crate::declaration::{Declaration, DeclaredContainer};
use crate::dispatch::context::{HookContext, Pass};
use crate::error::Error;
use crate::juju::{self, ApplicationName, ContainerName, HookEnv, UnitName};

/// A unit gives read access to its name, its environment and what Juju knows about it, whatever the
/// charm's declaration is.
///
/// [`UnitView`] and [`Hook`](crate::Hook) dereference to it by [`Deref`], so code that serves
/// several charms takes a `&Unit`.
pub struct Unit {
    pub(crate) context: Rc<HookContext>,
    pub(crate) pass: Pass,
}

/// A view gives a charm read access to its unit: all of [`Unit`], and the config, state and
/// containers with the types of the declaration.
///
/// [`Charm::collect_status`](crate::Charm::collect_status) takes a view, and [`Hook`](crate::Hook)
/// dereferences to one by [`Deref`], so a function that takes a `&UnitView<Declared>` serves both.
/// Its containers use the retry policy of the pass that the view comes from.
///
/// A view cannot change anything:
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

/// The values that have been read with the declaration's types; all views of the hook share them.
pub(crate) struct TypedValues<D: Declaration> {
    config: OnceCell<D::Config>,
    pub(crate) state: RefCell<Option<Rc<D::State>>>,
}

impl Unit {
    /// Returns the name of the unit, such as `web/0`.
    #[must_use]
    pub fn name(&self) -> &UnitName {
        self.context.env.unit()
    }

    /// Returns the name of the unit's application, such as `web`.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        self.name().application()
    }

    /// Returns the environment that the unit agent set for this hook. A deferred event runs again
    /// with the environment of a later hook, so what its handler needs is in the
    /// [`Event`](crate::Event).
    #[must_use]
    pub fn env(&self) -> &HookEnv {
        &self.context.env
    }

    /// Returns `true` if this unit is the leader of its application. Juju guarantees leadership for
    /// 30 seconds after each yes, so a later call asks again.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails, for instance because the controller does not
    /// answer.
    pub fn is_leader(&self) -> Result<bool, juju::Error> {
        self.context.tools.is_leader()
    }

    /// Returns a container by a name that is known only at run time. It sends no request, so Pebble
    /// need not be running.
    ///
    /// # Errors
    ///
    /// Returns an error if the charm's [`Metadata`](crate::Metadata) does not declare the
    /// container.
    pub fn container_named(&self, name: &str) -> Result<ContainerView, Error> {
        Ok(ContainerView::new(&self.context, self.declared_container(name)?, self.pass))
    }

    /// Iterates over all declared containers in the order of the [`Metadata`](crate::Metadata).
    pub fn containers(&self) -> impl Iterator<Item = ContainerView> + '_ {
        let names = self.context.metadata.declared_containers();
        names.map(|name| ContainerView::new(&self.context, name, self.pass))
    }

    /// Returns the typed name of a container that the metadata declares.
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

    /// Returns a view for collect-status. It shares the values that were read, and its calls to
    /// Pebble make one attempt.
    pub(crate) fn for_collect_status(&self) -> Self {
        let unit = Unit { context: Rc::clone(&self.context), pass: Pass::CollectStatus };
        Self { unit, typed: Rc::clone(&self.typed) }
    }

    /// Returns the charm's config, which is read at most once in a hook.
    ///
    /// # Errors
    ///
    /// Returns a config error that names the option whose value does not fit; a handler that
    /// returns it blocks the unit until the user changes the option. Returns a hook tool's error if
    /// the config cannot be read.
    pub fn config(&self) -> Result<&D::Config, Error> {
        if let Some(config) = self.typed.config.get() {
            return Ok(config);
        }
        let config = config::parse(&*self.context.tools.config()?)?;
        Ok(self.typed.config.get_or_init(|| config))
    }

    /// Returns the charm's state as the last [`update_state`](crate::Hook::update_state) wrote it,
    /// in this hook or an earlier one, or the default if no state is stored. The returned value
    /// does not change when the state is changed later.
    ///
    /// # Errors
    ///
    /// Returns a state error if the stored document cannot be read as the type, or if a newer
    /// version wrote it. The document is left as it is, and changing the state is refused for the
    /// rest of the hook.
    pub fn state(&self) -> Result<Rc<D::State>, Error> {
        if let Some(state) = &*self.typed.state.borrow() {
            return Ok(Rc::clone(state));
        }
        let state = Rc::new(self.context.state.borrow_mut().charm.read::<D::State>()?);
        *self.typed.state.borrow_mut() = Some(Rc::clone(&state));
        Ok(state)
    }

    /// Returns a declared container. It sends no request, so Pebble need not be running.
    ///
    /// A container that the declaration's [`Metadata`](crate::Metadata) does not list is an error
    /// of the compiler.
    #[must_use]
    pub fn container<C: DeclaredContainer>(&self, container: C) -> ContainerView {
        ContainerView::new(&self.context, declared_name::<D, C>(container), self.pass)
    }
}

/// Returns the name of a container, and fails to compile if the metadata does not list it.
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
