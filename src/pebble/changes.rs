//! Asking for changes, aborting them, and waiting until one is over.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::call::{Answered, Call, Failure, Halt, Snag};
use super::change::{Change, ChangeId, ChangeStatus};
use super::client::Client;
#[cfg(test)]
use super::coverage::Sample;
use super::envelope::Refusal;
use super::error::{Error, service_of};
use super::lane::Lane;
use super::request::{Request, segment};
use super::resend::{LostAction, Resend, spawned_before};
use super::service_info::ServiceInfo;
use super::services::list_request;
use super::timestamp::Timestamp;
use super::transport::seconds;

/// How long one request waits for a change. A daemon that is told to stop gives open requests one second, so nothing is gained by a longer one.
const SLICE: Duration = Duration::from_secs(10);

/// The least time between two questions about a change that is not ready, should a daemon not wait as it is asked to.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// Which changes [`Client::changes`] lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    select: ChangeSelect,
    service: Option<String>,
}

/// Changes by whether they are over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeSelect {
    /// Those that still run.
    #[default]
    InProgress,
    /// Those that are over.
    Ready,
    /// All that Pebble still has: at most seven days and a thousand of them.
    All,
}

impl ChangeFilter {
    /// The changes of this selection.
    #[must_use]
    pub fn select(select: ChangeSelect) -> Self {
        Self { select, service: None }
    }

    /// All changes that Pebble still has.
    #[must_use]
    pub fn all() -> Self {
        Self::select(ChangeSelect::All)
    }

    /// Only changes that concern this service.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    fn request(&self) -> Request {
        let select = match self.select {
            ChangeSelect::InProgress => "in-progress",
            ChangeSelect::Ready => "ready",
            ChangeSelect::All => "all",
        };
        let request = Request::get("/v1/changes", "list changes").query("select", select);
        match &self.service {
            Some(name) => request.query("for", name),
            None => request,
        }
    }
}

impl Client {
    /// The changes that a filter selects, oldest first: `GET /v1/changes`. Safe to drop.
    ///
    /// # Errors
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn changes(&self, filter: &ChangeFilter) -> Result<Vec<Change>, Error> {
        let mut changes = self
            .send(filter.request())
            .await?
            .decode::<Option<Vec<Change>>>()?
            .unwrap_or_default();
        // Pebble lists them in the order of a hash map.
        changes.sort_by_key(|change| (change.id().as_str().len(), change.id().clone()));
        Ok(changes)
    }

    /// One change as it stands: `GET /v1/changes/ID`. Safe to drop.
    ///
    /// # Errors
    /// `Api` with status 404 when Pebble has no such change; [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn change(&self, id: &ChangeId) -> Result<Change, Error> {
        self.send(read_change(id)).await?.decode()
    }

    /// Waits until a change is over, for at most `deadline` of time in which Pebble answers that it is not.
    ///
    /// A change that failed is `Ok`, too: see [`Change::err`]. Dropping the future stops the waiting; the change goes on.
    ///
    /// # Errors
    /// [`ChangeRunning`](super::ErrorKind::ChangeRunning), with the change, at the deadline; `Api` with status 404 when Pebble has no such change, or
    /// was restarted while it was waited for and has forgotten it; [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn wait_change(&self, id: &ChangeId, deadline: Duration) -> Result<Change, Error> {
        let call = Call::new(self, Request::get(change_path(id), format!("wait for change {id}")));
        let call = &call;
        let stage: Mutex<Option<Pending>> = Mutex::new(None);
        let stage = &stage;
        call.run(async |attempt| {
            let known = stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut pending = match known {
                Some(pending) => pending,
                None => {
                    // Seen once, it can be told from another one of the same id, which a restarted daemon may have.
                    let answered = call.attempt(attempt).await?;
                    let change = decode_change(self, call.request(), &answered)?;
                    if change.ready() {
                        return Ok(change);
                    }
                    let origin = Origin::Seen {
                        kind: change.kind().to_owned(),
                        spawned: change.spawn_time(),
                    };
                    Pending::new(id.clone(), origin, &answered, deadline)
                }
            };
            let waited = self.wait_step(call, &mut pending, attempt).await;
            *stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
            match waited? {
                Waited::Ready(change) => Ok(*change),
                Waited::Forgotten(cause) => {
                    let refusal = Refusal {
                        status: 404,
                        kind: None,
                        message: cause,
                    };
                    Err(Failure::Final(call.request().refused(self.target(), refusal)))
                }
            }
        })
        .await
    }

    /// Waits for a change that `operation` has made.
    pub(super) async fn wait_for(self, operation: String, pending: Pending) -> Result<Heard, Error> {
        let call = Call::new(&self, Request::get(change_path(&pending.id), operation));
        call.note_accepted();
        let (call, client) = (&call, &self);
        let stage = &Mutex::new(pending);
        call.run(async |attempt| {
            let mut pending = stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let waited = client.wait_step(call, &mut pending, attempt).await;
            let same_connection = !pending.trouble;
            *stage.lock().unwrap_or_else(PoisonError::into_inner) = pending;
            Ok(match waited? {
                Waited::Ready(change) => Heard::Ready {
                    change,
                    same_connection,
                },
                Waited::Forgotten(cause) => Heard::Forgotten(cause),
            })
        })
        .await
    }

    /// Asks Pebble to abort a change, and gives the change as it then stands, often not yet over: `POST /v1/changes/ID`.
    ///
    /// Tasks that have not begun are dropped; a start that runs is ended, a stop that runs is not. An abort whose answer was lost is sent again, and
    /// "nothing pending" is then success. Safe to drop.
    ///
    /// # Errors
    /// `Api` with status 400 when the change is over, 404 when there is none; [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes
    /// within the policy.
    pub async fn abort_change(&self, id: &ChangeId) -> Result<Change, Error> {
        self.send(abort_request(id)).await?.decode()
    }
}

fn abort_request(id: &ChangeId) -> Request {
    let (operation, rule) = (format!("abort change {id}"), Resend::Abort(id.clone()));
    Request::post(change_path(id), operation, &json!({ "action": "abort" }), rule)
}

fn change_path(id: &ChangeId) -> String {
    format!("/v1/changes/{}", segment(id.as_str()))
}

/// The request for one change as it stands.
pub(super) fn read_change(id: &ChangeId) -> Request {
    Request::get(change_path(id), format!("read change {id}"))
}

fn decode_change(client: &Client, request: &Request, answered: &Answered) -> Result<Change, Failure> {
    client
        .decode_as(request, answered.envelope.clone())
        .map_err(|halt| match halt {
            Halt::Failed(failure) => failure,
            Halt::Stale => Failure::temporary("no connection"),
        })
}

/// A change that is waited for.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    id: ChangeId,
    origin: Origin,
    /// The connection behind which the daemon was last known to have it.
    lane: u64,
    /// The connection was lost since it was asked for, so the daemon may have been restarted since.
    trouble: bool,
    epoch: Option<u64>,
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
pub(super) enum Waited {
    Ready(Box<Change>),
    /// The daemon was restarted since, and the change or its effect went with it. The text says by what that shows.
    Forgotten(String),
}

/// What was heard of the end of a change, by whoever only listens.
pub(super) enum Heard {
    Ready {
        change: Box<Change>,
        /// The connection over which it was made was never lost, so it is the same daemon that speaks.
        same_connection: bool,
    },
    /// As [`Waited::Forgotten`].
    Forgotten(String),
}

impl Pending {
    fn new(id: ChangeId, origin: Origin, answered: &Answered, deadline: Duration) -> Self {
        Self {
            id,
            origin,
            lane: answered.lane,
            trouble: answered.found,
            epoch: None,
            waited: Duration::ZERO,
            deadline,
        }
    }

    /// The change of an action that was just answered, or found after its answer was lost.
    pub(super) fn ours(id: ChangeId, action: LostAction, answered: &Answered, client: &Client) -> Self {
        let origin = Origin::Ours(action, answered.since);
        let epoch = Some(client.memory().epoch());
        Self {
            epoch,
            ..Self::new(id, origin, answered, client.change_deadline())
        }
    }

    /// The change of an exec that was just answered.
    pub(super) fn exec(id: ChangeId, answered: &Answered, deadline: Duration) -> Self {
        let action = LostAction {
            kind: "exec",
            services: Vec::new(),
        };
        Self::new(id, Origin::Ours(action, answered.since), answered, deadline)
    }

    /// Whether a change of this id is the one, and not one that a restarted daemon has made.
    fn is(&self, change: &Change) -> bool {
        match &self.origin {
            Origin::Ours(action, since) => change.kind() == action.kind && !spawned_before(change, *since),
            Origin::Seen { kind, spawned } => change.kind() == kind && change.spawn_time() == *spawned,
        }
    }
}

impl Client {
    /// Waits on one connection until the change is over or something breaks.
    pub(super) async fn wait_step(
        &self,
        call: &Call<'_>,
        pending: &mut Pending,
        attempt: u32,
    ) -> Result<Waited, Failure> {
        loop {
            let mut lane = self.lane(call.request().operation()).await?;
            let result = self.wait_on(call, &mut lane, pending, attempt).await;
            self.transport().keep(lane);
            match result {
                Ok(waited) => return Ok(waited),
                Err(Halt::Stale) => {}
                Err(Halt::Failed(failure)) => return Err(failure),
            }
        }
    }

    async fn wait_on(
        &self,
        call: &Call<'_>,
        lane: &mut Lane,
        pending: &mut Pending,
        attempt: u32,
    ) -> Result<Waited, Halt> {
        if lane.number() != pending.lane {
            // The connection that we knew is gone, and the daemon may be gone with it.
            pending.trouble = true;
            if let Some(cause) = self.has_forgotten(lane, pending, attempt).await? {
                return Ok(Waited::Forgotten(cause));
            }
            pending.lane = lane.number();
        }
        loop {
            let left = pending.deadline.saturating_sub(pending.waited);
            let last = left.is_zero();
            let request = if last {
                read_change(&pending.id)
            } else {
                wait_request(&pending.id, left.min(SLICE))
            };
            let asked = Instant::now();
            match self.ask(lane, &request, attempt).await {
                Ok(envelope) => {
                    let change: Change = self.decode_as(&request, envelope)?;
                    if change.ready() {
                        return self.ready(lane, pending, attempt, change).await;
                    }
                    if last {
                        return Err(Failure::Final(self.still_running(call, change, pending.waited)).into());
                    }
                }
                // Not ready within the slice: ask again.
                Err(Snag::Refused(refusal)) if refusal.status == 504 && !last => {}
                Err(Snag::Refused(refusal)) => {
                    return Err(Failure::Final(call.request().refused(self.target(), refusal)).into());
                }
                Err(Snag::Lost { cause, unanswered }) => {
                    pending.waited = pending.waited.saturating_add(asked.elapsed());
                    return Err(Failure::after(unanswered, cause).into());
                }
                Err(Snag::Halt(halt)) => return Err(halt),
            }
            if asked.elapsed() < LEAST_PAUSE {
                tokio::time::sleep(LEAST_PAUSE).await;
            }
            pending.waited = pending.waited.saturating_add(asked.elapsed());
        }
    }

    /// Whether a daemon has been told to stop (SIGTERM, or a service's `shutdown`) since that moment.
    async fn was_told_to_stop(&self, lane: &mut Lane, attempt: u32, since: Timestamp) -> Result<bool, Halt> {
        let listed = self.all_changes_on(lane, attempt).await?;
        Ok(listed
            .iter()
            .any(|change| (change.kind(), change.summary()) == STOPPING_ALL && !spawned_before(change, since)))
    }

    /// All changes that Pebble still has, in no order.
    pub(super) async fn all_changes_on(&self, lane: &mut Lane, attempt: u32) -> Result<Vec<Change>, Halt> {
        self.read_list(lane, attempt, &ChangeFilter::all().request()).await
    }

    fn still_running(&self, call: &Call<'_>, change: Change, waited: Duration) -> Error {
        let reason = format!(
            "change {} ({}) is still running after {}",
            change.id(),
            change.summary(),
            seconds(waited)
        );
        Error::change_running(call.request().operation(), self.target(), reason, Some(change))
    }

    /// By what it shows that the daemon behind a new connection is not the one that took the change on; `None` when nothing shows it.
    async fn has_forgotten(&self, lane: &mut Lane, pending: &Pending, attempt: u32) -> Result<Option<String>, Halt> {
        if pending.epoch.is_some() {
            self.restore_layers(lane, attempt, None).await?;
            if pending.epoch != Some(self.memory().epoch()) {
                return Ok(Some("Pebble was restarted and had forgotten its layers".to_owned()));
            }
        }
        let request = read_change(&pending.id);
        let id = &pending.id;
        match self.ask(lane, &request, attempt).await {
            Ok(envelope) => {
                let change: Change = self.decode_as(&request, envelope)?;
                Ok((!pending.is(&change)).then(|| format!("Pebble was restarted, its change {id} is another one now")))
            }
            Err(Snag::Refused(refusal)) if refusal.status == 404 => {
                Ok(Some(format!("Pebble was restarted and no longer knows change {id}")))
            }
            Err(Snag::Refused(refusal)) => Err(Failure::Final(request.refused(self.target(), refusal)).into()),
            Err(Snag::Lost { cause, unanswered }) => Err(Failure::after(unanswered, cause).into()),
            Err(Snag::Halt(halt)) => Err(halt),
        }
    }

    /// The change is over. After trouble that alone says little: a restarted daemon that kept its state still lists the change, but its processes
    /// are no longer under it. And a daemon that is told to stop ends the starts in hand and answers so, before it goes.
    async fn ready(&self, lane: &mut Lane, pending: &Pending, attempt: u32, change: Change) -> Result<Waited, Halt> {
        if let Origin::Ours(_, since) = pending.origin
            && failed_with(&change, STOPPED_EARLY)
            && self.was_told_to_stop(lane, attempt, since).await?
        {
            const CAUSE: &str = "Pebble was stopped while it started a service";
            return if pending.trouble {
                Ok(Waited::Forgotten(CAUSE.to_owned()))
            } else {
                // It is still there, for a moment: what it is asked now would go with it.
                Err(Failure::temporary(CAUSE).into())
            };
        }
        if pending.trouble && matches!(pending.origin, Origin::Ours(..)) {
            if failed_with(&change, INTERRUPTED) {
                return Ok(Waited::Forgotten(
                    "Pebble was restarted while it started a service".to_owned(),
                ));
            }
            let started: Vec<String> = change
                .tasks()
                .iter()
                .filter(|task| task.kind() == "start" && *task.status() == ChangeStatus::Done)
                .filter_map(service_of)
                .collect();
            if !started.is_empty() {
                let request = list_request(&started);
                let services: Vec<ServiceInfo> = self.read_list(lane, attempt, &request).await?;
                let never_started = |name: &&String| {
                    !services
                        .iter()
                        .any(|s| s.name() == **name && s.current_since().is_some())
                };
                if let Some(name) = started.iter().find(never_started) {
                    return Ok(Waited::Forgotten(format!(
                        "Pebble was restarted and has never started service {name:?}"
                    )));
                }
            }
        }
        self.memory().note_finished(change.id(), change.spawn_time());
        Ok(Waited::Ready(Box::new(change)))
    }
}

/// What the next daemon says of a start that was in hand when one was killed, and of nothing else.
const INTERRUPTED: &str = "service already started, not retrying";

/// What is said of a start whose service was stopped within its first second: by a user, or by a daemon that was itself told to stop.
const STOPPED_EARLY: &str = "stopped before the 1s okay delay";

/// What a daemon calls the change by which it stops its services before it goes.
const STOPPING_ALL: (&str, &str) = ("stop", "Stop all running services");

/// Whether a task of the change failed with this text.
fn failed_with(change: &Change, text: &str) -> bool {
    change
        .tasks()
        .iter()
        .any(|task| *task.status() == ChangeStatus::Error && task.log().iter().any(|entry| entry.ends_with(text)))
}

fn wait_request(id: &ChangeId, slice: Duration) -> Request {
    let millis = slice.as_millis().max(1);
    Request::get(format!("{}/wait", change_path(id)), format!("wait for change {id}"))
        .query("timeout", &format!("{millis}ms"))
        .expected(slice)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let id: ChangeId = "7".parse().expect("an id");
    vec![
        Sample::new("Client::changes", "/v1/changes", ChangeFilter::all().request()),
        Sample::new("Client::change", "/v1/changes/{id}", read_change(&id)),
        Sample::new("Client::wait_change", "/v1/changes/{id}/wait", wait_request(&id, SLICE)),
        Sample::new("Client::abort_change", "/v1/changes/{id}", abort_request(&id)),
    ]
}
