//! Runs the handlers of one hook: for the deferred events and the current one, or for an action.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::explain_refusal::explain_refusal;
use super::mode::Mode;
use super::panics::catch_panics;
use super::queue::{Arrival, Deferred};
use super::report::{Ending, Handled, HookReport};
use super::vanished::{Lookup, Presence};
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

/// The end of an event, as far as the rest of the hook depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventEnd {
    Handled,
    /// An error in `stop` or `remove` was ignored. No status is collected then: the unit is about
    /// to be removed.
    Abandoned,
}

/// A dispatcher runs the charm's handlers in one hook and records the results.
pub(crate) struct Dispatcher<'a, C: Charm> {
    pub(crate) charm: C,
    pub(crate) hook: &'a Hook<C::Declared>,
    pub(crate) mode: Mode,
    /// The time of the hook, in seconds since 1970 in UTC.
    pub(crate) now: u64,
    /// The statuses of events that were not ready.
    pub(crate) not_ready: Vec<Status>,
    pub(crate) report: &'a mut HookReport,
}

impl<C: Charm> Dispatcher<'_, C> {
    /// Runs the deferred events, oldest first, then this one.
    ///
    /// # Errors
    ///
    /// Returns the error that fails the hook. A workload hook fails only if an event cannot be
    /// stored: every other error becomes a status, and the state is committed.
    pub(crate) async fn run_events(&mut self, current: &Event) -> Result<EventEnd, Error> {
        if self.mode != Mode::Ending {
            // A copy, because the handlers change the queue while it is read.
            let stored = self.hook.context.state.borrow().framework.queue.entries().to_vec();
            let mut lookup = Lookup::new(self.hook.tools(), current);
            // A stored event that equals the current one does not run twice.
            for entry in stored.iter().filter(|entry| entry.event() != current) {
                let (event, attempts, reason) = (entry.event(), entry.attempts(), entry.reason());
                match lookup.presence_for(event) {
                    Ok(Presence::Present) => {}
                    Ok(Presence::Gone(subject)) => {
                        tracing::warn!("dropped the stored \"{event}\": {subject} is gone");
                        self.hook.context.state.borrow_mut().framework.queue.remove(event);
                        continue;
                    }
                    Ok(Presence::Unknown) => {
                        tracing::debug!("the stored \"{event}\" waits for the next hook");
                        continue;
                    }
                    Err(error) => {
                        self.keep_stored(event, error)?;
                        continue;
                    }
                }
                tracing::debug!(
                    "stored \"{event}\" runs again after {} and {attempts} attempts: {reason}",
                    self.age(entry)
                );
                self.run_event(event, Arrival::FromQueue).await?;
            }
        }
        self.run_event(current, Arrival::FromJuju).await
    }

    /// Runs an action and sets its results.
    ///
    /// # Errors
    ///
    /// Returns the error that becomes the action's failure message.
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
            // An action has no status of its own: its user reads the reason as the failure message.
            Err(Stop::NotReady(reason)) => Err(Error::refused(reason.status().message())),
            Err(Stop::Failed(error)) => {
                Err(explain_refusal(&self.charm, &hook.context, error).await)
            }
        }
    }

    /// Runs one event and records its result. An error is returned only if it fails the hook.
    async fn run_event(&mut self, event: &Event, arrival: Arrival) -> Result<EventEnd, Error> {
        let (charm, hook) = (&mut self.charm, self.hook);
        hook.context.current_event.begin(event);
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

    /// Keeps a stored event of which Juju could not be asked whether it still has a subject. An
    /// ordinary hook fails: Juju drops what it wrote and runs it again.
    ///
    /// The charm is not asked for a verdict. It could end the event, whose handler has not run.
    fn keep_stored(&mut self, event: &Event, error: Error) -> Result<(), Error> {
        match self.mode.limit_verdict(Verdict::Fail, &error) {
            Verdict::Store(status) => {
                self.store_event(event, status, Arrival::FromQueue, Some(error)).map(drop)
            }
            _ => Err(error),
        }
    }

    /// Ends an event that is not ready. What is missing sends an event of its own, unless the
    /// handler has this one stored.
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

    /// Stores the event. If Pebble is unreachable or a service fails, the log has a warning, since
    /// the status reports it; any other error is logged as an error.
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
            // An event that is deferred again has been logged when it was first stored.
            None => {}
        }
        let framework = &mut self.hook.context.state.borrow_mut().framework;
        framework.store(event, &status, arrival, self.now)?;
        framework.clear_faults(event, false);
        self.record_ending(event, arrival, Ending::Stored(status), error);
        Ok(EventEnd::Handled)
    }

    /// Removes the event from the queue, and the mistakes that it has shown to be corrected.
    fn mark_handled(&self, event: &Event, is_done: bool) {
        let framework = &mut self.hook.context.state.borrow_mut().framework;
        framework.queue.remove(event);
        framework.clear_faults(event, is_done);
    }

    /// Adds the result of an event to the report.
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

    /// Returns the charm's verdict, limited to what the mode of this hook allows.
    fn verdict(&self, event: &Event, error: &Error) -> Verdict {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.charm.on_error(event, error)))
            .unwrap_or_else(|payload| {
                let place = format_args!("on_error of {event}");
                tracing::error!("{}", Error::panic(&place, &*payload).chain());
                Verdict::Fail
            });
        self.mode.limit_verdict(verdict, error)
    }

    /// Returns the time since the event was stored, as text. A clock that was set back gives 0 s.
    fn age(&self, entry: &Deferred) -> String {
        match self.now.saturating_sub(entry.since()) {
            seconds @ 0..120 => format!("{seconds} s"),
            seconds @ 120..7200 => format!("{} min", seconds / 60),
            seconds => format!("{} h", seconds / 3600),
        }
    }
}

/// Returns `true` for an error that the unit's status reports well enough.
fn is_expected(error: &pebble::Error) -> bool {
    use pebble::ErrorKind::{ChangeFailed, ChangeRunning, NotReached, Restarted};
    match error.kind() {
        ChangeFailed => !is_command(error),
        ChangeRunning | NotReached | Restarted => true,
        _ => error.is_unavailable(),
    }
}
