//! An action on services (start, stop, restart, replan or autostart) is followed from its first
//! request until it has had its effect.
//!
//! One request is often enough. There are several if Pebble was restarted in the meantime, or if
//! another change was at work on the same service: then [`remainder`] says what is left, and the
//! client requests that instead of the whole. So nothing is done twice, and nothing is left undone.
//!
//! [`remainder`]: super::remainder

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt};
use super::awaited_change::{AwaitedChange, ChangeEnd, FORGOTTEN, LEAST_PAUSE};
use super::call::{Call, Operation};
use super::change::Change;
use super::duration::seconds;
use super::error::{Error, ErrorKind, in_target};
use super::lookups::{list_named, retain_named};
use super::reader::Reader;
use super::recovery::select_change;
use super::remainder::{Restarted, remainder_after_conflict, started_services};
use super::request::Request;
use super::resend::{LostAction, Resend};
use super::restore_layers::AUTOSTART_LIMIT;
use super::service_conflict::{Conflict, OthersOutcome};
use super::service_info::{ServiceInfo, Startup};

/// The most times that the end of a change is read again because the connection was lost in the
/// meantime. There is a limit because a proxy may close every connection.
const MAX_RECONNECTS: u32 = 16;

/// An action in progress.
pub(super) struct ServiceAction<'c> {
    client: &'c Reader,
    /// Completes a sentence that starts with "cannot".
    operation: String,
    /// The other changes that were at work on the same services.
    conflict: Option<Conflict<'c>>,
    /// The number of requests that were made.
    requests: u32,
}

/// A request of an action that is still to be sent.
#[derive(PartialEq, Eq)]
struct Step {
    action: LostAction,
    /// Services that run when the request is sent are left out of it.
    only_inactive: bool,
}

impl From<LostAction> for Step {
    fn from(action: LostAction) -> Self {
        Self { action, only_inactive: false }
    }
}

/// The outcome of sending a request.
enum Sent {
    /// Pebble has accepted it and made a change.
    Accepted(AwaitedChange),
    /// The answer was lost, and the daemon to which it was sent is gone.
    Lost(DaemonGone),
}

/// The end of the change of a request.
enum StepEnd {
    /// The change is over. The second value can wait for it again.
    Over(Box<Change>, AwaitedChange),
    /// The daemon that made the change is gone.
    DaemonGone(DaemonGone),
}

/// The facts about a change whose daemon is gone.
struct DaemonGone {
    /// The observation that shows it, as text for a log or an error.
    cause: String,
    /// The change, if the next daemon still has it.
    change: Option<Box<Change>>,
    /// The number of known restarts of Pebble when the request was sent.
    restarts: u64,
}

impl<'c> ServiceAction<'c> {
    pub(super) fn new(client: &'c Reader, operation: String) -> Self {
        Self { client, operation, conflict: None, requests: 0 }
    }

    fn conflict(&mut self) -> &mut Conflict<'c> {
        let (client, operation) = (self.client, &self.operation);
        self.conflict.get_or_insert_with(|| Conflict::new(client, operation.clone()))
    }

    /// Runs the action to its end, and returns its last change.
    pub(super) async fn run(mut self, action: LostAction) -> Result<Change, Error> {
        let begun = Instant::now();
        let running = self.running_not_enabled(&action).await?;
        let mut steps = VecDeque::from([Step::from(action)]);
        let mut last = None;
        while let Some(step) = steps.pop_front() {
            let Some(action) = self.action_to_send(step).await? else {
                continue;
            };
            self.requests = self.requests.saturating_add(1);
            let sent = Instant::now();
            let end = self.request(&action).await?;
            let next_steps = match end {
                StepEnd::Over(change, awaited) => {
                    let (change, next_steps) =
                        self.finish(&action, *change, awaited, sent, &running).await?;
                    last = change.or(last);
                    next_steps
                }
                StepEnd::DaemonGone(gone) => {
                    let next_steps = self.steps_after_restart(&action, &gone, &running).await?;
                    last = gone.change.map(|change| *change).or(last);
                    next_steps
                }
            };
            // What is left of a request is done before the requests that were to follow it. A
            // replan that is refused again and again leaves the same start each time, so a step
            // that is there already is dropped.
            steps.retain(|step| !next_steps.contains(step));
            for step in next_steps.into_iter().rev() {
                steps.push_front(step);
            }
        }
        if self.requests > 1 {
            let (what, took) = (in_target(&self.operation, self.client.target()), begun.elapsed());
            tracing::info!("could {what} in {} requests, after {}", self.requests, seconds(took));
        }
        last.ok_or_else(|| {
            let reason = "Pebble's answer names no change to wait for";
            Error::protocol(&self.operation, self.client.daemon(), reason).with_acted(true)
        })
    }

    /// Returns the requests that are still to be sent after a change is over, and the change as it
    /// is known then.
    ///
    /// It waits for the changes that were in the way. If the daemon is another one after that, the
    /// result of the change was about the last one.
    async fn finish(
        &mut self,
        action: &LostAction,
        mut change: Change,
        mut awaited: AwaitedChange,
        sent: Instant,
        running: &[String],
    ) -> Result<(Option<Change>, Vec<Step>), Error> {
        let mut reconnects = 0;
        // The loop ends: each round has lost a connection, and after the limit a lost connection no
        // longer counts.
        loop {
            reconnects += 1;
            let connection = (reconnects <= MAX_RECONNECTS).then(|| awaited.connection());
            match self.steps_after_change(action, &change, sent, connection).await? {
                OthersOutcome::Over(steps) => return Ok((Some(change), steps)),
                OthersOutcome::ConnectionLost => {}
            }
            let client = self.client.clone();
            let step = format!("wait for change {}", change.id());
            match client.wait_for(self.operation.clone(), step, awaited.clone()).await? {
                ChangeEnd::Ready { change: again, connection, .. } => {
                    change = *again;
                    awaited.note_seen(connection);
                }
                ChangeEnd::Restarted { cause, change } => {
                    let restarts = awaited.restarts();
                    let gone = DaemonGone { cause, change, restarts };
                    let steps = self.steps_after_restart(action, &gone, running).await?;
                    return Ok((gone.change.map(|change| *change), steps));
                }
            }
        }
    }

    /// Returns the requests that are still to be sent after a change is over, and waits for the
    /// changes that were in its way. `connection` is the one over which the change was read.
    async fn steps_after_change(
        &mut self,
        action: &LostAction,
        change: &Change,
        sent: Instant,
        connection: Option<u64>,
    ) -> Result<OthersOutcome<Vec<Step>>, Error> {
        let mut steps = Vec::new();
        let left = if change.is_complete() {
            if self.has_finished_alone(action, change) {
                return Ok(OthersOutcome::Over(steps));
            }
            match self.conflict().remainder_of_joined(action, change, connection).await? {
                OthersOutcome::Over(left) => left,
                OthersOutcome::ConnectionLost => return Ok(OthersOutcome::ConnectionLost),
            }
        } else {
            // Pebble regards a changed configuration as applied when it accepts a replan. So a
            // second replan alone would not start a disabled service that the first one has
            // stopped.
            if action.kind == "replan" {
                steps.push(Step::from(action.clone()));
            }
            remainder_after_conflict(change).ok_or_else(|| self.conflict().failed(change))?
        };
        if !left.is_empty()
            && let OthersOutcome::ConnectionLost =
                self.conflict().wait_for_others(&left, change, sent, connection).await?
        {
            return Ok(OthersOutcome::ConnectionLost);
        }
        steps.extend(left.requests().into_iter().map(Step::from));
        Ok(OthersOutcome::Over(steps))
    }

    /// Returns `true` if a complete change shows that it has done all of its work itself.
    fn has_finished_alone(&self, action: &LostAction, change: &Change) -> bool {
        // A replan does not show a disabled service that another replan has stopped and is to start
        // again.
        let tells_all =
            action.kind != "replan" || self.client.known_layers().services_not_enabled().is_empty();
        tells_all && change.joined_tasks().next().is_none()
    }

    /// Sends one request and waits for the end of its change.
    async fn request(&self, action: &LostAction) -> Result<StepEnd, Error> {
        let mut call = Call::new(self.client, action_request(self.operation.clone(), action));
        let mut request = StepRequest { action, awaited: None };
        let end = call.run(&mut request).await;
        end.map_err(|error| self.explain_unknown_service(&call, error))
    }

    /// Returns the requests for the daemon that followed the one which accepted `action`.
    async fn steps_after_restart(
        &mut self,
        action: &LostAction,
        gone: &DaemonGone,
        running: &[String],
    ) -> Result<Vec<Step>, Error> {
        let client = self.client;
        // A daemon that ends at each request must not be asked for ever, so each round takes a
        // retry of the budget.
        if !client.budget().take_retry(client.policy(), Duration::ZERO) {
            let reason = format!("{}, and no retry is left", gone.cause);
            let error = Error::unreachable(&self.operation, client.daemon(), reason);
            return Err(error.with_attempts(self.requests).with_acted(true));
        }
        let what = in_target(&self.operation, client.target());
        tracing::info!("{}: going on with what is left of it ({what})", gone.cause);
        let change = gone.change.as_deref();
        let mut names = change.map(started_services).unwrap_or_default();
        if names.is_empty() {
            let known = if action.kind == "replan" { running } else { &action.services };
            names = known.to_vec();
        }
        let replaced = client.known_layers().replaced_since(gone.restarts);
        let concerned = match action.kind {
            "replan" | "stop" => &[],
            _ if change.is_none() => replaced.services(),
            _ => names.as_slice(),
        };
        let services = if action.kind == "autostart" && change.is_some() {
            self.list_all_services().await?
        } else if concerned.is_empty() {
            Vec::new()
        } else {
            self.list_services(concerned).await?
        };
        if action.kind == "autostart" {
            self.drop_forgotten(&mut names, &services);
            // The change that was found may be the autostart of the new daemon itself, which knew
            // only its layer files.
            if change.is_some() {
                let enabled = services.iter().filter(|info| *info.startup() == Startup::Enabled);
                names.extend(enabled.map(|info| info.name().to_owned()));
                names.sort_unstable();
                names.dedup();
            }
        } else if action.kind == "stop" {
            self.wait_for_autostart(&action.services).await?;
        }
        let restarted =
            Restarted { change, names: &names, services: &services, replaced: &replaced };
        let mut steps: Vec<Step> = restarted.requests(action).into_iter().map(Step::from).collect();
        // A replan starts the enabled services and those that this daemon has started before. So it
        // does not start a disabled service that somebody had started on the last daemon.
        if action.kind == "replan" {
            let action = LostAction { kind: "start", services: names };
            steps.push(Step { action, only_inactive: true });
        }
        Ok(steps)
    }

    /// Returns the running services that a replan leaves running but would not start itself. If the
    /// next daemon has forgotten the change, nothing else tells that they were to run.
    async fn running_not_enabled(&self, action: &LostAction) -> Result<Vec<String>, Error> {
        let candidates = self.client.known_layers().services_not_enabled();
        if action.kind != "replan" || candidates.is_empty() {
            return Ok(Vec::new());
        }
        let services = self.list_services(&candidates).await?;
        let running = services.iter().filter(|info| info.is_active());
        Ok(running.map(|info| info.name().to_owned()).collect())
    }

    /// Returns the action of a step, without the services that have to be left out; `None` if no
    /// service is left.
    async fn action_to_send(&self, step: Step) -> Result<Option<LostAction>, Error> {
        let Step { mut action, only_inactive } = step;
        if only_inactive && !action.services.is_empty() {
            let services = self.list_services(&action.services).await?;
            self.drop_forgotten(&mut action.services, &services);
            let runs =
                |name: &str| services.iter().any(|info| info.name() == name && info.is_active());
            action.services.retain(|name| !runs(name));
        }
        let is_void = only_inactive && action.services.is_empty();
        Ok((!is_void).then_some(action))
    }

    /// Waits until a restarted Pebble has started these services by itself, as it does with enabled
    /// ones a moment after its socket answers. A stop before that moment would have no effect.
    async fn wait_for_autostart(&self, names: &[String]) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            let services = self.list_services(names).await?;
            let is_awaited =
                |info: &ServiceInfo| *info.startup() == Startup::Enabled && !info.is_active();
            if !services.iter().any(is_awaited) || begun.elapsed() >= AUTOSTART_LIMIT {
                return Ok(());
            }
            tokio::time::sleep(LEAST_PAUSE).await;
        }
    }

    /// Leaves out services that a restarted Pebble has forgotten: they belong to layers of other
    /// clients, which have to add them again. A client that has added no layer leaves nothing out:
    /// its request then fails, and the error tells its caller to add the layer again.
    fn drop_forgotten(&self, names: &mut Vec<String>, services: &[ServiceInfo]) {
        if !self.client.known_layers().is_empty() {
            names.retain(|name| services.iter().any(|info| info.name() == name));
        }
    }

    async fn list_services(&self, names: &[String]) -> Result<Vec<ServiceInfo>, Error> {
        Ok(retain_named(self.list(list_named(names)).await?, names))
    }

    async fn list_all_services(&self) -> Result<Vec<ServiceInfo>, Error> {
        self.list(list_named(&[])).await
    }

    async fn list(&self, request: Request) -> Result<Vec<ServiceInfo>, Error> {
        let answer = self.client.send(request.step_of(self.operation.clone())).await?;
        Ok(answer.decode::<Option<Vec<ServiceInfo>>>()?.unwrap_or_default())
    }

    /// Turns the refusal of an unknown service into [`ErrorKind::Restarted`], if an earlier request
    /// of this action has known the service. Only a restart can have taken it away. If the answer
    /// to the first request was lost, this may be wrong; the same call then fails with the refusal
    /// the next time.
    fn explain_unknown_service(&self, call: &Call<'_>, error: Error) -> Error {
        let is_unknown_service = *error.kind() == (ErrorKind::Api { status: 400 })
            && error.message().is_some_and(|text| text.ends_with(" does not exist"));
        if is_unknown_service && (self.requests > 1 || call.was_resent()) {
            Error::restarted(&self.operation, self.client.daemon(), error)
        } else {
            error
        }
    }
}

/// This operation sends one request of an action and waits for the end of its change.
struct StepRequest<'a> {
    action: &'a LostAction,
    /// The change, once Pebble has accepted the request.
    awaited: Option<AwaitedChange>,
}

impl Operation for StepRequest<'_> {
    type Output = StepEnd;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<StepEnd, AttemptError> {
        let awaited = match &mut self.awaited {
            Some(awaited) => awaited,
            awaited @ None => match send(self.action, call, attempt).await? {
                Sent::Accepted(accepted) => awaited.insert(accepted),
                Sent::Lost(gone) => {
                    call.note_unfinished();
                    return Ok(StepEnd::DaemonGone(gone));
                }
            },
        };
        match awaited.wait(call.request(), attempt).await? {
            ChangeEnd::Ready { change, .. } => {
                if !change.is_complete() {
                    call.note_unfinished();
                }
                Ok(StepEnd::Over(change, awaited.clone()))
            }
            ChangeEnd::Restarted { cause, change } => {
                call.note_unfinished();
                let restarts = awaited.restarts();
                Ok(StepEnd::DaemonGone(DaemonGone { cause, change, restarts }))
            }
        }
    }
}

/// Sends an action, unless its answer was lost and the daemon to which it was sent is gone.
async fn send(
    action: &LostAction,
    call: &mut Call<'_>,
    attempt: &mut CallAttempt<'_>,
) -> Result<Sent, AttemptError> {
    let client = attempt.client();
    attempt.restore_layers(call.request(), None).await?;
    if let Some(lost) = call.lost
        && lost.restarts != client.known_layers().restarts()
    {
        // One search is enough, since the new daemon lists the changes that it has taken over from
        // its start.
        let listed = attempt.all_changes().await?;
        let change = select_change(client, listed, &lost, action).map(Box::new);
        let cause = FORGOTTEN.to_owned();
        return Ok(Sent::Lost(DaemonGone { cause, change, restarts: lost.restarts }));
    }
    let answered = call.send_request(attempt).await?;
    call.note_accepted();
    let Some(id) = answered.envelope.change.clone() else {
        let reason = "Pebble's answer names no change to wait for";
        let error = Error::protocol(call.request().operation(), client.daemon(), reason);
        return Err(error.with_acted(true).into());
    };
    Ok(Sent::Accepted(AwaitedChange::of_action(id, action.clone(), &answered, client)))
}

/// Makes the request of an action.
pub(super) fn action_request(operation: String, action: &LostAction) -> Request {
    let body = json!({ "action": action.kind, "services": action.services });
    Request::post("/v1/services", operation, &body, Resend::FindChange(action.clone()))
        .naming("service", &action.services)
}
