//! The client waits until a change is over, across lost connections and restarts of the daemon.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt, ExchangeError};
use super::call::{Answered, Call, Operation};
use super::change::{Change, ChangeId, ChangeStatus, Task};
#[cfg(test)]
use super::docs_table::Sample;
use super::duration::seconds;
use super::envelope::Refusal;
use super::error::Error;
use super::lookups::{change_path, read_change};
use super::reader::Reader;
use super::remainder::{INTERRUPTED, NOT_IN_PLAN, STOPPED_EARLY, is_stop_of_all};
use super::request::Request;
use super::resend::{LostAction, spawned_before};
use super::service_failure::service_of;
use super::service_info::ServiceInfo;
use super::timestamp::Timestamp;

/// The longest wait of one request for a change. A daemon that is told to stop gives open requests
/// one second (Pebble 1.32, `internals/daemon/daemon.go`), so a longer wait gains nothing.
pub(super) const SLICE: Duration = Duration::from_secs(10);

/// The shortest time between two requests about a change that is not ready, should a daemon not
/// wait as it is asked to.
pub(super) const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// A change that is waited for, and what is known of it from one attempt to the next.
#[derive(Debug, Clone)]
pub(super) struct AwaitedChange {
    id: ChangeId,
    origin: Origin,
    /// The number of the connection over which the daemon last showed that it has the change.
    connection: u64,
    /// The connection was lost after the change was asked for, so that the daemon may have been
    /// restarted.
    connection_lost: bool,
    /// The number of known restarts when the change was made; `None` if layers do not matter, as
    /// for an exec.
    restarts: Option<u64>,
    /// The time for which Pebble has answered that the change is not ready.
    waited: Duration,
    deadline: Duration,
}

/// The origin tells the change from another one that has the same id on a restarted daemon: Pebble
/// counts its ids from 1 if it has lost its state.
#[derive(Debug, Clone)]
enum Origin {
    /// The client sent this action at this time. The effect of the change matters, too.
    Action(LostAction, Timestamp),
    /// The client knows only the id, and the change was like this when it was first read.
    Observed { kind: String, spawned: Option<Timestamp> },
}

/// The wait for a change has ended in one of these ways.
pub(super) enum ChangeEnd {
    Ready {
        change: Box<Change>,
        /// The connection over which the change was made was never lost, so it is still the same
        /// daemon.
        same_connection: bool,
        /// The number of the connection over which the end was read.
        connection: u64,
    },
    /// The daemon was restarted after the change was made, and the effect of the change is lost.
    Restarted {
        /// The observation that shows it, as text for a log or an error.
        cause: String,
        /// The change, which is over, if the new daemon still has it.
        change: Option<Box<Change>>,
    },
}

impl AwaitedChange {
    fn new(id: ChangeId, origin: Origin, answered: &Answered, deadline: Duration) -> Self {
        Self {
            id,
            origin,
            connection: answered.connection,
            // A change was searched for only because a connection was lost.
            connection_lost: answered.is_recovered,
            restarts: None,
            waited: Duration::ZERO,
            deadline,
        }
    }

    /// Makes the value for the change of an action that Pebble has just accepted, or that was found
    /// after the answer was lost.
    pub(super) fn of_action(
        id: ChangeId,
        action: LostAction,
        answered: &Answered,
        client: &Reader,
    ) -> Self {
        let origin = Origin::Action(action, answered.since);
        let restarts = Some(client.known_layers().restarts());
        Self { restarts, ..Self::new(id, origin, answered, client.change_deadline()) }
    }

    /// Makes the value for the change of an exec that Pebble has just accepted.
    pub(super) fn of_exec(id: ChangeId, answered: &Answered, deadline: Duration) -> Self {
        let action = LostAction { kind: "exec", services: Vec::new() };
        Self::new(id, Origin::Action(action, answered.since), answered, deadline)
    }

    /// Returns the number of known restarts when the change was made.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.unwrap_or_default()
    }

    /// Returns the number of the connection over which the change was last read.
    pub(super) fn connection(&self) -> u64 {
        self.connection
    }

    /// Notes that the change was read over another connection than before.
    pub(super) fn note_seen(&mut self, connection: u64) {
        self.connection_lost = true;
        self.connection = connection;
    }

    /// Returns `true` if this change of the same id is the awaited one, and not one that a
    /// restarted daemon has made.
    fn is_same_change(&self, change: &Change) -> bool {
        match &self.origin {
            Origin::Action(action, since) => action.made(change, *since),
            Origin::Observed { kind, spawned } => {
                change.kind() == kind && change.spawn_time() == *spawned
            }
        }
    }
}

/// This operation waits for a change of which only the id is known.
struct WaitForId {
    id: ChangeId,
    deadline: Duration,
    /// The change as it was first read. It is told from another one of the same id by that, which a
    /// restarted daemon may have.
    awaited: Option<AwaitedChange>,
}

impl Operation for WaitForId {
    type Output = Change;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Change, AttemptError> {
        let client = attempt.client();
        let awaited = match &mut self.awaited {
            Some(awaited) => awaited,
            awaited @ None => {
                let answered = call.send_request(attempt).await?;
                let change: Change = client.decode_as(call.request(), answered.envelope.clone())?;
                if change.ready() {
                    return Ok(change);
                }
                let origin = Origin::Observed {
                    kind: change.kind().to_owned(),
                    spawned: change.spawn_time(),
                };
                let id = self.id.clone();
                awaited.insert(AwaitedChange::new(id, origin, &answered, self.deadline))
            }
        };
        match awaited.wait(call.request(), attempt).await? {
            ChangeEnd::Ready { change, .. } => Ok(*change),
            ChangeEnd::Restarted { cause, .. } => {
                let refusal = Refusal { status: 404, kind: None, message: cause };
                Err(call.request().refused(client.daemon(), refusal).into())
            }
        }
    }
}

/// This operation waits for a change that the client itself has made.
impl Operation for AwaitedChange {
    type Output = ChangeEnd;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<ChangeEnd, AttemptError> {
        self.wait(call.request(), attempt).await
    }
}

impl Reader {
    /// Waits for a change as [`Reader::wait_change`] does. Errors name `operation`.
    pub(super) async fn wait_change_as(
        &self,
        operation: String,
        id: &ChangeId,
        deadline: Duration,
    ) -> Result<Change, Error> {
        let step = format!("wait for change {id}");
        let mut call = Call::new(self, Request::get(change_path(id), operation).logged_as(step));
        call.run(&mut WaitForId { id: id.clone(), deadline, awaited: None }).await
    }

    /// Waits for a change that `operation` has made. Errors name `operation`, and the log names
    /// `step`, which is the wait alone.
    pub(super) async fn wait_for(
        self,
        operation: String,
        step: String,
        mut awaited: AwaitedChange,
    ) -> Result<ChangeEnd, Error> {
        let request = Request::get(change_path(&awaited.id), operation).logged_as(step);
        let mut call = Call::new(&self, request);
        call.note_accepted();
        call.run(&mut awaited).await
    }

    /// Makes the error of a change that is not over at its deadline.
    pub(super) fn still_running(&self, operation: &str, change: Change, waited: Duration) -> Error {
        let reason = format!(
            "change {} ({}) is still running after {}",
            change.id(),
            change.summary(),
            seconds(waited)
        );
        Error::change_running(operation, self.daemon(), reason, Some(change))
    }
}

impl AwaitedChange {
    /// Waits on the attempt's connection until the change is over or the attempt fails. `request`
    /// is that of the call, which errors name.
    pub(super) async fn wait(
        &mut self,
        request: &Request,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<ChangeEnd, AttemptError> {
        let client = attempt.client();
        let connection = attempt.connection_number(request).await?;
        if connection != self.connection {
            // The connection over which the change was last read is gone, and the daemon may be
            // gone with it.
            self.connection_lost = true;
            if let Some(end) = self.end_by_restart(request, attempt).await? {
                return Ok(end);
            }
            self.connection = connection;
        }
        loop {
            let left = self.deadline.saturating_sub(self.waited);
            let is_last = left.is_zero();
            let asked = Instant::now();
            let change_request = if is_last {
                read_change(&self.id)
            } else {
                wait_request(&self.id, left.min(SLICE))
            };
            match attempt.ask(&change_request).await {
                Ok(envelope) => {
                    let change: Change = client.decode_as(&change_request, envelope)?;
                    if change.ready() {
                        return self.classify_end(attempt, change).await;
                    }
                    if is_last {
                        let operation = request.operation();
                        return Err(client.still_running(operation, change, self.waited).into());
                    }
                }
                // Pebble answers 504 when the change is not ready in the time that was asked for.
                Err(ExchangeError::Refused(refusal)) if refusal.status == 504 && !is_last => {}
                Err(ExchangeError::Refused(refusal)) if refusal.is_busy() => {
                    return Err(AttemptError::busy(&refusal));
                }
                Err(ExchangeError::Refused(refusal)) => {
                    return Err(request.refused(client.daemon(), refusal).into());
                }
                Err(ExchangeError::ReplyLost { cause, unanswered }) => {
                    self.waited = self.waited.saturating_add(asked.elapsed());
                    return Err(AttemptError::after(unanswered, cause));
                }
                Err(ExchangeError::Failed(error)) => return Err(error),
            }
            if asked.elapsed() < LEAST_PAUSE {
                tokio::time::sleep(LEAST_PAUSE).await;
            }
            self.waited = self.waited.saturating_add(asked.elapsed());
        }
    }

    /// Returns [`ChangeEnd::Restarted`] if the daemon behind a new connection shows that it is not
    /// the one that accepted the change.
    async fn end_by_restart(
        &self,
        request: &Request,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Option<ChangeEnd>, AttemptError> {
        let client = attempt.client();
        if self.restarts.is_some() {
            attempt.restore_layers(request, None).await?;
        }
        let restarted = |cause: String, change| Ok(Some(ChangeEnd::Restarted { cause, change }));
        let same_layers = self.restarts.is_none_or(|made| made == client.known_layers().restarts());
        let change_request = read_change(&self.id);
        let id = &self.id;
        match attempt.ask(&change_request).await {
            Ok(envelope) => {
                let change: Change = client.decode_as(&change_request, envelope)?;
                match (same_layers, self.is_same_change(&change)) {
                    (true, true) => Ok(None),
                    (true, false) => {
                        restarted(format!("Pebble was restarted, change {id} is another now"), None)
                    }
                    // The changes that this daemon had taken over were waited for before the layers
                    // were put back, so the change is over.
                    (false, same) => {
                        restarted(FORGOTTEN.to_owned(), same.then(|| Box::new(change)))
                    }
                }
            }
            Err(ExchangeError::Refused(refusal)) if refusal.status == 404 && same_layers => {
                restarted(format!("Pebble was restarted and no longer knows change {id}"), None)
            }
            Err(ExchangeError::Refused(refusal)) if refusal.status == 404 => {
                restarted(FORGOTTEN.to_owned(), None)
            }
            Err(error) => Err(client.attempt_error(&change_request, error)),
        }
    }

    /// Says what a change that is over means. After a lost connection its status alone says little:
    /// a restarted daemon that kept its state still lists the change, but the processes that the
    /// change started are gone. And a daemon that is told to stop ends the starts in progress, and
    /// answers that they failed, before it ends.
    async fn classify_end(
        &self,
        attempt: &mut CallAttempt<'_>,
        change: Change,
    ) -> Result<ChangeEnd, AttemptError> {
        let same_connection = !self.connection_lost;
        let restarted = |cause: &str, change: Change| {
            let change = Some(Box::new(change));
            Ok(ChangeEnd::Restarted { cause: cause.to_owned(), change })
        };
        if let Origin::Action(_, since) = self.origin {
            if failed_with(&change, STOPPED_EARLY) && was_told_to_stop(attempt, since).await? {
                const CAUSE: &str = "Pebble was stopped while it started a service";
                if same_connection {
                    // The old daemon still answers for a moment. A request that is sent now would
                    // be lost with it, so the attempt fails and a later one meets the next daemon.
                    return Err(AttemptError::temporary(CAUSE));
                }
                return restarted(CAUSE, change);
            }
            // A daemon says neither of a change that it has made itself: it has looked up the
            // services in its plan before, and starts each of them once. So this daemon has taken
            // the change over.
            if failed_with(&change, INTERRUPTED) || failed_with(&change, NOT_IN_PLAN) {
                return restarted("Pebble was restarted while it started a service", change);
            }
            if !same_connection && let Some(cause) = shows_a_restart(attempt, &change).await? {
                return restarted(&cause, change);
            }
        }
        attempt.client().known_layers().note_finished(change.id(), change.spawn_time());
        Ok(ChangeEnd::Ready {
            change: Box::new(change),
            same_connection,
            connection: self.connection,
        })
    }
}

/// Returns `true` if the daemon was told to stop since that moment, by SIGTERM or by a service's
/// `shutdown`: it then makes a change of its own, which stops all services.
async fn was_told_to_stop(
    attempt: &mut CallAttempt<'_>,
    since: Timestamp,
) -> Result<bool, AttemptError> {
    let listed = attempt.all_changes().await?;
    Ok(listed.iter().any(|change| is_stop_of_all(change) && !spawned_before(change, since)))
}

/// Returns the evidence in the services that this daemon has not done the change itself, as a text.
async fn shows_a_restart(
    attempt: &mut CallAttempt<'_>,
    change: &Change,
) -> Result<Option<String>, AttemptError> {
    let is_done = |task: &&Task| *task.status() == ChangeStatus::Done;
    let names: Vec<String> = change.tasks().iter().filter(is_done).filter_map(service_of).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let services = attempt.services(&names).await?;
    let was_started = |name: &String| {
        services.iter().any(|info| info.name() == name && info.current_since().is_some())
    };
    if let Some(name) = names.iter().find(|name| !was_started(name)) {
        let cause = format!("Pebble was restarted and has never started service {name:?}");
        return Ok(Some(cause));
    }
    // A daemon makes an autostart change by itself only when it has just begun.
    let is_undone = change.kind() == "stop" && services.iter().any(ServiceInfo::is_active);
    if is_undone && let Some(since) = change.spawn_time() {
        let listed = attempt.all_changes().await?;
        let is_later_autostart = |other: &Change| {
            other.kind() == "autostart" && other.spawn_time().is_some_and(|at| at > since)
        };
        if listed.iter().any(is_later_autostart) {
            return Ok(Some("Pebble was restarted and has started its services".to_owned()));
        }
    }
    Ok(None)
}

/// The cause of an end by a restart, if layers had to be put back.
pub(super) const FORGOTTEN: &str = "Pebble was restarted and had forgotten its layers";

/// Returns `true` if a task of the change failed with this text.
fn failed_with(change: &Change, text: &str) -> bool {
    change.tasks().iter().any(|task| {
        *task.status() == ChangeStatus::Error
            && task.last_error().is_some_and(|error| error.contains(text))
    })
}

/// Makes the request that waits until a change is ready, for at most `slice`. At least a
/// millisecond is asked for, since Pebble takes a timeout of zero for a wait without end.
pub(super) fn wait_request(id: &ChangeId, slice: Duration) -> Request {
    let millis = slice.as_millis().max(1);
    Request::get(format!("{}/wait", change_path(id)), format!("wait for change {id}"))
        .query("timeout", &format!("{millis}ms"))
        .expected(slice)
}

#[cfg(test)]
pub(super) fn sample(id: &ChangeId) -> Sample {
    Sample::new("Reader::wait_change", "/v1/changes/{id}/wait", wait_request(id, SLICE))
}
