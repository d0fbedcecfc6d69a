//! The handlers of one hook: the deferred events and the current one, or an action.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::explain_refusal::explain_refusal;
use super::mode::Mode;
use super::panics::catch_panics;
use super::queue::{Arrival, Deferred};
use super::report::{Ending, Handled, HookReport};
use crate::action::{ActionRequest, Actions as _};
use crate::charm::Charm;
use crate::declaration::Declaration;
use crate::error::Error;
use crate::event::Event;
use crate::hook::Hook;
use crate::juju::Status;
use crate::outcome::End;
use crate::pebble;
use crate::stop::{NotReady, Stop};
use crate::text;
use crate::verdict::{Verdict, is_command};

type ActionOf<C> = <<C as Charm>::Declared as Declaration>::Action;

/// How an event leaves the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventEnd {
    Handled,
    /// An error in `stop` or `remove` changes nothing any more: there is nobody left to show a
    /// status to.
    Abandoned,
}

/// A charm in the hook that its handlers run in.
pub(crate) struct Dispatcher<'a, C: Charm> {
    pub(crate) charm: C,
    pub(crate) hook: &'a Hook<C::Declared>,
    pub(crate) mode: Mode,
    /// The time of the hook, in seconds since 1970 in UTC.
    pub(crate) now: u64,
    /// The statuses of what the handlers were not ready for.
    pub(crate) not_ready: Vec<Status>,
    pub(crate) report: &'a mut HookReport,
}

impl<C: Charm> Dispatcher<'_, C> {
    /// Runs the deferred events, oldest first, then this one.
    ///
    /// # Errors
    ///
    /// What fails the hook. In a workload hook only an event that cannot be stored does: every
    /// other cause becomes the status, and what is stored is committed.
    pub(crate) async fn run_events(&mut self, current: &Event) -> Result<EventEnd, Error> {
        if self.mode != Mode::Ending {
            let stored = self.hook.context.state.borrow().framework.queue.entries().to_vec();
            // One equal to the current event runs with it, once.
            for entry in stored.iter().filter(|entry| entry.event() != current) {
                let (event, attempts, reason) = (entry.event(), entry.attempts(), entry.reason());
                tracing::debug!(
                    "stored \"{event}\" runs again after {} and {attempts} attempts: {reason}",
                    self.age(entry)
                );
                self.run_event(event, Arrival::FromQueue).await?;
            }
        }
        self.run_event(current, Arrival::FromJuju).await
    }

    /// Runs an action, and sets its results.
    ///
    /// # Errors
    ///
    /// The action's failure message.
    pub(crate) async fn run_action(&mut self, request: &ActionRequest) -> Result<(), Error> {
        let (charm, hook) = (&mut self.charm, self.hook);
        let place = format!("actions/{}", request.name());
        let result = catch_panics(place, async {
            let action = ActionOf::<C>::parse(request)?;
            charm.action(action, hook).await
        });
        match result.await {
            Ok(result) => {
                hook.tools().action_set(result.iter())?;
                self.report.action = Some(result);
                Ok(())
            }
            Err(Stop::NotReady(reason)) => Err(Error::refused(reason.status().message())),
            Err(Stop::Failed(error)) => {
                Err(explain_refusal(&self.charm, &hook.context, error).await)
            }
        }
    }

    async fn run_event(&mut self, event: &Event, arrival: Arrival) -> Result<EventEnd, Error> {
        let (charm, hook) = (&mut self.charm, self.hook);
        let error = match catch_panics(event, async { charm.handle(event, hook).await }).await {
            Ok(outcome) => match outcome.into_end() {
                End::Done => {
                    self.mark_handled(event, true);
                    self.record_ending(event, arrival, Ending::Done, None);
                    return Ok(EventEnd::Handled);
                }
                End::Defer(reason) => {
                    return self.store_event(event, Status::waiting(reason), arrival, None);
                }
            },
            Err(Stop::NotReady(reason)) => return self.end_not_ready(event, reason, arrival),
            Err(Stop::Failed(error)) => explain_refusal(&self.charm, &hook.context, error).await,
        };
        match self.verdict(event, &error) {
            Verdict::Done => {
                tracing::warn!("\"{event}\" is done all the same: {}", error.chain());
                hook.context.state.borrow_mut().framework.queue.remove(event);
                self.record_ending(event, arrival, Ending::Done, Some(error));
                Ok(if event.is_ending() { EventEnd::Abandoned } else { EventEnd::Handled })
            }
            Verdict::Block(message) => {
                tracing::warn!("\"{event}\" needs the user: {}", error.chain());
                let message = text::one_line(&message);
                let framework = &mut hook.context.state.borrow_mut().framework;
                framework.queue.remove(event);
                framework.faults.add(event, &message);
                self.record_ending(event, arrival, Ending::Blocked(message), Some(error));
                Ok(EventEnd::Handled)
            }
            Verdict::Store(status) => self.store_event(event, status, arrival, Some(error)),
            Verdict::Fail => {
                self.record_ending(event, arrival, Ending::Failed, None);
                Err(error)
            }
        }
    }

    /// The event waits for something outside, which will send an event of its own unless the
    /// handler has it stored.
    fn end_not_ready(
        &mut self,
        event: &Event,
        reason: NotReady,
        arrival: Arrival,
    ) -> Result<EventEnd, Error> {
        let status = reason.status().clone();
        if reason.is_stored() {
            return self.store_event(event, status, arrival, None);
        }
        tracing::debug!("\"{event}\" is not ready: {status}");
        self.mark_handled(event, false);
        self.not_ready.push(status.clone());
        self.record_ending(event, arrival, Ending::NotReady(status), None);
        Ok(EventEnd::Handled)
    }

    /// Stores the event. A Pebble that is away or a service that fails is for the status to tell;
    /// what nobody expected is for the log as an error.
    fn store_event(
        &mut self,
        event: &Event,
        status: Status,
        arrival: Arrival,
        error: Option<Error>,
    ) -> Result<EventEnd, Error> {
        const STORED: &str = "is stored and runs again before the next event";
        match &error {
            Some(error) if error.pebble().is_some_and(is_expected) => {
                tracing::warn!("\"{event}\" {STORED}: {}", error.chain());
            }
            Some(error) => tracing::error!("\"{event}\" {STORED}: {}", error.chain()),
            None if arrival == Arrival::FromJuju => {
                tracing::warn!("\"{event}\" {STORED}: {}", status.message());
            }
            None => {}
        }
        let framework = &mut self.hook.context.state.borrow_mut().framework;
        framework.store(event, &status, arrival, self.now)?;
        framework.clear_faults(event, false);
        self.record_ending(event, arrival, Ending::Stored(status), error);
        Ok(EventEnd::Handled)
    }

    fn mark_handled(&self, event: &Event, is_done: bool) {
        let framework = &mut self.hook.context.state.borrow_mut().framework;
        framework.queue.remove(event);
        framework.clear_faults(event, is_done);
    }

    fn record_ending(
        &mut self,
        event: &Event,
        arrival: Arrival,
        ending: Ending,
        error: Option<Error>,
    ) {
        let is_deferred = arrival == Arrival::FromQueue;
        self.report.handled.push(Handled { event: event.clone(), is_deferred, ending, error });
    }

    /// The charm's verdict, as far as it may count in this hook.
    fn verdict(&self, event: &Event, error: &Error) -> Verdict {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.charm.on_error(event, error)))
            .unwrap_or_else(|payload| {
                let place = format_args!("on_error of {event}");
                tracing::error!("{}", Error::panic(&place, &*payload).chain());
                Verdict::Fail
            });
        self.mode.limit_verdict(verdict, error)
    }

    /// How long the event has been stored, as far as the clock can be trusted.
    fn age(&self, entry: &Deferred) -> String {
        match self.now.saturating_sub(entry.since()) {
            seconds @ 0..120 => format!("{seconds} s"),
            seconds @ 120..7200 => format!("{} min", seconds / 60),
            seconds => format!("{} h", seconds / 3600),
        }
    }
}

fn is_expected(error: &pebble::Error) -> bool {
    use pebble::ErrorKind::{ChangeFailed, ChangeRunning, NotReached, Restarted};
    match error.kind() {
        ChangeFailed => !is_command(error),
        ChangeRunning | NotReached | Restarted => true,
        _ => error.is_unavailable(),
    }
}
