//! What an author writes: the charm, and what it declares.

use std::future::Future;

use serde::de::DeserializeOwned;

use super::error::{Error, Result};
use super::event::Event;
use super::hook::Hook;
use super::layer_field::LayerField;
use super::outcome::{Outcome, Verdict};
use super::retry::Retry;
use super::status::Statuses;
use crate::juju::LogLevel;

/// A charm: what to do about each event, and how the unit is.
///
/// One hook run is one call of [`handle`](Charm::handle) for the event that Juju sent (after one
/// for each deferred event, oldest first), then one of [`collect_status`](Charm::collect_status).
/// The same value serves both, and lives no longer than the hook: what must be remembered goes to
/// [`Hook::set_state`].
///
/// Guarantees: a call to Pebble is retried inside it, within bounds; a panic is an error like any
/// other; what an error means for the unit is one table, [`Verdict::by_table`]. Assumptions:
/// handlers are idempotent, since Juju runs a failed hook again and sends `config-changed`, `start`
/// and pebble-ready more than once.
///
/// The futures run on one thread and need not be `Send`. None is dropped before it is done.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a charm",
    note = "implement `charmwright::Charm`: `type Config`, `const METADATA`, `handle` and \
            `collect_status`"
)]
pub trait Charm: Sized {
    /// The config options as a type, read by serde with the options' names (so usually
    /// `#[serde(rename_all = "kebab-case")]`). A value that does not fit blocks the unit with the
    /// option's name. [`NoConfig`](super::NoConfig) for a charm without options.
    type Config: DeserializeOwned;

    /// What the charm declares in its YAML: the containers and actions here must be those there.
    const METADATA: Metadata;

    /// Deals with one event.
    ///
    /// # Errors
    ///
    /// Whatever broke this attempt; [`on_error`](Charm::on_error) says what that means. "Not there
    /// yet" is no error but [`Outcome::Defer`].
    fn handle(&mut self, event: &Event, hook: &Hook<Self>)
    -> impl Future<Output = Result<Outcome>>;

    /// Adds the status of each component; runs at the end of every hook that did not fail. Calls to
    /// Pebble make one attempt of at most 2 s.
    ///
    /// # Errors
    ///
    /// Pebble being unreachable is shown as Waiting, and a config error as Blocked; anything else
    /// fails the hook.
    fn collect_status(
        &self,
        hook: &Hook<Self>,
        statuses: &mut Statuses,
    ) -> impl Future<Output = Result<()>>;

    /// What an error of [`handle`](Charm::handle) means for the unit; not asked in an action, whose
    /// error is its failure message.
    fn on_error(&self, event: &Event, error: &Error) -> Verdict {
        Verdict::by_table(event, error)
    }

    /// The config option that a field of the charm's layers came from, so that a value which Pebble
    /// refuses there blocks the unit with the option's name. `None`, the default, means that the
    /// value is the charm's own; then a refused layer is an error like any other, and a failed
    /// change stays one.
    ///
    /// Asked about a command, user, group or working-dir that Pebble cannot use, be that in an
    /// answer or in a failed change. A command that a handler runs by
    /// [`exec`](crate::pebble::Client::exec) is in no layer: whoever takes its program from
    /// an option returns [`Error::config`] by himself.
    ///
    /// ```
    /// # use charmwright::{Event, Hook, Metadata, NoConfig, Outcome, Result, Statuses};
    /// use charmwright::{Charm, LayerField, LayerKey};
    ///
    /// # struct Web;
    /// impl Charm for Web {
    /// #     type Config = NoConfig;
    /// #     const METADATA: Metadata = Metadata::new("web").containers(&["web"]);
    /// #     async fn handle(&mut self, _: &Event, _: &Hook<Self>) -> Result<Outcome> {
    /// #         Ok(Outcome::Done)
    /// #     }
    /// #     async fn collect_status(&self, _: &Hook<Self>, _: &mut Statuses) -> Result<()> {
    /// #         Ok(())
    /// #     }
    ///     fn option_of(&self, field: &LayerField) -> Option<&'static str> {
    ///         match (field.service(), field.key()) {
    ///             (Some("web"), LayerKey::Command) => Some("command"),
    ///             (Some("web"), LayerKey::User) => Some("run-as"),
    ///             _ => None,
    ///         }
    ///     }
    ///     // ...
    /// }
    /// ```
    fn option_of(&self, field: &LayerField) -> Option<&'static str> {
        let _ = field;
        None
    }

    /// Gives the retry policy for calls to the Pebble of a container in operation, and says whether
    /// the operator may change it.
    ///
    /// It is asked once for each declared container, before the handlers run.
    ///
    /// ```
    /// # use charmwright::{Charm, Event, Hook, Metadata, NoConfig, Outcome, Result, Statuses};
    /// use std::time::Duration;
    ///
    /// use charmwright::{Retry, RetryPolicy};
    ///
    /// # struct Web;
    /// impl Charm for Web {
    /// #     type Config = NoConfig;
    /// #     const METADATA: Metadata = Metadata::new("web").containers(&["web", "cache"]);
    /// #     async fn handle(&mut self, _: &Event, _: &Hook<Self>) -> Result<Outcome> {
    /// #         Ok(Outcome::Done)
    /// #     }
    /// #     async fn collect_status(&self, _: &Hook<Self>, _: &mut Statuses) -> Result<()> {
    /// #         Ok(())
    /// #     }
    ///     fn retry(&self, container: &str) -> Retry {
    ///         match container {
    ///             "cache" => Retry::fixed(RetryPolicy::once(Duration::from_secs(5))),
    ///             _ => Retry::default(),
    ///         }
    ///     }
    ///     // ...
    /// }
    /// ```
    fn retry(&self, container: &str) -> Retry {
        let _ = container;
        Retry::default()
    }

    /// The least important level that is logged; lower lines are dropped before they are formatted.
    fn log_level(&self) -> LogLevel {
        LogLevel::Info
    }
}

/// What a charm declares in its YAML files, as far as the hooks need it: known at build time, so
/// that no YAML is read in a hook.
///
/// ```
/// use charmwright::Metadata;
///
/// const METADATA: Metadata =
///     Metadata::new("any-workload-k8s").containers(&["workload"]).actions(&["restart"]);
/// assert!(METADATA.declares_container("workload"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Metadata {
    name: &'static str,
    containers: &'static [&'static str],
    actions: &'static [&'static str],
}

impl Metadata {
    /// A charm of this name (`name` in `charmcraft.yaml`) without containers and actions.
    pub const fn new(name: &'static str) -> Self {
        Self { name, containers: &[], actions: &[] }
    }

    /// The names of its workload containers.
    pub const fn containers(self, containers: &'static [&'static str]) -> Self {
        Self { containers, ..self }
    }

    /// The names of its actions.
    pub const fn actions(self, actions: &'static [&'static str]) -> Self {
        Self { actions, ..self }
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

    /// The declared actions, in order.
    #[must_use]
    pub const fn action_names(&self) -> &'static [&'static str] {
        self.actions
    }

    /// Whether a container of this name is declared.
    #[must_use]
    pub fn declares_container(&self, name: &str) -> bool {
        self.containers.contains(&name)
    }

    /// Whether an action of this name is declared.
    #[must_use]
    pub fn declares_action(&self, name: &str) -> bool {
        self.actions.contains(&name)
    }
}
