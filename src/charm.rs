//! What an author writes: the charm.

use std::future::{Future, ready};

use crate::action::{ActionResult, Actions};
use crate::declaration::Declaration;
use crate::error::Error;
use crate::event::Event;
use crate::hook::Hook;
use crate::juju::LogLevel;
use crate::layer_field::LayerField;
use crate::outcome::Outcome;
use crate::retry::Retry;
use crate::status::Statuses;
use crate::stop::Result;
use crate::unit::UnitView;
use crate::verdict::Verdict;

/// The type of a charm's actions.
type ActionOf<C> = <<C as Charm>::Declared as Declaration>::Action;

/// A charm: what to do about each event, and how the unit is.
///
/// One hook run is one call of [`handle`](Charm::handle) for the event that Juju sent (after one
/// for each deferred event, oldest first), or of [`action`](Charm::action), then one of
/// [`collect_status`](Charm::collect_status). The same value serves both, and lives no longer than
/// the hook: what must be remembered goes to [`Hook::update_state`].
///
/// Guarantees: a call to Pebble is retried inside it, within bounds; a panic is an error like any
/// other; what an error means for the unit is one table, [`Verdict::by_table`]. Assumptions:
/// handlers are idempotent, since Juju runs a failed hook again and sends `config-changed`, `start`
/// and pebble-ready more than once.
///
/// The futures run on one thread and need not be `Send`. None is dropped before it is done.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a charm",
    note = "implement `charmwright::Charm`: `type Declared` and `reconcile`"
)]
pub trait Charm: Sized {
    /// What the charm's YAML declares.
    type Declared: Declaration;

    /// Brings the unit to what its config and its surroundings ask for. It runs for every event
    /// that [changes the world](Event::changes_world), unless [`handle`](Charm::handle) says
    /// otherwise: one method, since what is to be done is the same whatever made it necessary.
    ///
    /// # Errors
    ///
    /// Why it could not be finished: something is *not ready*, or failed, see
    /// [`Stop`](crate::Stop). What a failure means is for [`on_error`](Charm::on_error) to say.
    fn reconcile(&mut self, hook: &Hook<Self::Declared>) -> impl Future<Output = Result>;

    /// Deals with one event. By default it calls [`reconcile`](Charm::reconcile) for an event that
    /// changes the world.
    ///
    /// It is for what needs one event, and calls `reconcile` itself for the rest:
    ///
    /// ```
    /// # use charmwright::{Declaration, Metadata, NoActions, NoConfig, NoState};
    /// use charmwright::{Charm, Event, Hook, Outcome, Result};
    ///
    /// # struct Declared;
    /// # impl Declaration for Declared {
    /// #     type Config = NoConfig;
    /// #     type State = NoState;
    /// #     type Action = NoActions;
    /// #     const METADATA: Metadata = Metadata::new("web").containers(&["web"]);
    /// # }
    /// # struct Web;
    /// # async fn rotate_logs(_: &Hook<Declared>) -> Result {
    /// #     Ok(())
    /// # }
    /// impl Charm for Web {
    ///     type Declared = Declared;
    ///
    ///     async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
    ///         match event {
    ///             Event::PebbleCustomNotice(notice) if notice.key() == "example.com/full" => {
    ///                 rotate_logs(hook).await?;
    ///             }
    ///             event if event.changes_world() => self.reconcile(hook).await?,
    ///             _ => {}
    ///         }
    ///         Ok(Outcome::done())
    ///     }
    ///     // ...
    /// #     async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
    /// #         Ok(())
    /// #     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`reconcile`](Charm::reconcile).
    fn handle(
        &mut self,
        event: &Event,
        hook: &Hook<Self::Declared>,
    ) -> impl Future<Output = Result<Outcome>> {
        async {
            if event.changes_world() {
                self.reconcile(hook).await?;
            }
            Ok(Outcome::done())
        }
    }

    /// Does what a user asked for. It has to be written where the declaration has actions, or the
    /// charm does not build.
    ///
    /// Juju runs no other hook of the unit meanwhile, and deferred events do not run.
    ///
    /// # Errors
    ///
    /// The action's failure message: that of [`Stop::refused`](crate::Stop::refused), the reason
    /// that something is not ready, or the cause of a failure. The unit is not put in error, and
    /// what the library still holds is not sent; what a hook tool already took is kept.
    fn action(
        &mut self,
        action: ActionOf<Self>,
        hook: &Hook<Self::Declared>,
    ) -> impl Future<Output = Result<ActionResult>> {
        const {
            assert!(
                <ActionOf<Self> as Actions>::NAMES.is_empty(),
                "this charm declares actions: write `Charm::action`"
            );
        }
        let _ = (action, hook);
        ready(Ok(ActionResult::new()))
    }

    /// Adds the status of each component; runs at the end of every hook that did not fail. It can
    /// only read. Calls to Pebble make one attempt of at most 2 s.
    ///
    /// The framework has added its own before, see [`Statuses`]: so a config that does not parse
    /// needs no more than `unit.config()?` here.
    ///
    /// # Errors
    ///
    /// What is not ready adds its status; Pebble being unreachable is shown as Waiting, and a
    /// config error as Blocked; anything else fails the hook. Each ends the pass, so what must
    /// always show is added first.
    fn collect_status(
        &self,
        unit: &UnitView<Self::Declared>,
        statuses: &mut Statuses,
    ) -> impl Future<Output = Result> {
        let _ = (unit, statuses);
        ready(Ok(()))
    }

    /// What an error of [`handle`](Charm::handle) means for the unit; not asked in an action, whose
    /// error is its failure message, nor about what is not ready.
    ///
    /// A test makes errors of each kind by [`pebble::testing`](crate::pebble::testing) and
    /// [`ContainerTag`](crate::ContainerTag).
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
    /// use charmwright::{LayerField, LayerKey};
    ///
    /// fn option_of(field: &LayerField) -> Option<&'static str> {
    ///     match (field.service(), field.key()) {
    ///         (Some("web"), LayerKey::Command) => Some("command"),
    ///         (Some("web"), LayerKey::User) => Some("run-as"),
    ///         _ => None,
    ///     }
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
    /// use std::time::Duration;
    ///
    /// use charmwright::{Retry, RetryPolicy};
    ///
    /// fn retry(container: &str) -> Retry {
    ///     match container {
    ///         "cache" => Retry::fixed(RetryPolicy::once(Duration::from_secs(5))),
    ///         _ => Retry::default(),
    ///     }
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
