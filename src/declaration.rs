//! The declaration of a charm: its metadata, and the types of its config, state and actions.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::action::Actions;
use crate::const_text::is_same;
use crate::juju::ContainerName;

/// A declaration repeats in one place what the charm's YAML declares, and gives a type to each
/// part.
///
/// [`Hook`](crate::Hook) and [`UnitView`](crate::UnitView) are generic over the declaration, so a
/// module of a charm depends on what is declared and not on the charm.
///
/// ```
/// use charmwright::{Declaration, DeclaredContainer, Metadata, NoActions, NoConfig, NoState};
///
/// struct Declared;
/// impl Declaration for Declared {
///     type Config = NoConfig;
///     type State = NoState;
///     type Action = NoActions;
///     const METADATA: Metadata = Metadata::new("web").containers(&[WebContainer::NAME]);
/// }
///
/// #[derive(Clone, Copy)]
/// struct WebContainer;
/// impl DeclaredContainer for WebContainer {
///     const NAME: &'static str = "web";
/// }
/// ```
///
/// Its types are part of the charm's interface. If the charm is `pub`, they must be `pub` too, or
/// rustc reports a private type in a public interface.
pub trait Declaration: Sized + 'static {
    /// The type of the config, which serde reads by the options' names (so usually with
    /// `#[serde(rename_all = "kebab-case")]`). A value that does not fit blocks the unit with the
    /// option's name. A charm without options uses [`NoConfig`](crate::NoConfig).
    type Config: DeserializeOwned + 'static;

    /// The type of the state that the charm keeps between hooks. A charm that keeps none uses
    /// [`NoState`].
    type State: State;

    /// The type of the actions with their parameters. A charm without actions uses
    /// [`NoActions`](crate::NoActions).
    type Action: Actions;

    /// The charm's name and its containers, which must agree with the charm's YAML.
    const METADATA: Metadata;
}

/// A state is the one value that a charm keeps between hooks.
///
/// There is nothing to implement: every type qualifies that has a default, can be cloned, and can
/// be written and read by serde. A stored state is read as the current type, so a field that a
/// later revision of the charm adds needs `#[serde(default)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a charm's state",
    note = "derive Default, Clone, serde::Serialize and serde::Deserialize for it, or use \
            `charmwright::NoState`"
)]
pub trait State: Default + Clone + Serialize + DeserializeOwned + 'static {}

impl<T: Default + Clone + Serialize + DeserializeOwned + 'static> State for T {}

/// This type is the state of a charm that keeps nothing between hooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NoState {}

/// A declared container is a unit struct that stands for a workload container of the charm's YAML.
/// It is passed by value, as in `hook.container(WebContainer)`.
///
/// A container that the [`Metadata`] does not list does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared container",
    note = "a declared container is a unit struct that implements \
            `charmwright::DeclaredContainer`; a name that is known only at run time goes to \
            `container_named`"
)]
pub trait DeclaredContainer: Copy + 'static {
    /// The name of the container.
    const NAME: &'static str;

    /// Returns the container's name as a [`ContainerName`].
    #[must_use]
    fn name(self) -> ContainerName {
        const { ContainerName::from_static(Self::NAME) }
    }
}

/// Metadata has the part of the charm's YAML files that a hook needs. It is known at compile time,
/// so no hook reads YAML.
///
/// ```
/// use charmwright::Metadata;
///
/// const METADATA: Metadata = Metadata::new("any-workload-k8s").containers(&["workload"]);
/// assert!(METADATA.declares_container("workload"));
/// ```
///
/// A name that no container can have does not compile:
///
/// ```compile_fail,E0080
/// # use charmwright::Metadata;
/// const METADATA: Metadata = Metadata::new("web").containers(&["../web"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Metadata {
    name: &'static str,
    containers: &'static [&'static str],
}

impl Metadata {
    /// Makes the metadata of a charm without containers. The name is `name` in `charmcraft.yaml`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, containers: &[] }
    }

    /// Sets the names of the charm's workload containers.
    ///
    /// # Panics
    ///
    /// Panics if a text is not a valid name of a container; in a `const` that is an error of the
    /// compiler.
    pub const fn containers(self, containers: &'static [&'static str]) -> Self {
        let mut rest = containers;
        while let [name, others @ ..] = rest {
            // A `const fn` cannot run the destructor of the name.
            let _checked = std::mem::ManuallyDrop::new(ContainerName::from_static(name));
            rest = others;
        }
        Self { containers, ..self }
    }

    /// Returns the name of the charm.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the names of the declared containers, in order.
    #[must_use]
    pub const fn container_names(&self) -> &'static [&'static str] {
        self.containers
    }

    /// Returns `true` if a container of this name is declared.
    #[must_use]
    pub const fn declares_container(&self, name: &str) -> bool {
        // The loop is written by hand because iterators and the comparison of texts do not run at
        // compile time.
        let mut rest = self.containers;
        while let [declared, others @ ..] = rest {
            if is_same(declared, name) {
                return true;
            }
            rest = others;
        }
        false
    }

    /// Iterates over the typed names of the declared containers.
    pub(crate) fn declared_containers(&self) -> impl Iterator<Item = ContainerName> + use<> {
        // This cannot panic: `containers` has checked each name.
        self.containers.iter().map(|name| ContainerName::from_static(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_declared_as_a_whole() {
        let metadata = Metadata::new("web").containers(&["web", "cache"]);
        for (name, declared) in
            [("web", true), ("cache", true), ("we", false), ("webb", false), ("", false)]
        {
            assert_eq!(metadata.declares_container(name), declared, "{name}");
        }
    }
}
