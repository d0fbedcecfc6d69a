//! What a charm declares: its metadata, and the types of its config, state and actions.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::action::Actions;
use crate::juju::ContainerName;

/// A declaration says in one place what the charm's YAML declares, and gives a type to each part.
///
/// It is what [`Hook`](crate::Hook) and [`UnitView`](crate::UnitView) are generic over, so a module
/// of a charm names what is declared and not the charm.
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
/// Its types are a part of the charm's interface: where the charm is `pub`, so are they (else rustc
/// speaks of a private type in a public interface).
pub trait Declaration: Sized + 'static {
    /// The config options as a type, read by serde with the options' names (so usually
    /// `#[serde(rename_all = "kebab-case")]`). A value that does not fit blocks the unit with the
    /// option's name. [`NoConfig`](crate::NoConfig) for a charm without options.
    type Config: DeserializeOwned + 'static;

    /// What the charm remembers from hook to hook; [`NoState`] if that is nothing.
    type State: State;

    /// The actions with their parameters; [`NoActions`](crate::NoActions) for a charm without.
    type Action: Actions;

    /// The charm's name and its containers, which must be those of its YAML.
    const METADATA: Metadata;
}

/// A charm's state is remembered from hook to hook, as one value.
///
/// There is nothing to implement: every type is one that has a default, can be cloned, and can be
/// written and read by serde. What is stored is read as the type of today, so a field that a later
/// revision of the charm adds needs `#[serde(default)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a charm's state",
    note = "derive Default, Clone, serde::Serialize and serde::Deserialize for it, or use \
            `charmwright::NoState`"
)]
pub trait State: Default + Clone + Serialize + DeserializeOwned + 'static {}

impl<T: Default + Clone + Serialize + DeserializeOwned + 'static> State for T {}

/// The state of a charm that remembers nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NoState {}

/// A declared container is a workload container that the charm's YAML declares: a unit struct for
/// each, passed by value, as in `hook.container(WebContainer)`.
///
/// A container that the [`Metadata`] does not list does not build.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared container",
    note = "a declared container is a unit struct that implements \
            `charmwright::DeclaredContainer`; a name that is known only at run time goes to \
            `container_named`"
)]
pub trait DeclaredContainer: Copy + 'static {
    /// The container's name.
    const NAME: &'static str;

    /// Gives the container's name as Juju's own type for it.
    #[must_use]
    fn name(self) -> ContainerName {
        const { ContainerName::from_static(Self::NAME) }
    }
}

/// Metadata is what a charm declares in its YAML files, as far as the hooks need it: known at build
/// time, so that no YAML is read in a hook.
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
    /// A charm of this name (`name` in `charmcraft.yaml`) without containers.
    pub const fn new(name: &'static str) -> Self {
        Self { name, containers: &[] }
    }

    /// The names of its workload containers.
    ///
    /// # Panics
    ///
    /// If one is no name of a container; in a `const` that is an error of the compiler.
    pub const fn containers(self, containers: &'static [&'static str]) -> Self {
        let mut rest = containers;
        while let [name, others @ ..] = rest {
            let _checked = std::mem::ManuallyDrop::new(ContainerName::from_static(name));
            rest = others;
        }
        Self { containers, ..self }
    }

    /// The charm's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The declared containers, in order.
    #[must_use]
    pub const fn container_names(&self) -> &'static [&'static str] {
        self.containers
    }

    /// Whether a container of this name is declared.
    #[must_use]
    pub const fn declares_container(&self, name: &str) -> bool {
        // By hand: iterators and the comparison of texts do not run at compile time.
        let mut rest = self.containers;
        while let [declared, others @ ..] = rest {
            if is_same(declared.as_bytes(), name.as_bytes()) {
                return true;
            }
            rest = others;
        }
        false
    }

    /// Gives the declared containers by Juju's own type for their names.
    pub(crate) fn declared_containers(&self) -> impl Iterator<Item = ContainerName> + use<> {
        // Each was looked at when the metadata was made.
        self.containers.iter().map(|name| ContainerName::from_static(name))
    }
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([a, one @ ..], [b, other @ ..]) => *a == *b && is_same(one, other),
        _ => false,
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
