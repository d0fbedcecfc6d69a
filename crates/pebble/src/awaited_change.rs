//! Waiting until a change is over, through lost connections and restarts of the daemon.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{Answered, AttemptError, Call, ExchangeError, Halt};
use super::change::{Change, ChangeId, ChangeStatus, Task};
use super::changes::{change_path, read_change};
use super::connection::Connection;
#[cfg(test)]
use super::docs_table::Sample;
use super::envelope::Refusal;
use super::error::Error;
use super::reader::Reader;
use super::remainder::{INTERRUPTED, NOT_IN_PLAN, STOPPED_EARLY, is_stop_of_all};
use super::request::Request;
use super::resend::{LostAction, spawned_before};
use super::service_failure::service_of;
use super::service_info::ServiceInfo;
use super::timestamp::Timestamp;
use super::transport::seconds;

/// How long one request waits for a change. A daemon that is told to stop gives open requests one
/// second, so nothing is gained by a longer one.
const SLICE: Duration = Duration::from_secs(10);

/// The least time between two questions about a change that is not ready, should a daemon not wait
/// as it is asked to.
pub(super) const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// A change that is waited for.
#[derive(Debug, Clone)]
pub(super) struct AwaitedChange {
    id: ChangeId,
    origin: Origin,
    /// The connection behind which the daemon was last known to have it.
    lane: u64,
    /// The connection was lost since it was asked for, so the daemon may have been restarted since.
    connection_lost: bool,
    /// The number of known restarts when it was made; `None` where layers do not matter.
    restarts: Option<u64>,
    waited: Duration,
    deadline: Duration,
}

/// How a change is told from another one that has the same id after a restart.
#[derive(Debug, Clone)]
enum Origin {
    /// It was made by an action of ours, sent at this time; its effect matters, too.
    Ours(LostAction, Timestamp),
    /// It was seen to be like this.
    Seen { kind: String, spawned: Option<Timestamp> },
}

/// How waiting for a change has ended.
pub(super) enum ChangeEnd {
    Ready {
        change: Box<Change>,
        /// The connection over which it was made was never lost, so it is the same daemon that
        /// answers.
        same_connection: bool,
        /// The connection over which its end was read.
        connection: u64,
    },
    /// The daemon was restarted since, and the effect of the change went with it.
    Restarted {
        /// By what it shows.
        cause: String,
        /// The change, if the new daemon still has it. It is over.
        change: Option<Box<Change>>,
    },
}

impl AwaitedChange {
    fn new(id: ChangeId, origin: Origin, answered: &Answered, deadline: Duration) -> Self {
        Self {
            id,
            origin,
            lane: answered.lane,
            connection_lost: answered.found,
            restarts: None,
            waited: Duration::ZERO,
            deadline,
        }
    }

    /// The change of an action that was just answered, or found after its answer was lost.
    pub(super) fn ours(
        id: ChangeId,
        action: LostAction,
        answered: &Answered,
        client: &Reader,
    ) -> Self {
        let origin = Origin::Ours(action, answered.since);
        let restarts = Some(client.known_layers().restarts());
        Self { restarts, ..Self::new(id, origin, answered, client.change_deadline()) }
    }

    /// The change of an exec that was just answered.
    pub(super) fn exec(id: ChangeId, answered: &Answered, deadline: Duration) -> Self {
        let action = LostAction { kind: "exec", services: Vec::new() };
        Self::new(id, Origin::Ours(action, answered.since), answered, deadline)
    }

    /// The number of known restarts when it was made.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.unwrap_or_default()
    }

    /// The connection over which it was last seen.
    pub(super) fn connection(&self) -> u64 {
        self.lane
    }

    /// Notes that it was seen over a connection that is another one than before.
    pub(super) fn note_seen(&mut self, connection: u64) {
        self.connection_lost = true;
        self.lane = connection;
    }

    /// Whether a change of this id is the one, and not one that a restarted daemon has made.
    fn is(&self, change: &Change) -> bool {
        match &self.origin {
            Origin::Ours(action, since) => action.made(change, *since),
            Origin::Seen { kind, spawned } => {
                change.kind() == kind && change.spawn_time() == *spawned
            }
        }
    }
}

impl Reader {
    /// As [`Reader::wait_change`], in the name of `operation`.
    pub(super) async fn wait_change_as(
        &self,
        operation: String,
        id: &ChangeId,
        deadline: Duration,
    ) -> Result<Change, Error> {
        let step = format!("wait for change {id}");
        let call = Call::new(self, Request::get(change_path(id), operation).told_as(step));
        let call = &call;
        let stage: Mutex<Option<AwaitedChange>> = Mutex::new(None);
        let stage = &stage;
        call.run(async |attempt| {
            let known = stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut awaited = match known {
                Some(awaited) => awaited,
                None => {
                    // Seen once, it can be told from another one of the same id, which a restarted
                    // daemon may have.
                    let answered = call.attempt(attempt).await?;
                    let change: Change =
                        self.decode_as(call.request(), answered.envelope.clone())?;
                    if change.ready() {
                        return Ok(change);
                    }
                    let origin = Origin::Seen {
                        kind: change.kind().to_owned(),
                        spawned: change.spawn_time(),
                    };
                    AwaitedChange::new(id.clone(), origin, &answered, deadline)
                }
            };
            let waited = self.wait_step(call, &mut awaited, attempt).await;
            *stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(awaited);
            match waited? {
                ChangeEnd::Ready { change, .. } => Ok(*change),
                ChangeEnd::Restarted { cause, .. } => {
                    let refusal = Refusal { status: 404, kind: None, message: cause };
                    Err(AttemptError::Final(call.request().refused(self.daemon(), refusal)))
                }
            }
        })
        .await
    }

    /// Waits for a change that `operation` has made; `step` names just that, for the log.
    pub(super) async fn wait_for(
        self,
        operation: String,
        step: String,
        awaited: AwaitedChange,
    ) -> Result<ChangeEnd, Error> {
        let request = Request::get(change_path(&awaited.id), operation).told_as(step);
        let call = Call::new(&self, request);
        call.note_accepted();
        let (call, client) = (&call, &self);
        let stage = &Mutex::new(awaited);
        call.run(async |attempt| {
            let mut awaited = stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let waited = client.wait_step(call, &mut awaited, attempt).await;
            *stage.lock().unwrap_or_else(PoisonError::into_inner) = awaited;
            waited
        })
        .await
    }

    /// Waits on one connection until the change is over or something breaks.
    pub(super) async fn wait_step(
        &self,
        call: &Call<'_>,
        awaited: &mut AwaitedChange,
        attempt: u32,
    ) -> Result<ChangeEnd, AttemptError> {
        loop {
            let mut lane = self.lane(call.request().operation()).await?;
            let result = self.wait_on(call, &mut lane, awaited, attempt).await;
            self.transport().keep(lane);
            match result {
                Ok(end) => return Ok(end),
                Err(Halt::Stale) => {}
                Err(Halt::Failed(failure)) => return Err(failure),
            }
        }
    }

    async fn wait_on(
        &self,
        call: &Call<'_>,
        lane: &mut Connection,
        awaited: &mut AwaitedChange,
        attempt: u32,
    ) -> Result<ChangeEnd, Halt> {
        if lane.number() != awaited.lane {
            // The connection that we knew is gone, and the daemon may be gone with it.
            awaited.connection_lost = true;
            if let Some(end) = self.has_forgotten(lane, awaited, attempt).await? {
                return Ok(end);
            }
            awaited.lane = lane.number();
        }
        loop {
            let left = awaited.deadline.saturating_sub(awaited.waited);
            let last = left.is_zero();
            let asked = Instant::now();
            let request = if last {
                read_change(&awaited.id)
            } else {
                wait_request(&awaited.id, left.min(SLICE))
            };
            match self.ask(lane, &request, attempt).await {
                Ok(envelope) => {
                    let change: Change = self.decode_as(&request, envelope)?;
                    if change.ready() {
                        return self.ready(lane, awaited, attempt, change).await;
                    }
                    if last {
                        let operation = call.request().operation();
                        let error = self.still_running(operation, change, awaited.waited);
                        return Err(AttemptError::Final(error).into());
                    }
                }
                // Not ready within the slice: ask again.
                Err(ExchangeError::Refused(refusal)) if refusal.status == 504 && !last => {}
                Err(ExchangeError::Refused(refusal)) => {
                    let error = call.request().refused(self.daemon(), refusal);
                    return Err(AttemptError::Final(error).into());
                }
                Err(ExchangeError::ReplyLost { cause, unanswered }) => {
                    awaited.waited = awaited.waited.saturating_add(asked.elapsed());
                    return Err(AttemptError::after(unanswered, cause).into());
                }
                Err(ExchangeError::Halt(halt)) => return Err(halt),
            }
            if asked.elapsed() < LEAST_PAUSE {
                tokio::time::sleep(LEAST_PAUSE).await;
            }
            awaited.waited = awaited.waited.saturating_add(asked.elapsed());
        }
    }

    /// Waits until the changes that a restarted daemon took over from the last one are over, for
    /// at most the change deadline. They run with the plan of the layer files, so nothing of ours
    /// is to be there before.
    pub(super) async fn wait_for_taken_over_changes(
        &self,
        lane: &mut Connection,
        attempt: u32,
    ) -> Result<(), Halt> {
        // Whoever makes only one attempt does not want to wait for long either.
        let policy = self.policy();
        let deadline = match policy.max_attempts() {
            1 => self.change_deadline().min(policy.time_limit()),
            _ => self.change_deadline(),
        };
        let begun = Instant::now();
        for change in self.service_changes_on(lane, attempt).await? {
            loop {
                let left = deadline.saturating_sub(begun.elapsed());
                if left.is_zero() {
                    let operation = "put back the layers";
                    let error = self.still_running(operation, change, begun.elapsed());
                    return Err(AttemptError::Final(error).into());
                }
                let asked = Instant::now();
                let request = wait_request(change.id(), left.min(SLICE));
                match self.ask(lane, &request, attempt).await {
                    Ok(_) => break,
                    // It was dropped since it was listed.
                    Err(ExchangeError::Refused(refusal)) if refusal.status == 404 => break,
                    Err(ExchangeError::Refused(refusal)) if refusal.status == 504 => {}
                    Err(snag) => return Err(self.halt_of(&request, snag)),
                }
                if asked.elapsed() < LEAST_PAUSE {
                    tokio::time::sleep(LEAST_PAUSE).await;
                }
            }
        }
        Ok(())
    }

    /// Whether a daemon has been told to stop (SIGTERM, or a service's `shutdown`) since that
    /// moment.
    async fn was_told_to_stop(
        &self,
        lane: &mut Connection,
        attempt: u32,
        since: Timestamp,
    ) -> Result<bool, Halt> {
        let listed = self.all_changes_on(lane, attempt).await?;
        Ok(listed.iter().any(|change| is_stop_of_all(change) && !spawned_before(change, since)))
    }

    /// The error of a change that is not over at its deadline.
    pub(super) fn still_running(&self, operation: &str, change: Change, waited: Duration) -> Error {
        let reason = format!(
            "change {} ({}) is still running after {}",
            change.id(),
            change.summary(),
            seconds(waited)
        );
        Error::change_running(operation, self.daemon(), reason, Some(change))
    }

    /// Gives the end of a change by a restart, if the daemon behind a new connection shows that it
    /// is not the one that took the change on.
    async fn has_forgotten(
        &self,
        lane: &mut Connection,
        awaited: &AwaitedChange,
        attempt: u32,
    ) -> Result<Option<ChangeEnd>, Halt> {
        if awaited.restarts.is_some() {
            self.restore_layers(lane, attempt, None).await?;
        }
        let restarted = |cause: String, change| Ok(Some(ChangeEnd::Restarted { cause, change }));
        let known = awaited.restarts.is_none_or(|made| made == self.known_layers().restarts());
        let request = read_change(&awaited.id);
        let id = &awaited.id;
        match self.ask(lane, &request, attempt).await {
            Ok(envelope) => {
                let change: Change = self.decode_as(&request, envelope)?;
                match (known, awaited.is(&change)) {
                    (true, true) => Ok(None),
                    (true, false) => {
                        restarted(format!("Pebble was restarted, change {id} is another now"), None)
                    }
                    // Before the layers went back, all that the daemon had taken over was over.
                    (false, same) => {
                        restarted(FORGOTTEN.to_owned(), same.then(|| Box::new(change)))
                    }
                }
            }
            Err(ExchangeError::Refused(refusal)) if refusal.status == 404 && known => {
                restarted(format!("Pebble was restarted and no longer knows change {id}"), None)
            }
            Err(ExchangeError::Refused(refusal)) if refusal.status == 404 => {
                restarted(FORGOTTEN.to_owned(), None)
            }
            Err(snag) => Err(self.halt_of(&request, snag)),
        }
    }

    /// Judges a change that is over. When the connection was lost, that alone says little: a
    /// restarted daemon that kept its state still lists the change, but its processes are no longer
    /// under it. And a daemon that is told to stop ends the starts in hand and answers so, before
    /// it goes.
    async fn ready(
        &self,
        lane: &mut Connection,
        awaited: &AwaitedChange,
        attempt: u32,
        change: Change,
    ) -> Result<ChangeEnd, Halt> {
        let same_connection = !awaited.connection_lost;
        let restarted = |cause: &str, change: Change| {
            let change = Some(Box::new(change));
            Ok(ChangeEnd::Restarted { cause: cause.to_owned(), change })
        };
        if let Origin::Ours(_, since) = awaited.origin {
            if failed_with(&change, STOPPED_EARLY)
                && self.was_told_to_stop(lane, attempt, since).await?
            {
                const CAUSE: &str = "Pebble was stopped while it started a service";
                if same_connection {
                    // It is still there, for a moment: what it is asked now would go with it.
                    return Err(AttemptError::temporary(CAUSE).into());
                }
                return restarted(CAUSE, change);
            }
            // No daemon says so of a change that it has made itself: it has looked for the
            // services in its plan before, and has spawned them once.
            if failed_with(&change, INTERRUPTED) || failed_with(&change, NOT_IN_PLAN) {
                return restarted("Pebble was restarted while it started a service", change);
            }
            if !same_connection
                && let Some(cause) = self.shows_a_restart(lane, attempt, &change).await?
            {
                return restarted(&cause, change);
            }
        }
        self.known_layers().note_finished(change.id(), change.spawn_time());
        Ok(ChangeEnd::Ready {
            change: Box::new(change),
            same_connection,
            connection: lane.number(),
        })
    }

    /// Says how the services of a change that is done show that this daemon has not done it.
    async fn shows_a_restart(
        &self,
        lane: &mut Connection,
        attempt: u32,
        change: &Change,
    ) -> Result<Option<String>, Halt> {
        let is_done = |task: &&Task| *task.status() == ChangeStatus::Done;
        let names: Vec<String> =
            change.tasks().iter().filter(is_done).filter_map(service_of).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let services = self.services_on(lane, attempt, &names).await?;
        let was_started = |name: &String| {
            services.iter().any(|info| info.name() == name && info.current_since().is_some())
        };
        if let Some(name) = names.iter().find(|name| !was_started(name)) {
            let cause = format!("Pebble was restarted and has never started service {name:?}");
            return Ok(Some(cause));
        }
        // A daemon starts what is enabled by itself only when it is new.
        let is_undone = change.kind() == "stop" && services.iter().any(ServiceInfo::is_active);
        if is_undone && let Some(since) = change.spawn_time() {
            let listed = self.all_changes_on(lane, attempt).await?;
            let is_new = |other: &Change| {
                other.kind() == "autostart" && other.spawn_time().is_some_and(|at| at > since)
            };
            if listed.iter().any(is_new) {
                return Ok(Some("Pebble was restarted and has started its services".to_owned()));
            }
        }
        Ok(None)
    }
}

/// The cause where layers were put back and the plan is another since.
pub(super) const FORGOTTEN: &str = "Pebble was restarted and had forgotten its layers";

/// Whether a task of the change failed with this text.
fn failed_with(change: &Change, text: &str) -> bool {
    change.tasks().iter().any(|task| {
        *task.status() == ChangeStatus::Error
            && task.last_error().is_some_and(|error| error.contains(text))
    })
}

fn wait_request(id: &ChangeId, slice: Duration) -> Request {
    let millis = slice.as_millis().max(1);
    Request::get(format!("{}/wait", change_path(id)), format!("wait for change {id}"))
        .query("timeout", &format!("{millis}ms"))
        .expected(slice)
}

#[cfg(test)]
pub(super) fn sample(id: &ChangeId) -> Sample {
    Sample::new("Reader::wait_change", "/v1/changes/{id}/wait", wait_request(id, SLICE))
}
