//! The trait that a charm implements.

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

/// A charm handles the events of a unit and reports the unit's status.
///
/// One hook run calls [`handle`](Charm::handle) for each deferred event, oldest first, and then for
/// the event that Juju sent, or calls [`action`](Charm::action) instead; it ends with
/// [`collect_status`](Charm::collect_status). One value serves all these calls and is dropped with
/// the hook: what must be remembered is written by [`Hook::update_state`].
///
/// The framework guarantees three things. A call to Pebble retries by itself, within limits of
/// attempts and time. A panic is an error like any other. What an error means for the unit is
/// decided by one table, [`Verdict::by_table`].
///
/// It assumes that handlers are idempotent, since Juju runs a failed hook again and sends
/// `config-changed`, `start` and pebble-ready more than once.
///
/// The futures run on one thread and need not be `Send`. The framework awaits each to its end and
/// never drops one before.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a charm",
    note = "implement `charmwright::Charm`: `type Declared` and `reconcile`"
)]
pub trait Charm: Sized {
    /// The type that says what the charm's YAML declares.
    type Declared: Declaration;

    /// Brings the unit to the state that its config and its environment ask for. It runs for every
    /// event that [changes the world](Event::changes_world), unless [`handle`](Charm::handle) is
    /// written otherwise. It is one method because the work is the same whatever event made it
    /// necessary.
    ///
    /// # Errors
    ///
    /// Returns a [`Stop`](crate::Stop) if something is *not ready* or has failed.
    /// [`on_error`](Charm::on_error) decides what a failure means for the unit.
    fn reconcile(&mut self, hook: &Hook<Self::Declared>) -> impl Future<Output = Result>;

    /// Handles one event. The default calls [`reconcile`](Charm::reconcile) for an event that
    /// changes the world.
    ///
    /// A charm writes it if it needs to know the event, and calls `reconcile` itself for the other
    /// events:
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
    /// Returns the same errors as [`reconcile`](Charm::reconcile).
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

    /// Runs an action. A charm whose declaration has actions must write it, or it does not compile.
    ///
    /// Juju runs no other hook of the unit meanwhile, and no deferred event runs in an action.
    ///
    /// # Errors
    ///
    /// Returns an error that becomes the action's failure message: the text of
    /// [`Stop::refused`](crate::Stop::refused), the reason that something is not ready, or the
    /// cause of a failure. A failed action does not put the unit in error. What the framework still
    /// holds is not written; what a hook tool has already taken is kept.
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

    /// Adds the status of each component of the unit. It runs at the end of every hook that did not
    /// fail and can only read. A call to Pebble makes one attempt of at most 2 s.
    ///
    /// The framework has added its own statuses before (see [`Statuses`]), so a config that does
    /// not parse needs no more than `unit.config()?` here.
    ///
    /// # Errors
    ///
    /// A [`Stop`](crate::Stop) that is not ready adds its status. An error because Pebble is
    /// unreachable adds a Waiting status, and a config error a Blocked one; any other error fails
    /// the hook. Each of them ends the method, so a status that must always show is added first.
    fn collect_status(
        &self,
        unit: &UnitView<Self::Declared>,
        statuses: &mut Statuses,
    ) -> impl Future<Output = Result> {
        let _ = (unit, statuses);
        ready(Ok(()))
    }

    /// Decides what an error of [`handle`](Charm::handle) means for the unit. It is not called for
    /// what is not ready, nor in an action, where the error is the failure message.
    ///
    /// A test makes errors of each kind with [`pebble::testing`](crate::pebble::testing) and
    /// [`ContainerTag`](crate::ContainerTag).
    fn on_error(&self, event: &Event, error: &Error) -> Verdict {
        Verdict::by_table(event, error)
    }

    /// Returns the config option that the value of a layer's field came from. If Pebble refuses the
    /// value, the unit is Blocked with the name of that option. The default, `None`, says that the
    /// value is the charm's own: then a refused layer is an error like any other, and a failed
    /// change is a failed change.
    ///
    /// The framework asks for a command, user, group or working-dir that Pebble cannot use, whether
    /// Pebble says so in an answer or by a failed change. A command that a handler runs by
    /// [`exec`](crate::pebble::Client::exec) is in no layer: if its program comes from an option,
    /// the handler itself returns [`Error::config`].
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

    /// Returns the retry policy for calls to the Pebble of a container in operation, and whether
    /// the operator may change it.
    ///
    /// The framework calls it once for each declared container, before the handlers run.
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

    /// Returns the lowest level that is logged. A line below it is dropped before it is formatted.
    fn log_level(&self) -> LogLevel {
        LogLevel::Info
    }
}
